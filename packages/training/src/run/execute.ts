/** One training run from its resolved configuration to its record. Runs inside the training process. */
import { createRequire } from 'node:module';
import { isDevice, tfjsNodeVersions, useBackend } from '@psoft/engine';
import { configHash, type RunIdentity } from '@psoft/results';
import { type EpochRow, Fit, NonFiniteError } from '../fit.ts';
import { CheckpointClock, CheckpointFile, type SavedState } from './checkpoint.ts';
import { assertWritable, isThere, lockRun } from './claim.ts';
import { storeFrozen } from './frozen.ts';
import { runIdentity, runPlaces } from './identity.ts';
import { HeldError, type Lock } from './lock.ts';
import { compileOptionsOf, describeRun, fitConfigOf, type PreparedRun, prepareRun } from './prepare.ts';
import type { RunOptions, RunRequest, RunSummary } from './protocol.ts';
import { RunRecorder } from './record.ts';
import { saveTrained } from './saved.ts';

export interface RunHooks {
  note(text: string): void;
  download(progress: { file: string; done: number; total: number }): void;
  step(info: { step: number; totalSteps: number; loss: number; tokensPerSecond: number }): void;
  epoch(row: EpochRow, isBest: boolean): void;
  shouldStop(): boolean;
  /** This process holds a run's lock. */
  lock(file: string, nonce: string): void;
}

/**
 * Trains, chooses the best epoch on one half of the validation set, reports on the other, saves what was trained and
 * the record. A run that was broken off goes on from its checkpoint. A run that fails or is stopped leaves its record
 * among the runs, never among the results. One process at a time is at one run.
 * @throws HeldError where another process is at it
 */
export async function executeRun({ config, options }: RunRequest, hooks: RunHooks): Promise<RunSummary> {
  const started = performance.now();
  const run = await prepareRun(config, sourceHooks(hooks));
  const identity = runIdentity(config, run.sources);
  const places = runPlaces(identity, options);
  await assertWritable(options.resultsFolder);
  const lock = await lockRun(places.runFolder, options, hooks);
  if (lock === undefined) return { status: 'cancelled', metrics: {}, recordFile: '' };
  try {
    if (isThere(places, options))
      return { status: 'completed', metrics: {}, recordFile: places.resultFile, runFolder: places.runFolder };
    return await trainRun({ run, identity, places, options, lock, started }, hooks);
  } finally {
    lock.release();
  }
}

interface LockedRun {
  readonly run: PreparedRun;
  readonly identity: RunIdentity;
  readonly places: ReturnType<typeof runPlaces>;
  readonly options: RunOptions;
  readonly lock: Lock;
  /** Milliseconds. */
  readonly started: number;
}

