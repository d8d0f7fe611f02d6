/** Workers on this machine, started as room comes free. A worker that dies is told of, and begun again if it may be. */
import { type ChildProcess, fork } from 'node:child_process';
import { closeSync, mkdirSync, openSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  describeEnding,
  endingOf,
  lastLine,
  logSize,
  outOfMemoryKills,
  tailOf,
} from '@psoft/training/supervise';
import { formatBytes, STOPPED_BY_SIGNAL } from '../commands/progress.ts';
import { type JobState, logFile, readJob, writeJob } from '../sweep/state.ts';
import { HELD } from '../sweep/work.ts';
import type { Launched, LaunchRequest } from './launcher.ts';
import { WORKER_BYTES } from './sizes.ts';

export interface PoolLimits {
  /** Workers at once. */
  readonly jobs: number;
  /** Of all workers together. */
  readonly memoryBytes: number;
  /** As CUDA_VISIBLE_DEVICES names them, one a worker; undefined where none is used. */
  readonly gpus?: readonly string[];
}

const BIN = fileURLToPath(new URL('../../bin/psoft.mjs', import.meta.url));

/** A run that another process is at is asked for again after this. */
const HELD_MILLISECONDS = 2000;

/** A worker may take so long until it says something. */
const START_MILLISECONDS = 30_000;

interface Running {
  readonly child: ChildProcess;
  readonly memoryBytes: number;
  readonly gpu?: string;
  readonly killsBefore: number | undefined;
  readonly hang: NodeJS.Timeout;
  readonly startedAt: number;
  /** Bytes of the log before it. */
  readonly logBefore: number;
  isHung: boolean;
}

