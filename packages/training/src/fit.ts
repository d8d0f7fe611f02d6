/** The training loop: steps, evaluation after each epoch, the best parameters kept. Knows no task and no file. */
import { setImmediate } from 'node:timers/promises';
import {
  type CompileOptions,
  dropoutStep,
  type Program,
  type TrainableModel,
  type TypedArray,
} from '@psoft/engine';
import { Evaluator } from './evaluator.ts';
import { GradScaler, type GradScalerConfig, type GradScalerState } from './gradScaler.ts';
import { Meter, type MeterState } from './meter.ts';
import { type AdamWState, clipFactor, initialState, SCHEDULES, type ScheduleName } from './optimiser.ts';
import { ParameterVector } from './parameters.ts';
import { type BatchSpec, compileTrainStep, type LossFunction, type TrainStep } from './programs.ts';
import { createUpdater, type Updater } from './updater.ts';

/** Examples made ready for one compiled shape. */
export interface Batch {
  /** Which compiled program it fits: the padded length. */
  readonly bucket: number;
  readonly inputs: Readonly<Record<string, TypedArray>>;
  /** Real examples, without padding rows. */
  readonly rows: number;
  /** Real tokens, without padding; of an image, its patches and class token. */
  readonly tokens: number;
  /** Which examples of the set, for messages. */
  readonly examples: ArrayLike<number>;
  /**
   * What is run one after the other for one update: losses and gradients of the parts are summed. Each fits a program
   * of its own; `inputs` of the whole are then not read.
   */
  readonly parts?: readonly Batch[];
}

export interface FitTask {
  /** Inputs that the loss needs, for a bucket; the model's own are among them. */
  trainSpec(bucket: number): BatchSpec;
  evaluationSpec(bucket: number): BatchSpec;
  readonly loss: LossFunction;
  /** The batches of a 0-based epoch; the same for the same epoch, and as many in each. */
  trainBatches(epoch: number): readonly Batch[];
  /** Batches of a named split, each example once, in any order. */
  evaluationBatches(split: string): readonly Batch[];
  /**
   * Metrics from the first output's row of every real example, in the split's own order; or, where that output is a
   * scalar, from its sum over the batches.
   */
  metrics(split: string, outputs: readonly Float32Array[]): Record<string, number>;
}

export interface FitConfig {
  readonly epochs: number;
  readonly learningRate: number;
  readonly headLearningRate: number;
  readonly weightDecay: number;
  /** Share of all steps, rounded down; 0 when left out. */
  readonly warmupRatio?: number;
  /** Instead of a share: so many steps. */
  readonly warmupSteps?: number;
  /** How the rates fall after the warm-up; linearly when left out. */
  readonly schedule?: ScheduleName;
  /** Gradients are scaled to at most this norm; undefined leaves them. */
  readonly maxGradNorm?: number;
  /** Stops after so many steps, for trials. */
  readonly maxSteps?: number;
  /** What chooses the best epoch. Without it the last epoch's values are kept. */
  readonly selection?: SelectionRule;
  /** Evaluates after every so many steps and the last one, instead of after every epoch. */
  readonly evaluationSteps?: number;
  readonly dropoutSeed: number;
  /** Of programs in f16; torch's when left out. */
  readonly gradScaler?: GradScalerConfig;
}

export interface SelectionRule {
  readonly split: string;
  readonly metric: string;
  /** As of a loss; without it larger is better. */
  readonly isSmallerBetter?: boolean;
}

export interface EpochRow {
  /** 1-based: the epoch that ended, or the one that the step is in. */
  readonly epoch: number;
  readonly step: number;
  readonly trainLoss: number;
  readonly selection: Record<string, number>;
  readonly learningRate: number;
  readonly trainSeconds: number;
  readonly evalSeconds: number;
  readonly tokensPerSecond: number;
  readonly medianStepMilliseconds: number;
  readonly meanGradientNorm: number;
  /** In f16: of all so far, those whose gradient overflowed, so that no parameter changed. */
  readonly skippedSteps?: number;
}