async function trainRun(
  { run, identity, places, options, lock, started }: LockedRun,
  hooks: RunHooks,
): Promise<RunSummary> {
  hooks.note(describeRun(run));
  const { config, task, method } = run;
  const { executor, threads } = options;
  const compileOptions = compileOptionsOf(config.training, options);
  const fit = new Fit(method.model, task.fit, fitConfigOf(run), compileOptions);
  const checkpoint = new CheckpointFile(places.runFolder, {
    configHash: configHash(identity),
    executor,
    threads: threads ?? 0,
    versions: await computingVersions(options),
  });
  const from = await savedState(checkpoint, fit.vector.size, options, hooks);
  const seconds = () => (from?.seconds ?? 0) + (performance.now() - started) / 1000;
  const continued = from === undefined ? 0 : from.continued + 1;
  const recorder = new RunRecorder({ run, options, identity, ...places, seconds, continued });
  for (const row of from?.state.rows ?? []) recorder.addEpoch(row);
  const clock = new CheckpointClock(options.checkpointSteps);
  // Before anything is compiled.
  const frozen = await storeFrozen(method, config.training, places.runFolder);
  try {
    const result = await fit.run(
      {
        onStep: (info) => hooks.step(info),
        onEpoch: (row, isBest) => {
          recorder.addEpoch(row);
          hooks.epoch(row, isBest);
        },
        shouldStop: () => hooks.shouldStop(),
        onState: async (state, isEnd) => {
          const now = state();
          if (!isEnd && !clock.isDue(now.step)) return;
          lock.assertHeld();
          const write = () => checkpoint.write({ state: now, seconds: seconds(), continued });
          // At the end it is all that is left of the work; before it, the run may still end well without.
          if (isEnd) await clock.time(write);
          else
            await clock.time(() =>
              write().catch((error: Error) =>
                hooks.note(
                  `the state after step ${now.step} could not be saved, the run goes on: ${error.message}`,
                ),
              ),
            );
        },
      },
      from?.state,
    );
    if (result.status === 'cancelled') {
      const recordFile = await recorder.write({ status: 'cancelled' });
      return { status: 'cancelled', metrics: {}, recordFile };
    }
    const metrics: Record<string, number> = {};
    for (const split of task.reported) {
      const outputs = await fit.predict(split);
      for (const [name, value] of Object.entries(task.fit.metrics(split, outputs)))
        metrics[split === 'report' ? name : `${name}-${split}`] = value;
      await recorder.writePredictions(split, outputs);
    }
    lock.assertHeld();
    const adapterFolder = await saveTrained(run, places.runFolder);
    const recordFile = await recorder.write({
      status: 'completed',
      // Where others evaluate there is nothing to report.
      ...(task.reported.length === 0 ? {} : { metrics }),
      ...(result.best === undefined ? {} : { best: result.best }),
      ...(adapterFolder === undefined ? {} : { adapterFolder }),
    });
    // Last: until the record is there, the run can still be finished from it.
    await checkpoint.remove();
    return {
      status: 'completed',
      metrics,
      recordFile,
      runFolder: places.runFolder,
      ...(result.best === undefined
        ? {}
        : {
            bestEpoch: result.best.epoch,
            ...(config.training.evaluationSteps === undefined ? {} : { bestStep: result.best.step }),
            bestMetric: result.best.metric,
          }),
      ...(adapterFolder === undefined ? {} : { adapterFolder }),
    };
  } catch (error) {
    if (error instanceof HeldError) throw error;
    // The best parameters before the failure are in the model: keep them. What led to it must not be continued.
    if (error instanceof NonFiniteError) {
      await saveTrained(run, places.runFolder);
      await checkpoint.remove();
    }
    await recorder
      .write({ status: 'failed', error: (error as Error).message })
      .catch((second: Error) => hooks.note(`the failure could not be recorded: ${second.message}`));
    throw error;
  } finally {
    await fit.dispose();
    await frozen.remove();
  }
}

export function sourceHooks(hooks: Pick<RunHooks, 'note' | 'download'>) {
  return {
    onNote: (line: string) => hooks.note(line),
    onProgress: (progress: { file: string; done: number; total: number }) => hooks.download(progress),
  };
}

async function savedState(
  checkpoint: CheckpointFile,
  size: number,
  { restart }: RunOptions,
  hooks: RunHooks,
): Promise<SavedState | undefined> {
  if (!checkpoint.exists) return undefined;
  if (restart) {
    await checkpoint.remove();
    return undefined;
  }
  const saved = await checkpoint.read(size);
  hooks.note(
    `continuing after step ${saved.state.step} from ${checkpoint.file} (--restart begins the run anew)`,
  );
  return saved;
}

/** Of what decides every bit of a step; TensorFlow's library, where that is it, is loaded to be asked. */
async function computingVersions({ executor, threads }: RunOptions): Promise<string> {
  if (!isDevice(executor)) await useBackend(executor, threads);
  const require = createRequire(import.meta.resolve('@psoft/engine'));
  const version = (name: string) => (require(`${name}/package.json`) as { version: string }).version;
  const packages = ['onnxruntime-node', '@tensorflow/tfjs'].map((name) => [name, version(name)] as const);
  return [...packages, ...Object.entries(tfjsNodeVersions())].map((pair) => pair.join(' ')).join(', ');
}
