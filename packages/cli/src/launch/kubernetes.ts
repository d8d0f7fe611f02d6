/** A Kubernetes cluster: a manifest that `kubectl apply` takes. Nothing is sent from here. */
import path from 'node:path';
import { writeAtomically } from '@psoft/results';
import { ConfigError } from '@psoft/training/config';
import type { Launcher } from './launcher.ts';
import { type ManifestOptions, manifestOf } from './manifest.ts';

/** @param manifest the file that it goes to */
export function kubernetesLauncher(
  options: Omit<ManifestOptions, 'image' | 'claim'> & Partial<Pick<ManifestOptions, 'image' | 'claim'>>,
  manifest: string | undefined,
): Launcher {
  return {
    name: 'kubernetes',
    launch: async ({ folder, state, jobs }) => {
      const { image, claim } = options;
      if (image === undefined || claim === undefined || manifest === undefined)
        throw new ConfigError(
          '--launcher=kubernetes takes --image (with this project in it), --claim (of a volume that all pods may write to) and --manifest (a .json file to write)',
        );
      const file = path.resolve(manifest);
      const objects = manifestOf(folder, state, jobs, { ...options, image, claim });
      await writeAtomically(file, `${JSON.stringify(objects, null, 2)}\n`);
      process.stderr.write(
        `${jobs.length} runs as Jobs: kubectl apply -f ${path.relative(process.cwd(), file)}\n`,
      );
      return 'submitted';
    },
    words: async () => new Map(),
    cancel: async () => 'Kubernetes is told by kubectl delete -f, with the manifest',
  };
}