export interface FitHooks {
  onStep?(info: { step: number; totalSteps: number; loss: number; tokensPerSecond: number }): void;
  onEpoch?(row: EpochRow, isBest: boolean): void | Promise<void>;
  /** Asked after every step; true ends the run after the current step. */
  shouldStop?(): boolean;
  /**
   * Called wherever the run can be broken off and go on later: after a step, after an epoch's evaluation, and last
   * before a run that was told to stop ends.
   * @param isEnd true in that last call
   */
  onState?(state: () => FitState, isEnd: boolean): void | Promise<void>;
}

/** All that a run needs to go on as if it had never stopped. Arrays are the run's own: write them out or copy them. */
export interface FitState {
  readonly step: number;
  /** 0-based, and how many of its batches are done. */
  readonly epoch: number;
  readonly batch: number;
  readonly values: Float32Array;
  readonly optimiser: AdamWState;
  readonly best:
    | {
        readonly epoch: number;
        readonly step: number;
        readonly metric: number;
        readonly values: Float32Array;
      }
    | undefined;
  readonly rows: readonly EpochRow[];
  /** Since the last row. */
  readonly meter: MeterState;
  /** In f16. */
  readonly gradScaler?: GradScalerState;
}

export interface FitResult {
  readonly status: 'completed' | 'cancelled';
  readonly rows: readonly EpochRow[];
  readonly best: { readonly epoch: number; readonly step: number; readonly metric: number } | undefined;
  readonly steps: number;
  readonly programs: ProgramSummary[];
}

export interface ProgramSummary {
  readonly kind: 'train' | 'evaluate';
  readonly bucket: number;
  readonly onnxNodes?: number;
  readonly milliseconds: number;
}

/** Loss or gradient stopped being a number, and scaling did not help. Parameters are those of before the step. */
export class NonFiniteError extends Error {
  override readonly name = 'NonFiniteError';
}

export class Fit {
  readonly vector: ParameterVector;
  readonly #train = new Map<number, TrainStep>();
  readonly #evaluator: Evaluator;
  readonly #programs: ProgramSummary[] = [];
  #updater: Updater | undefined;
  #early: (Pick<Batch, 'inputs'> & { readonly batch: Batch }) | undefined;