export class Pool {
  readonly #waiting: { readonly id: number; readonly notBefore: number }[];
  readonly #running = new Map<number, Running>();
  readonly #starts = new Map<number, number>();
  readonly #killLater = new Set<NodeJS.Timeout>();
  #done = 0;
  #signals = 0;
  readonly #refusals: Promise<void>[] = [];
  #end: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly request: LaunchRequest,
    private readonly limits: PoolLimits,
    /** What is started for each job; another one in tests. */
    private readonly program = BIN,
  ) {
    this.#waiting = request.jobs.map((id) => ({ id, notBefore: Number.NEGATIVE_INFINITY }));
  }

  /** Until every job is over, or a signal has come and every worker has stopped. A second signal ends them at once. */
  async run(): Promise<Launched> {
    const onSignal = () => {
      this.#signals++;
      if (this.#signals === 1)
        this.#say('stopping: every run saves its state; a second signal ends them at once');
      for (const { child } of this.#running.values())
        if (this.#signals === 1) child.kill('SIGTERM');
        else killGroup(child);
      this.#fill();
    };
    process.on('SIGINT', onSignal);
    process.on('SIGTERM', onSignal);
    try {
      await new Promise<void>((resolve) => {
        this.#end = resolve;
        this.#fill();
      });
      await Promise.all(this.#refusals);
    } finally {
      process.off('SIGINT', onSignal);
      process.off('SIGTERM', onSignal);
      clearTimeout(this.#timer);
      for (const timer of this.#killLater) clearTimeout(timer);
    }
    return this.#signals > 0 ? 'stopped' : 'ended';
  }

  get #isStopping(): boolean {
    return this.#signals > 0;
  }

  /** Starts what there is room for. */
  #fill(): void {
    const now = performance.now();
    while (!this.#isStopping && this.#running.size < this.limits.jobs) {
      const at = this.#waiting.findIndex(({ id, notBefore }) => notBefore <= now && this.#hasRoom(id));
      if (at < 0) break;
      const [{ id } = { id: 0 }] = this.#waiting.splice(at, 1);
      if (this.#memoryOf(id) > this.limits.memoryBytes) this.#refusals.push(this.#refuse(id));
      else this.#start(id);
    }
    clearTimeout(this.#timer);
    if (this.#running.size === 0 && (this.#isStopping || this.#waiting.length === 0)) {
      this.#end?.();
      return;
    }
    const later = Math.min(...this.#waiting.map(({ notBefore }) => notBefore).filter((time) => time > now));
    if (Number.isFinite(later)) this.#timer = setTimeout(() => this.#fill(), later - now + 1);
  }

  #hasRoom(id: number): boolean {
    const { gpus, memoryBytes } = this.limits;
    if (gpus !== undefined && this.#freeGpu() === undefined) return false;
    const need = this.#memoryOf(id);
    // What can never fit is refused, not waited for.
    if (need > memoryBytes) return true;
    const taken = [...this.#running.values()].reduce((sum, one) => sum + one.memoryBytes, 0);
    return taken + need <= memoryBytes;
  }

  #freeGpu(): string | undefined {
    const taken = new Set([...this.#running.values()].map(({ gpu }) => gpu));
    return this.limits.gpus?.find((gpu) => !taken.has(gpu));
  }

  /** What nobody has measured takes its share. */
  #memoryOf(id: number): number {
    const { memoryBytes } = this.request.state.jobs[id]!;
    return memoryBytes === undefined
      ? this.limits.memoryBytes / this.limits.jobs
      : memoryBytes + WORKER_BYTES;
  }

  #start(id: number): void {
    const { folder, state } = this.request;
    const job = state.jobs[id]!;
    const gpu = this.#freeGpu();
    const log = logFile(folder, id);
    mkdirSync(path.dirname(log), { recursive: true });
    // A file, not a pipe: a worker may outlive this process, and must then still be able to write.
    const logBefore = logSize(log);
    const output = openSync(log, 'a');
    const child = fork(this.program, ['sweep', 'work', folder, `--job=${id}`, '--yields'], {
      // A group of its own: what a terminal sends to this process's group is for this process to pass on.
      detached: true,
      stdio: ['ignore', output, output, 'ipc'],
      env: { ...process.env, ...(gpu === undefined ? {} : { CUDA_VISIBLE_DEVICES: gpu }) },
    });
    closeSync(output);
    offerToKernel(child);
    // Longer than a worker waits for what computes: then that one's end is told, with its reason.
    const patience = 1.5 * state.watch.hangMilliseconds + START_MILLISECONDS;
    const running: Running = {
      child,
      memoryBytes: this.#memoryOf(id),
      ...(gpu === undefined ? {} : { gpu }),
      killsBefore: outOfMemoryKills(),
      startedAt: performance.now(),
      logBefore,
      isHung: false,
      hang: setTimeout(() => {
        running.isHung = true;
        killGroup(child);
      }, patience),
    };
    this.#running.set(id, running);
    this.#starts.set(id, (this.#starts.get(id) ?? 0) + 1);
    const again = this.#starts.get(id)! > 1 ? ', again' : '';
    const takes = job.memoryBytes === undefined ? '' : ` (about ${formatBytes(job.memoryBytes)})`;
    this.#say(`${job.name}: started${again}${takes}${gpu === undefined ? '' : `, GPU ${gpu}`}`);
    child.on('message', () => running.hang.refresh());
    child.on('error', () => undefined);
    child.on('exit', (code, signal) => void this.#over(id, code, signal));
  }

  async #over(id: number, code: number | null, signal: NodeJS.Signals | null): Promise<void> {
    const running = this.#running.get(id)!;
    clearTimeout(running.hang);
    await this.#settle(id, running, code, signal);
    this.#running.delete(id);
    this.#fill();
  }

  async #settle(id: number, running: Running, code: number | null, signal: NodeJS.Signals | null) {
    const { folder, state } = this.request;
    const { name } = state.jobs[id]!;
    const seconds = ((performance.now() - running.startedAt) / 1000).toFixed(0);
    if (code === HELD) {
      const starts = this.#starts.get(id)! - 1;
      this.#starts.set(id, starts);
      this.#waiting.push({ id, notBefore: performance.now() + HELD_MILLISECONDS });
      return this.#say(`${name}: another process is at it; asked for again later`);
    }
    if (code === 0) {
      this.#done++;
      return this.#say(`${name}: done in ${seconds} s`);
    }
    if (code === STOPPED_BY_SIGNAL) {
      if (!this.#isStopping) this.#waiting.push({ id, notBefore: performance.now() + HELD_MILLISECONDS });
      return this.#say(`${name}: stopped, with a checkpoint`);
    }
    const job = readJob(folder, id);
    if (signal === null && job.status === 'failed') {
      this.#done++;
      for (const [label, reason] of Object.entries(job.failures ?? {})) this.#say(`${label}: ${reason}`);
      return;
    }
    await this.#died(id, running, job, code, signal);
  }

  /** A worker that ended without a word. */
  async #died(
    id: number,
    { child, isHung, killsBefore, logBefore }: Running,
    job: JobState,
    code: number | null,
    signal: NodeJS.Signals | null,
  ): Promise<void> {
    const { folder, state } = this.request;
    const { name } = state.jobs[id]!;
    const log = tailOf(logFile(folder, id), logBefore);
    const ending = endingOf(code, signal, killsBefore, log);
    const last = lastLine(log);
    const reason =
      (isHung
        ? 'the worker said nothing for too long and was ended'
        : `the worker died (${describeEnding(ending)})`) +
      (last === undefined ? '' : `; last it said: ${last}`);
    // What computed may be on its way to a checkpoint; if it hangs, it must not keep the run's lock.
    const timer = setTimeout(() => killGroup(child), state.watch.hangMilliseconds);
    this.#killLater.add(timer);
    const mayGoOn = !ending.isCertain && this.#starts.get(id)! < state.watch.attempts && !this.#isStopping;
    const deaths = [...(job.deaths ?? []), reason];
    const status = mayGoOn || this.#isStopping ? 'waiting' : 'died';
    await writeJob(folder, id, { ...job, status, deaths, endedAt: new Date().toISOString() });
    this.#say(`${name}: ${reason}${mayGoOn ? '; it is begun again' : ''}`);
    if (mayGoOn) this.#waiting.push({ id, notBefore: Number.NEGATIVE_INFINITY });
    else this.#done++;
  }

  async #refuse(id: number): Promise<void> {
    const { folder, state } = this.request;
    const { name } = state.jobs[id]!;
    const reason = `needs about ${formatBytes(this.#memoryOf(id))}, the sweep has ${formatBytes(this.limits.memoryBytes)} (--memory)`;
    await writeJob(folder, id, { ...readJob(folder, id), status: 'failed', failures: { [name]: reason } });
    this.#done++;
    this.#say(`${name}: ${reason}`);
  }

  #say(line: string): void {
    process.stderr.write(`[${this.#done}/${this.request.jobs.length}] ${line}\n`);
  }
}

/** Where memory runs out, a worker is to go before the pool, which would take all others along. Of Linux. */
function offerToKernel({ pid }: ChildProcess): void {
  try {
    writeFileSync(`/proc/${pid}/oom_score_adj`, '500');
  } catch {
    // No Linux, or gone already.
  }
}

/** A worker and what it started. */
function killGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // Gone already.
  }
}
