/** Points in processes of their own: a process gives little of its memory back, and may be ended for taking too much. */
import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { cudaEnvironment, nvidiaCards, type RunPrecision, runtimePackage } from '@psoft/engine/devices';
import { collectEnvironment } from '@psoft/results';
import {
  BENCH_VERSION,
  type BenchMeasured,
  type BenchPoint,
  type BenchRecord,
  benchHash,
} from '@psoft/results/bench';
import type { MeasureOptions } from './measure.ts';

/** What the parent asks of a process of its own. */
export interface Job {
  readonly point: BenchPoint;
  readonly options: MeasureOptions;
}

/** The argument that makes a bench measure one point and print it. */
export const ONLY = '--only';

/** Set by the bundle, where neither git nor package.json files are: commit, its state, versions. */
const BUILD = process.env.PSOFT_BENCH_BUILD;

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/** Measures a point, whatever becomes of it. @param self the script that answers {@link ONLY} */
export async function benchRecord(
  self: string,
  point: BenchPoint,
  options: MeasureOptions,
  unavailable?: string,
): Promise<BenchRecord> {
  await mkdir(options.folder, { recursive: true });
  const outcome = unavailable === undefined ? await measured(self, { point, options }) : { unavailable };
  const { systemInfo, codeInfo, packageInfo } = await environmentOf(point, options.threads);
  return {
    schemaVersion: BENCH_VERSION,
    point,
    hash: benchHash(point, systemInfo),
    createdAt: new Date().toISOString(),
    ...outcome,
    metaInfo: { ...(codeInfo === undefined ? {} : { codeInfo }), packageInfo, systemInfo },
  };
}

async function measured(self: string, job: Job): Promise<Pick<BenchRecord, 'measured' | 'unavailable'>> {
  try {
    const both = await inProcess(self, job);
    if (job.point.kind === 'step') return { measured: both };
    const forward = await inProcess(self, { ...job, options: { ...job.options, isForwardOnly: true } });
    const device = forward.peakDeviceMemoryBytes;
    return {
      measured: {
        ...both,
        forwardMilliseconds: forward.bestStepMilliseconds,
        // Of two processes: noise may turn a tiny difference round.
        backwardMilliseconds: Math.max(0, both.bestStepMilliseconds - forward.bestStepMilliseconds),
        forwardPeakMemoryBytes: forward.peakMemoryBytes,
        ...(device === undefined ? {} : { forwardPeakDeviceMemoryBytes: device }),
      },
    };
  } catch (error) {
    return { unavailable: reasonOf(error) };
  }
}

async function inProcess(self: string, job: Job): Promise<BenchMeasured> {
  const { executor, precision } = job.point;
  const env = executor === 'cuda' ? cudaEnvironment(precision as RunPrecision) : {};
  const args = [...process.execArgv, self, ONLY, JSON.stringify(job)];
  const { stdout } = await promisify(execFile)(process.execPath, args, {
    maxBuffer: 1e7,
    env: { ...process.env, ...env },
  });
  return JSON.parse(stdout) as BenchMeasured;
}

/** The process's last words, or the signal that ended it. */
function reasonOf(error: unknown): string {
  const { stderr, signal } = error as { stderr?: string; signal?: string | null };
  if (signal) return `ended by ${signal}${signal === 'SIGKILL' ? ', as where memory runs out' : ''}`;
  const words = (stderr ?? String(error)).trim().split('\n');
  const line = words.find((text) => /^(\w*Error\b|\w*Error: )/.test(text)) ?? words.at(-1)!;
  const memory = /Failed to allocate memory for requested buffer of size (\d+)/.exec(line);
  return memory === null
    ? line.slice(0, 300)
    : `out of memory: a buffer of ${memory[1]} bytes is not to be had`;
}

async function environmentOf({ executor, precision, recompute }: BenchPoint, threads: number | undefined) {
  const [card] = executor === 'cuda' ? nvidiaCards() : [];
  const found = await collectEnvironment(ROOT, {
    executor: 'onnx',
    executionProvider: executor,
    ...(threads === undefined ? {} : { threads }),
    ...(executor === 'cuda' ? { tf32: precision === 'tf32' } : {}),
    ...(card === undefined ? {} : { accelerator: card.name }),
    ...(recompute ? { recompute } : {}),
  });
  const build = BUILD === undefined ? {} : (JSON.parse(BUILD) as Partial<typeof found>);
  const { version } = runtimePackage();
  return {
    ...found,
    ...build,
    packageInfo: { ...found.packageInfo, ...build.packageInfo, 'onnxruntime-node': version },
  };
}