  constructor(
    private readonly model: TrainableModel,
    private readonly task: FitTask,
    private readonly config: FitConfig,
    private readonly options: CompileOptions = {},
  ) {
    this.vector = new ParameterVector(model.parameters);
    this.#evaluator = new Evaluator(model, this.vector, options, (bucket, program) =>
      this.#note('evaluate', bucket, program),
    );
  }

  /**
   * Trains to the end and leaves the best epoch's parameters in the model, or the last one's where none is chosen.
   * @param from where a run of the same model, task and configuration was broken off
   * @throws NonFiniteError; the model then holds the best parameters so far
   */
  async run(hooks: FitHooks = {}, from?: FitState): Promise<FitResult> {
    const { config, task, vector } = this;
    let batches = task.trainBatches(from?.epoch ?? 0);
    if (batches.length === 0)
      throw new Error('the training set has no batches: give it at least one example');
    const totalSteps = this.totalSteps(batches.length);
    const warmupSteps = warmupStepsOf(config, totalSteps);
    const schedule = SCHEDULES[config.schedule ?? 'linear'];
    if (from !== undefined) vector.values.set(from.values);
    this.#updater ??= await createUpdater(vector, { weightDecay: config.weightDecay }, this.options);
    const updater = this.#updater;
    await updater.restore(from?.optimiser ?? initialState(vector.size));
    const scaler =
      this.options.precision === 'f16' ? new GradScaler(config.gradScaler, from?.gradScaler) : undefined;
    // A step that was skipped does not count for it (transformers' Trainer).
    const rateFactor = () => schedule(step - (scaler?.skippedSteps ?? 0), warmupSteps, totalSteps);
    const rows: EpochRow[] = [...(from?.rows ?? [])];
    const period = config.evaluationSteps;
    let best = from?.best;
    let step = from?.step ?? 0;
    let meter = new Meter(from?.meter);
    let stopped = false;

    /** Evaluates, adds a row, and keeps the values if they are the best so far. */
    const endPeriod = async (epoch: number): Promise<void> => {
      const start = performance.now();
      updater.pull();
      const selection = config.selection ? await this.evaluate(config.selection.split) : {};
      const row: EpochRow = {
        epoch,
        step,
        selection,
        learningRate: config.learningRate * rateFactor(),
        evalSeconds: (performance.now() - start) / 1000,
        ...meter.summary(),
        ...(scaler === undefined ? {} : { skippedSteps: scaler.skippedSteps }),
      };
      rows.push(row);
      meter = new Meter();
      let isBest = false;
      if (config.selection) {
        const metric = selection[config.selection.metric];
        if (metric === undefined)
          throw new Error(
            `no metric "${config.selection.metric}": the task computes ${Object.keys(selection).join(', ')}`,
          );
        isBest = best === undefined || isBetter(metric, best.metric, config.selection);
        if (isBest) best = { epoch, step, metric, values: Float32Array.from(vector.values) };
      }
      if (isBest || !config.selection) vector.writeThrough();
      await hooks.onEpoch?.(row, isBest);
    };

    try {
      for (let epoch = from?.epoch ?? 0; epoch < config.epochs && !stopped; epoch++) {
        const isFirst = epoch === (from?.epoch ?? 0);
        if (!isFirst) batches = task.trainBatches(epoch);
        let done = isFirst ? (from?.batch ?? 0) : 0;
        const state = (): FitState => {
          updater.pull();
          return {
            step,
            epoch,
            batch: done,
            values: vector.values,
            optimiser: updater.state,
            best,
            rows,
            meter: meter.state,
            ...(scaler === undefined ? {} : { gradScaler: scaler.state }),
          };
        };
        while (done < batches.length && step < totalSteps && !stopped) {
          const batch = batches[done]!;
          // Compiling is no part of a step's time.
          for (const { bucket } of batch.parts ?? [batch]) await this.#trainStep(bucket);
          const start = performance.now();
          const scale = scaler?.scale ?? 1;
          const loss = await this.#addParts(updater, batch, step, scale, batches[done + 1]);
          const norm = (await updater.norm()) / scale;
          const isSkipped = !Number.isFinite(norm) && scaler?.skipped() === true;
          if (isSkipped) updater.skip();
          else {
            this.#assertFinite(norm, step, batch, 'gradient norm', () => updater.gradient());
            const factor = rateFactor();
            await updater.update(
              (group) => factor * (group === 'head' ? config.headLearningRate : config.learningRate),
              (config.maxGradNorm === undefined ? 1 : clipFactor(norm, config.maxGradNorm)) / scale,
            );
            scaler?.applied();
          }
          meter.add(loss, isSkipped ? undefined : norm, performance.now() - start, batch.tokens);
          step++;
          done++;
          hooks.onStep?.({ step, totalSteps, loss, tokensPerSecond: meter.tokensPerSecond });
          // Lets messages and signals in: ONNX Runtime blocks this thread while it runs.
          await setImmediate();
          if (period !== undefined && step % period === 0 && step < totalSteps) await endPeriod(epoch + 1);
          stopped = hooks.shouldStop?.() === true;
          await hooks.onState?.(state, stopped);
        }
        if (stopped) break;
        if (period === undefined || step >= totalSteps) await endPeriod(epoch + 1);
        if (step >= totalSteps) break;
        stopped = hooks.shouldStop?.() === true;
        const next = (): FitState => ({ ...state(), epoch: epoch + 1, batch: 0 });
        await hooks.onState?.(next, stopped);
      }
    } finally {
      updater.pull();
      if (best !== undefined) {
        vector.values.set(best.values);
        vector.writeThrough();
      }
    }
    return {
      status: stopped ? 'cancelled' : 'completed',
      rows,
      best: best && { epoch: best.epoch, step: best.step, metric: best.metric },
      steps: step,
      programs: this.#programs,
    };
  }

  /** Steps of a whole run whose epochs have so many batches. */
  totalSteps(batchesAnEpoch: number): number {
    const { epochs, maxSteps } = this.config;
    return Math.min(epochs * batchesAnEpoch, maxSteps ?? Number.POSITIVE_INFINITY);
  }

  /** The first output of the model for every real example of a split, in the split's own order. */
  predict(split: string): Promise<Float32Array[]> {
    return this.#evaluator.predict(this.task.evaluationBatches(split), (bucket) =>
      this.task.evaluationSpec(bucket),
    );
  }

  async evaluate(split: string): Promise<Record<string, number>> {
    return this.task.metrics(split, await this.predict(split));
  }

  async dispose(): Promise<void> {
    for (const { program } of this.#train.values()) await program.dispose();
    await this.#evaluator.dispose();
    await this.#updater?.dispose();
  }

  /** @param following the batch behind it. @returns the loss of a batch, or the sum of its parts' */
  async #addParts(
    updater: Updater,
    batch: Batch,
    step: number,
    gradientScale: number,
    following: Batch | undefined,
  ): Promise<number> {
    const parts = batch.parts ?? [batch];
    const factors = { penaltyShare: 1 / parts.length, gradientScale };
    let sum = 0;
    for (const [at, part] of parts.entries()) {
      // Lets messages in between parts, which may take long.
      if (at > 0) await setImmediate();
      const program = await this.#trainStep(part.bucket);
      const dropout = dropoutStep(this.config.dropoutSeed, step, at);
      const inputs = this.#inputsOf(part);
      const next = parts[at + 1] ?? following?.parts?.[0] ?? following;
      const nextInputs = next && updater.takesNext ? this.#inputsOf(next, true) : undefined;
      const loss = await updater.add(program, { batch: inputs, dropout }, factors, nextInputs);
      this.#assertFinite(loss, step, part, 'loss');
      sum += loss;
    }
    return sum;
  }

  /** Some batches make their inputs anew whenever they are asked: those asked for early are kept until their turn. */
  #inputsOf(batch: Batch, isEarly = false): Batch['inputs'] {
    const kept = this.#early;
    const inputs = kept?.batch === batch ? kept.inputs : batch.inputs;
    this.#early = isEarly ? { batch, inputs } : undefined;
    return inputs;
  }

  async #trainStep(bucket: number): Promise<TrainStep> {
    let step = this.#train.get(bucket);
    if (step === undefined) {
      const { model, vector, task, options } = this;
      const resident = this.#updater!.resident;
      step = await compileTrainStep(model, vector, task.loss, task.trainSpec(bucket), {
        ...options,
        resident,
      });
      this.#train.set(bucket, step);
      this.#note('train', bucket, step.program);
    }
    return step;
  }

  #note(kind: ProgramSummary['kind'], bucket: number, { stats }: Program): void {
    const milliseconds = (stats.traceMilliseconds ?? 0) + (stats.sessionMilliseconds ?? 0);
    this.#programs.push({
      kind,
      bucket,
      milliseconds,
      ...(stats.onnxNodes === undefined ? {} : { onnxNodes: stats.onnxNodes }),
    });
  }

  #assertFinite(
    value: number,
    step: number,
    batch: Batch,
    what: string,
    gradient?: () => Float32Array,
  ): void {
    if (Number.isFinite(value)) return;
    const first = gradient?.().findIndex((one) => !Number.isFinite(one)) ?? -1;
    const where = first < 0 ? '' : `, first in "${this.vector.nameAt(first)}"`;
    const examples = Array.from(batch.examples).slice(0, 8).join(', ');
    const advice = this.options.precision === 'f16' ? 'use bf16 or f32 (f16 ends at 65,504), ' : '';
    throw new NonFiniteError(
      `${what} is ${value} at step ${step + 1}${where} (length ${batch.bucket}, examples ${examples}, ...): ` +
        `${advice}lower the learning rate or look at those examples; the best parameters so far are kept`,
    );
  }
}

/** Steps over which the rates rise. */
export function warmupStepsOf(
  { warmupSteps, warmupRatio = 0 }: Pick<FitConfig, 'warmupSteps' | 'warmupRatio'>,
  totalSteps: number,
): number {
  return warmupSteps ?? Math.floor(warmupRatio * totalSteps);
}

function isBetter(one: number, other: number, { isSmallerBetter = false }: SelectionRule): boolean {
  return isSmallerBetter ? one < other : one > other;
}
