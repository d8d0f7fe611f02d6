/** Which executors work, tried in processes of their own, and what CUDA and WebGPU are made of. */
import path from 'node:path';
import {
  cudaObstacle,
  missingProviderFiles,
  type NvidiaCard,
  nvidiaCards,
  PROVIDER_FILES,
  PROVIDER_REMEDY,
  type Probe,
  probeExecutor,
  providerLibraries,
  type RunPrecision,
  runtimePackage,
  runtimeVersionIn,
  vulkanDrivers,
} from '@psoft/engine/devices';
import { formatBytes } from '../commands/progress.ts';
import { type Check, fact, fine, missing, type Section } from './report.ts';

/** What was tried, by executor; TF32 of CUDA as it is for the precision that was asked for. */
export interface Tried {
  readonly cpu: Probe;
  readonly cuda: Probe;
  readonly webgpu: Probe;
  /** WebGPU where nothing but a driver that draws on the CPU serves it. */
  readonly software: Probe | undefined;
  readonly eager: readonly Probe[];
}

const EAGER = ['eager-cpu', 'eager-wasm', 'eager-node', 'eager-node-gpu'] as const;

export async function tryExecutors(precision: RunPrecision): Promise<Tried> {
  // One after the other: a card's memory, and two cores, are shared badly.
  const cpu = await probeExecutor('cpu');
  const cuda = await probeExecutor('cuda', { tf32: precision === 'tf32' });
  const webgpu = await probeExecutor('webgpu');
  const software = webgpu.isUsable ? undefined : await probeExecutor('webgpu', { allowSoftware: true });
  const eager: Probe[] = [];
  for (const one of EAGER) eager.push(await probeExecutor(one));
  return { cpu, cuda, webgpu, software: software?.isUsable ? software : undefined, eager };
}

export function executorsSection({ cpu, cuda, webgpu, software, eager }: Tried): Section {
  return {
    title: 'Executors (a product of 256 x 256 matrices against float64)',
    checks: [cpu, cuda, webgpu, ...eager].map((probe) => {
      if (probe.isUsable) return fine(probe.executor, success(probe));
      const isDrawn = probe.executor === 'webgpu' && software !== undefined;
      return missing(
        probe.executor,
        isDrawn ? 'works on a driver that computes on the CPU only' : probe.reason,
      );
    }),
  };
}

function success({ seconds, largestError, tf32 }: Extract<Probe, { isUsable: true }>): string {
  const rounding =
    tf32 === undefined ? '' : `, float32 products ${tf32 ? 'round to TF32' : 'are true float32'}`;
  return `works: started in ${seconds.toFixed(1)} s, off by ${largestError.toExponential(1)}${rounding}`;
}

/** NVIDIA's cards, the provider's two libraries, and each library that it needs. */
export function cudaSection(
  cards: readonly NvidiaCard[] = nvidiaCards(),
  runtime = runtimePackage(),
): Section {
  const obstacle = cudaObstacle(runtime, process);
  const isPlatform = process.platform === 'linux' && process.arch === 'x64';
  const checks: Check[] = cards.map(({ name, memoryBytes, usedBytes, driver, computeCapability }, i) =>
    fine(
      `card ${i}`,
      `${name}, ${formatBytes(memoryBytes)} (${formatBytes(usedBytes)} in use), compute capability ${computeCapability}, driver ${driver}`,
    ),
  );
  if (cards.length === 0)
    checks.push(
      missing(
        'card',
        'nvidia-smi is not there or finds none',
        "install NVIDIA's driver, where there is a card",
      ),
    );
  if (!isPlatform) return { title: 'CUDA', checks: [...checks, missing('provider', obstacle!)] };
  const absent = missingProviderFiles(runtime);
  if (absent.length > 0)
    checks.push(
      missing(
        'provider',
        `onnxruntime-node ${runtime.version} is without ${absent.join(' and ')}`,
        PROVIDER_REMEDY,
      ),
    );
  else checks.push(...providerChecks(runtime));
  const override = process.env.NVIDIA_TF32_OVERRIDE;
  checks.push(
    fact(
      'TF32',
      `${override === undefined ? 'nothing set' : `NVIDIA_TF32_OVERRIDE=${override}`} in this environment; a run switches it off unless --precision tf32 asks for it`,
    ),
  );
  return { title: 'CUDA', checks };
}

function providerChecks({ version, libraries: folder }: ReturnType<typeof runtimePackage>): Check[] {
  const file = path.join(folder!, PROVIDER_FILES[0]);
  const own = runtimeVersionIn(file);
  if (own !== version)
    return [
      missing(
        'provider',
        `of ONNX Runtime ${own ?? 'of an unknown version'}, and onnxruntime-node is ${version}`,
        `${PROVIDER_REMEDY} fetches the one that fits`,
      ),
    ];
  const { cudaMajor, libraries } = providerLibraries(file);
  return [
    fine('provider', `ONNX Runtime ${own}, for CUDA ${cudaMajor ?? 'of an unknown version'}`),
    ...libraries.map(({ name, file, isSearched, remedy }) =>
      file === undefined
        ? missing(name, 'not found', remedy)
        : fine(name, isSearched ? file : `${file} (noted by npm run cuda)`),
    ),
  ];
}

export function webgpuSection(): Section {
  if (process.platform !== 'linux')
    return { title: 'WebGPU', checks: [fact('drivers', `part of ${process.platform}`)] };
  const { manifests, hardware } = vulkanDrivers();
  const names = (files: readonly string[]) => files.map((file) => path.basename(file)).join(', ');
  return {
    title: 'WebGPU',
    checks: [
      manifests.length === 0
        ? missing('Vulkan', 'no driver is installed', "install the card's driver and libvulkan1")
        : fact('Vulkan', `drivers: ${names(manifests)}; of cards: ${names(hardware) || 'none'}`),
    ],
  };
}
