/** ONNX Runtime's CUDA provider: two libraries that its npm package does not ship, because of their size. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { PROVIDER_REMEDY } from './remedy.ts';

export const PROVIDER_FILES = [
  'libonnxruntime_providers_cuda.so',
  'libonnxruntime_providers_shared.so',
] as const;

export interface RuntimePackage {
  readonly version: string;
  /** Of the npm package. */
  readonly folder: string;
  /** Where its native libraries for this machine lie; undefined where it ships none. */
  readonly libraries: string | undefined;
}

/** The onnxruntime-node that this package uses. */
export function runtimePackage(from: string = import.meta.url): RuntimePackage {
  const manifest = createRequire(from).resolve('onnxruntime-node/package.json');
  const folder = path.dirname(manifest);
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { readonly version: string };
  const bin = path.join(folder, 'bin');
  const place = (existsSync(bin) ? readdirSync(bin) : [])
    .map((name) => path.join(bin, name, process.platform, process.arch))
    .find((one) => existsSync(one));
  return { version, folder, libraries: place };
}

/** Those of {@link PROVIDER_FILES} that are not where the runtime looks for them. */
export function missingProviderFiles({ libraries }: Pick<RuntimePackage, 'libraries'>): readonly string[] {
  return PROVIDER_FILES.filter((name) => libraries === undefined || !existsSync(path.join(libraries, name)));
}

/** Why CUDA cannot be tried at all; undefined where it can. */
export function cudaObstacle(
  runtime: RuntimePackage = runtimePackage(),
  machine: { readonly platform: string; readonly arch: string } = process,
): string | undefined {
  const { platform, arch } = machine;
  if (platform !== 'linux' || arch !== 'x64')
    return `onnxruntime-node computes on CUDA on Linux x64 only, this is ${platform} ${arch}`;
  const missing = missingProviderFiles(runtime);
  return missing.length === 0
    ? undefined
    : `onnxruntime-node ${runtime.version} is without its CUDA provider (${missing.join(', ')}): ${PROVIDER_REMEDY}`;
}
