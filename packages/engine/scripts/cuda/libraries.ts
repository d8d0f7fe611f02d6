/** Finds NVIDIA's libraries that the loader does not look for, and notes their folders for runs. */
import { readdirSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import {
  CUDA_NOTE,
  foldersWith,
  isX64Library,
  type NeededLibrary,
  providerLibraries,
} from '../../src/devices/index.ts';

/** Where CUDA and Python's wheels of it usually are. */
function usualPlaces(): string[] {
  const pythons = ['/usr/lib', '/usr/local/lib', path.join(os.homedir(), '.local/lib')].flatMap((root) =>
    entriesOf(root)
      .filter((name) => name.startsWith('python3'))
      .flatMap((name) =>
        ['site-packages', 'dist-packages'].map((kind) => path.join(root, name, kind, 'nvidia')),
      ),
  );
  const own = [
    process.env.CUDA_HOME,
    process.env.CUDA_PATH,
    process.env.VIRTUAL_ENV,
    process.env.CONDA_PREFIX,
  ];
  return ['/usr/local/cuda/lib64', ...own.filter((one) => one !== undefined), ...pythons];
}

function entriesOf(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

export interface Noted {
  readonly cudaMajor: number | undefined;
  readonly libraries: readonly NeededLibrary[];
  /** What runs will add to the loader's search. */
  readonly folders: readonly string[];
}

/**
 * Looks for what the loader would not find, below the folders given, then where it usually is.
 * @param note the file that runs read
 */
export async function noteLibraries(
  provider: string,
  given: readonly string[],
  note: string = CUDA_NOTE,
): Promise<Noted> {
  const before = providerLibraries(provider, process.env, []).libraries;
  const absent = before.filter(({ file }) => file === undefined).map(({ name }) => name);
  const roots = given.map((folder) => path.resolve(folder));
  const folders = firstOfEach(absent, [...roots, ...usualPlaces()]);
  await mkdir(path.dirname(note), { recursive: true });
  await writeFile(note, `${JSON.stringify({ folders }, null, 2)}\n`);
  return { ...providerLibraries(provider, process.env, folders), folders };
}

/** For each library the first folder that has it. */
function firstOfEach(names: readonly string[], roots: readonly string[]): string[] {
  const folders = new Set<string>();
  for (const name of names)
    for (const root of roots) {
      const folder = foldersWith([name], [root]).find((one) => isX64Library(path.join(one, name)));
      if (folder === undefined) continue;
      folders.add(folder);
      break;
    }
  return [...folders];
}
