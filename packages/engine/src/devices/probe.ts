/** Tries an executor: a small product in a process of its own, since a driver may take its whole process down. */
import { fork } from 'node:child_process';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Executor } from '../run/program.ts';
import { cudaEnvironment } from './environment.ts';
import { absentLibraries } from './libraries.ts';
import { cudaObstacle, PROVIDER_FILES, runtimePackage } from './provider.ts';
import { withoutSoftwareAdapters } from './vulkan.ts';

export interface ProbeSuccess {
  readonly executor: Executor;
  readonly isUsable: true;
  /** Opening a session and running it once. */
  readonly seconds: number;
  /** Of a product of random matrices, from the same in float64. */
  readonly largestError: number;
  /** Whether products of float32 were rounded to TF32: measured, of CUDA. */
  readonly tf32?: boolean;
}

export interface ProbeFailure {
  readonly executor: Executor;
  readonly isUsable: false;
  /** One line. */
  readonly reason: string;
}

export type Probe = ProbeSuccess | ProbeFailure;

export interface ProbeOptions {
  /** Of CUDA: leave TF32 on. */
  readonly tf32?: boolean;
  /** Of WebGPU: take drivers that draw on the CPU, too. */
  readonly allowSoftware?: boolean;
  readonly timeoutMilliseconds?: number;
  /** For tests: what runs in the process. */
  readonly script?: string;
}

const IS_SOURCE = import.meta.url.endsWith('.ts');
const CHILD = fileURLToPath(new URL(IS_SOURCE ? './probeChild.ts' : './probeChild.js', import.meta.url));

/** Never throws: what goes wrong is the answer. */
export async function probeExecutor(executor: Executor, options: ProbeOptions = {}): Promise<Probe> {
  if (executor !== 'cuda' || options.script !== undefined) return tryOut(executor, options);
  const runtime = runtimePackage();
  const obstacle = cudaObstacle(runtime);
  if (obstacle !== undefined) return { executor, isUsable: false, reason: obstacle };
  const probe = await tryOut(executor, options);
  if (probe.isUsable) return probe;
  const absent = absentLibraries(path.join(runtime.libraries!, PROVIDER_FILES[0]));
  return absent.length === 0 ? probe : { ...probe, reason: `${probe.reason}; it lacks ${absent.join(', ')}` };
}

function tryOut(executor: Executor, options: ProbeOptions): Promise<Probe> {
  const { tf32 = false, allowSoftware = false, timeoutMilliseconds = 120_000, script = CHILD } = options;
  const child = fork(script, [executor, String(tf32)], {
    execArgv: script.endsWith('.ts')
      ? ['--import', pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href]
      : [],
    env: {
      ...process.env,
      ...(executor === 'cuda' ? cudaEnvironment(tf32 ? 'tf32' : 'f32') : {}),
      ...(executor === 'webgpu' && !allowSoftware ? withoutSoftwareAdapters() : {}),
    },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  return new Promise((resolve) => {
    let words = '';
    let answer: Probe | undefined;
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      child.kill('SIGKILL');
    }, timeoutMilliseconds);
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      words = (words + text).slice(-4000);
    });
    child.on('message', (message: Probe) => {
      answer = message;
    });
    child.on('error', (error) => {
      clearTimeout(timer);
      resolve({ executor, isUsable: false, reason: `no process could be started: ${error.message}` });
    });
    child.on('exit', (code, signal) => {
      clearTimeout(timer);
      const end = () => {
        const how = isLate
          ? `did not answer within ${timeoutMilliseconds / 1000} s`
          : `the driver took the process down (${signal ?? `exit code ${code}`})`;
        const last = words.trim().split('\n').at(-1);
        resolve(answer ?? { executor, isUsable: false, reason: [how, last].filter(Boolean).join(': ') });
      };
      // What it said last may still be on its way.
      if (child.connected) child.once('disconnect', end);
      else end();
    });
  });
}
