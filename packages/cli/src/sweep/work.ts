/** One worker: does the runs of one job of a sweep, and says in the sweep's folder how far it is. */
import { describeHolder, thisProcess } from '@psoft/training/lock';
import { RunHeld } from '@psoft/training/supervise';
import { STOPPED_BY_SIGNAL } from '../commands/progress.ts';
import { type Outcome, runSeries } from '../commands/series.ts';
import { JobWriter } from './jobWriter.ts';
import { type JobState, logFile, readJob, type SweepState } from './state.ts';

/** Exit code of a worker whose run another process is at: it may be asked again later (EX_TEMPFAIL). */
export const HELD = 75;

export interface WorkRequest {
  /** The sweep's folder: states and logs go there. */
  readonly folder: string;
  readonly state: SweepState;
  readonly job: number;
  /** Ends with {@link HELD} where another process is at the run; otherwise waits for it. */
  readonly yields: boolean;
  readonly schedulerId?: string;
}

/**
 * SIGINT, SIGTERM, and the end of the process that started this one, stop it after the current step, with a checkpoint.
 * @returns the exit code: 0 done, 1 something failed, 75 another is at it, 130 stopped
 */
export async function work({ folder, state, job: id, yields, schedulerId }: WorkRequest): Promise<number> {
  const job = state.jobs[id];
  if (job === undefined)
    throw new Error(`the sweep ${state.name} has jobs 0 to ${state.jobs.length - 1}, not ${id}`);
  const runs = job.runs.map((at) => state.runs[at]!);
  const before = readJob(folder, id);
  const deaths = [...(before.deaths ?? []), ...diedBefore(before)];
  const writer = new JobWriter(folder, id, {
    status: 'running',
    starts: before.starts + 1,
    worker: thisProcess(),
    ...(schedulerId === undefined ? {} : { schedulerId }),
    startedAt: new Date().toISOString(),
    ...(deaths.length === 0 ? {} : { deaths }),
  });
  await writer.flush();
  const stop = new StopRequest();
  const life = new Life();
  try {
    const { restart, ...options } = state.options;
    const outcomes = await runSeries(
      runs,
      // A worker that is started again goes on.
      { ...options, ...(restart && before.starts === 0 ? { restart } : {}) },
      {
        attempts: state.watch.attempts,
        hangMilliseconds: state.watch.hangMilliseconds,
        isPatient: true,
        logFile: logFile(folder, id),
        yields,
        shouldStop: () => stop.isAsked,
        onRun: (run) => writer.update({ run }),
        onStep: (step, totalSteps) => writer.update({ step, totalSteps }),
        onLife: () => life.show(),
        onDeath: (_, reason) => writer.update({ deaths: [...(writer.state.deaths ?? []), reason] }),
      },
    );
    const endedAt = new Date().toISOString();
    if (outcomes === undefined) {
      writer.update({ status: 'stopped', endedAt });
      return STOPPED_BY_SIGNAL;
    }
    const failures = failuresOf(runs, outcomes);
    const isFailed = Object.keys(failures).length > 0;
    writer.update({ status: isFailed ? 'failed' : 'done', endedAt, ...(isFailed ? { failures } : {}) });
    return isFailed ? 1 : 0;
  } catch (error) {
    if (error instanceof RunHeld) {
      process.stderr.write(`${error.message}\n`);
      writer.update({ status: 'waiting', starts: before.starts });
      return HELD;
    }
    writer.update({
      status: 'failed',
      endedAt: new Date().toISOString(),
      failures: { [job.name]: (error as Error).message },
    });
    throw error;
  } finally {
    stop.end();
    await writer.flush();
  }
}

/** A job that is said to run when it is started: whoever was at it has ended without a word. */
function diedBefore({ status, worker }: JobState): string[] {
  return status === 'running' ? [`${describeHolder(worker)} ended without a word`] : [];
}

function failuresOf(runs: readonly { readonly label: string }[], outcomes: readonly Outcome[]) {
  return Object.fromEntries(
    outcomes.flatMap((outcome, i) => ('failure' in outcome ? [[runs[i]!.label, outcome.failure]] : [])),
  );
}

/** Signals, and the loss of the process that started this one, mean stop. */
class StopRequest {
  isAsked = false;
  readonly #ask = () => {
    this.isAsked = true;
  };
  // Whoever computes at the moment listens to the signal.
  readonly #orphaned = () => void process.kill(process.pid, 'SIGTERM');

  constructor() {
    process.on('SIGINT', this.#ask);
    process.on('SIGTERM', this.#ask);
    process.on('disconnect', this.#orphaned);
    if (process.send !== undefined && !process.connected) this.#orphaned();
  }

  end(): void {
    process.off('SIGINT', this.#ask);
    process.off('SIGTERM', this.#ask);
    process.off('disconnect', this.#orphaned);
    // The channel would keep this process.
    if (process.connected) process.disconnect();
  }
}

/** Tells the process that started this one, at most once a second, that the work gets on. */
class Life {
  #last = Number.NEGATIVE_INFINITY;

  show(): void {
    const now = performance.now();
    if (now - this.#last < 1000) return;
    this.#last = now;
    if (process.connected) process.send?.({ type: 'life' }, undefined, undefined, () => undefined);
  }
}
