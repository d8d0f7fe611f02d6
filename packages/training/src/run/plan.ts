/** What a run would do and cost: counted from its data, and timed on a few steps of each padded length. */
import type { CompileOptions } from '@psoft/engine';
import { dropoutStep } from '@psoft/engine';
import { configHash, peakMemoryBytes } from '@psoft/results';
import { Evaluator } from '../evaluator.ts';
import { type Batch, Fit, warmupStepsOf } from '../fit.ts';
import { clipFactor } from '../optimiser.ts';
import { compileTrainStep } from '../programs.ts';
import { countParameters } from '../trainable.ts';
import { createUpdater } from '../updater.ts';
import { type RunHooks, sourceHooks } from './execute.ts';
import { runIdentity } from './identity.ts';
import type { ExampleSample } from './kinds/kind.ts';
import { compileOptionsOf, describeRun, fitConfigOf, type PreparedRun, prepareRun } from './prepare.ts';
import type { RunRequest } from './protocol.ts';

/** What batches of one padded length cost. */
export interface BucketPlan {
  readonly length: number;
  readonly trainBatches: number;
  readonly evaluationBatches: number;
  /**
   * Forward, backward, clipping and update; best of the timed steps. Absent where there are no such batches. Of
   * micro-batches too, whose updates are fewer.
   */
  readonly stepMilliseconds?: number;
  readonly evaluationMilliseconds?: number;
  readonly compileSeconds: number;
}

export interface RunPlan {
  readonly configHash: string;
  readonly description: string;
  readonly stepsAnEpoch: number;
  readonly epochs: number;
  readonly totalSteps: number;
  readonly warmupSteps: number;
  readonly buckets: readonly BucketPlan[];
  /** Share of the padded places in training batches that hold no token. */
  readonly paddingShare: number;
  /** A training example as the model sees it, where the task can show one. */
  readonly sample?: ExampleSample;
  /** Of all examples, those that fill the maximum length: they may have been cut. */
  readonly atMaxLength: number;
  readonly parameters: { readonly adapter: number; readonly head: number; readonly total: number };
  readonly memory: {
    /** As float32. */
    readonly weightsBytes: number;
    /** Values, gradient, two moments, the best values. */
    readonly trainingBytes: number;
    /** Measured after the longest batches' steps. */
    readonly peakBytes: number;
  };
  readonly seconds: { readonly compile: number; readonly train: number; readonly evaluate: number };
}

export type { ExampleSample } from './kinds/kind.ts';

const TIMED_STEPS = 3;

