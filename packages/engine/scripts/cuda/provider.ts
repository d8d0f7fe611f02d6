/** Brings ONNX Runtime's CUDA provider to where onnxruntime-node looks for it. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { copyFile, mkdtemp, rename, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import {
  missingProviderFiles,
  PROVIDER_FILES,
  type RuntimePackage,
  runtimeVersionIn,
} from '../../src/devices/index.ts';
import { AddError } from '../command.ts';
import { takeFiles } from './unpack.ts';

export type Outcome = 'downloaded' | 'copied' | 'there';

/** Ways to the same two files for who cannot download them here. */
const otherWays = (version: string) =>
  `take them from elsewhere: npm run cuda -- --from FILE, where FILE is the Python wheel onnxruntime-gpu ${version} ` +
  `(\`pip download --no-deps onnxruntime-gpu==${version}\` where there is a network), the NuGet package ` +
  `Microsoft.ML.OnnxRuntime.Gpu.Linux ${version} (.nupkg), or a folder or an archive with ${PROVIDER_FILES.join(' and ')}`;

/**
 * @param source where they are carried from; downloaded without one
 * @throws AddError where they cannot be had, and for a provider of another version
 */
export async function bringProvider(runtime: RuntimePackage, source: string | undefined): Promise<Outcome> {
  const { libraries, version } = runtime;
  if (libraries === undefined)
    throw new AddError(
      `onnxruntime-node ${version} ships nothing for ${process.platform} ${process.arch}: there is nothing to add to`,
    );
  if (source !== undefined) {
    await copyFrom(path.resolve(source), libraries, version);
    return 'copied';
  }
  if (missingProviderFiles(runtime).length === 0 && versionOf(libraries) === version) return 'there';
  download(runtime);
  if (missingProviderFiles(runtime).length > 0)
    throw new AddError(
      `the installer of onnxruntime-node ${version} ended well without bringing ${missingProviderFiles(runtime).join(' and ')}: ${otherWays(version)}`,
    );
  return 'downloaded';
}

const versionOf = (folder: string) => runtimeVersionIn(path.join(folder, PROVIDER_FILES[0]));

async function copyFrom(source: string, libraries: string, version: string): Promise<void> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'psoft-cuda-'));
  try {
    await takeFiles(source, PROVIDER_FILES, folder);
    const own = versionOf(folder);
    if (own !== version)
      throw new AddError(
        `the provider in ${source} is of ONNX Runtime ${own ?? 'of no version that can be read'}, and onnxruntime-node is ${version}: both must be the same; ${otherWays(version)}`,
      );
    for (const name of PROVIDER_FILES) {
      // A process that has the old one open keeps it.
      const target = path.join(libraries, name);
      await copyFile(path.join(folder, name), `${target}.partial`);
      await rename(`${target}.partial`, target);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The package's own install script, which workspaces refuse to run unasked: it knows version, address and files. */
function download({ folder, version }: RuntimePackage): void {
  const script = path.join(folder, 'script', 'install.js');
  if (!existsSync(script))
    throw new AddError(`onnxruntime-node ${version} has no ${script}: ${otherWays(version)}`);
  try {
    execFileSync(process.execPath, [script, '--onnxruntime-node-install'], {
      cwd: folder,
      stdio: ['ignore', 'inherit', 'pipe'],
      encoding: 'utf8',
    });
  } catch (error) {
    const said = String((error as { stderr?: unknown }).stderr ?? '');
    const line =
      /^\w*Error: .*$/m.exec(said)?.[0] ?? said.trim().split('\n').at(-1) ?? (error as Error).message;
    throw new AddError(
      `the installer of onnxruntime-node ${version} failed (${line}): ${otherWays(version)}`,
    );
  }
}