/** Trains a few steps on copies and writes nothing. */
export async function planRun({ config, options }: RunRequest, hooks: RunHooks): Promise<RunPlan> {
  const run = await prepareRun(config, sourceHooks(hooks));
  const compileOptions = compileOptionsOf(config.training, options);
  const { fit } = run.task;
  const fitConfig = fitConfigOf(run);
  const first = fit.trainBatches(0);
  const totalSteps = new Fit(run.method.model, fit, fitConfig, compileOptions).totalSteps(first.length);
  const epochs = Math.ceil(totalSteps / first.length);
  const trainBatches: Batch[] = [];
  for (let epoch = 0; epoch < epochs; epoch++)
    trainBatches.push(
      ...(epoch === 0 ? first : fit.trainBatches(epoch)).slice(0, totalSteps - trainBatches.length),
    );
  const selection = run.task.selection === undefined ? [] : fit.evaluationBatches(run.task.selection.split);
  const reported = run.task.reported.flatMap((split) => fit.evaluationBatches(split));
  const { evaluationSteps } = config.training;
  const evaluations = evaluationSteps === undefined ? epochs : Math.ceil(totalSteps / evaluationSteps);
  const evaluationBatches = [...Array.from({ length: evaluations }, () => selection).flat(), ...reported];

  // What is run: a batch, or each of its parts.
  const trainRuns = trainBatches.flatMap((batch) => batch.parts ?? [batch]);
  const buckets: BucketPlan[] = [];
  const lengths = new Set([...trainRuns, ...evaluationBatches].map(({ bucket }) => bucket));
  for (const length of [...lengths].sort((a, b) => a - b)) {
    if (hooks.shouldStop()) throw new Error('stopped while timing; nothing was written');
    const train = trainRuns.filter(({ bucket }) => bucket === length);
    const evaluate = evaluationBatches.filter(({ bucket }) => bucket === length);
    const timed = await timeBucket(run, train[0], evaluate[0], compileOptions);
    buckets.push({ length, trainBatches: train.length, evaluationBatches: evaluate.length, ...timed });
  }
  const { batchSize, microBatchSize = batchSize } = config.training;
  const places = trainRuns.reduce((sum, { bucket }) => sum + bucket * microBatchSize, 0);
  const tokens = trainBatches.reduce((sum, batch) => sum + batch.tokens, 0);
  const { model } = run.method;
  const trained = countParameters(model);
  const head = countParameters(model, 'head');
  const sample = run.task.sample?.();
  const all = [...run.model.weights.values()].reduce(
    (sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1),
    0,
  );
  const sum = (of: (bucket: BucketPlan) => number) =>
    buckets.reduce((total, bucket) => total + of(bucket), 0);
  return {
    configHash: configHash(runIdentity(config, run.sources)),
    description: describeRun(run),
    stepsAnEpoch: first.length,
    epochs,
    totalSteps,
    warmupSteps: warmupStepsOf(config.training, totalSteps),
    buckets,
    paddingShare: 1 - tokens / places,
    ...(sample === undefined ? {} : { sample }),
    atMaxLength: run.task.atMaxLength,
    parameters: { adapter: trained - head, head, total: all + countParameters(model, 'adapter') },
    memory: { weightsBytes: 4 * all, trainingBytes: 5 * 4 * trained, peakBytes: peakMemoryBytes() },
    seconds: {
      compile: sum(({ compileSeconds }) => compileSeconds),
      train: sum(({ trainBatches, stepMilliseconds = 0 }) => (trainBatches * stepMilliseconds) / 1000),
      evaluate: sum(
        ({ evaluationBatches, evaluationMilliseconds = 0 }) =>
          (evaluationBatches * evaluationMilliseconds) / 1000,
      ),
    },
  };
}

async function timeBucket(
  { config, method, task }: PreparedRun,
  train: Batch | undefined,
  evaluate: Batch | undefined,
  options: CompileOptions,
): Promise<Omit<BucketPlan, 'length' | 'trainBatches' | 'evaluationBatches'>> {
  const fit = new Fit(method.model, task.fit, fitConfigOf({ config, task }), options);
  const { vector } = fit;
  let compileSeconds = 0;
  let stepMilliseconds: number | undefined;
  let evaluationMilliseconds: number | undefined;
  if (train !== undefined) {
    const start = performance.now();
    const spec = task.fit.trainSpec(train.bucket);
    // As the run will do it, with learning rates of 0.
    const updater = await createUpdater(vector, {}, options);
    const { resident } = updater;
    const step = await compileTrainStep(method.model, vector, task.fit.loss, spec, { ...options, resident });
    compileSeconds += (performance.now() - start) / 1000;
    stepMilliseconds = await best(async (at) => {
      await updater.add(step, { batch: train.inputs, dropout: dropoutStep(config.seed, at) });
      const factor = clipFactor(await updater.norm(), config.training.maxGradNorm);
      await updater.update(() => 0, factor);
    });
    await step.program.dispose();
    await updater.dispose();
  }
  if (evaluate !== undefined) {
    const evaluator = new Evaluator(method.model, vector, options, (_, { stats }) => {
      compileSeconds += ((stats.traceMilliseconds ?? 0) + (stats.sessionMilliseconds ?? 0)) / 1000;
    });
    evaluationMilliseconds = await best(() =>
      evaluator.predict([evaluate], (bucket) => task.fit.evaluationSpec(bucket)),
    );
    await evaluator.dispose();
  }
  return {
    compileSeconds,
    ...(stepMilliseconds === undefined ? {} : { stepMilliseconds }),
    ...(evaluationMilliseconds === undefined ? {} : { evaluationMilliseconds }),
  };
}

/** Milliseconds of the fastest of a few calls; the first one, which warms up, does not count. */
async function best(call: (at: number) => Promise<unknown>): Promise<number> {
  let fastest = Number.POSITIVE_INFINITY;
  for (let at = 0; at <= TIMED_STEPS; at++) {
    const start = performance.now();
    await call(at);
    if (at > 0) fastest = Math.min(fastest, performance.now() - start);
  }
  return fastest;
}
