/** The training loop: steps, evaluation after each epoch, the best parameters kept. Knows no task and no file. */
import { setImmediate } from 'node:timers/promises';
import {
  type CompileOptions,
  dropoutStep,
  type Program,
  type TrainableModel,
  type TypedArray,
} from '@psoft/engine';
import { AdamW, clipGradient, linearSchedule } from './optimiser.ts';
import { ParameterVector } from './parameters.ts';
import {
  type BatchSpec,
  compileEvaluation,
  compileTrainStep,
  type LossFunction,
  type TrainStep,
} from './programs.ts';

/** Examples made ready for one compiled shape. */
export interface Batch {
  /** Which compiled program it fits: the padded length. */
  readonly bucket: number;
  readonly inputs: Record<string, TypedArray>;
  /** Real examples, without padding rows. */
  readonly rows: number;
  /** Real tokens, without padding. */
  readonly tokens: number;
  /** Which examples of the set, for messages. */
  readonly examples: ArrayLike<number>;
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
  /** Metrics from the first output's row of every real example, in the split's own order. */
  metrics(split: string, outputs: readonly Float32Array[]): Record<string, number>;
}

export interface FitConfig {
  readonly epochs: number;
  readonly learningRate: number;
  readonly headLearningRate: number;
  readonly weightDecay: number;
  /** Share of all steps, rounded down. */
  readonly warmupRatio: number;
  /** Gradients are scaled to at most this norm; undefined leaves them. */
  readonly maxGradNorm?: number;
  /** Stops after so many steps, for trials. */
  readonly maxSteps?: number;
  /** Split that chooses the best epoch, and the metric (larger is better). */
  readonly selectionSplit: string;
  readonly selectionMetric: string;
  readonly dropoutSeed: number;
}

export interface EpochRow {
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
}

export interface FitHooks {
  onStep?(info: { step: number; totalSteps: number; loss: number; tokensPerSecond: number }): void;
  onEpoch?(row: EpochRow, isBest: boolean): void | Promise<void>;
  /** Asked after every step; true ends the run after the current step. */
  shouldStop?(): boolean;
}

export interface FitResult {
  readonly status: 'completed' | 'cancelled';
  readonly rows: readonly EpochRow[];
  readonly best: { readonly epoch: number; readonly metric: number } | undefined;
  readonly steps: number;
  readonly programs: ProgramSummary[];
}

export interface ProgramSummary {
  readonly kind: 'train' | 'evaluate';
  readonly bucket: number;
  readonly onnxNodes?: number;
  readonly milliseconds: number;
}

/** Loss or gradient stopped being a number. Parameters are those of before the step. */
export class NonFiniteError extends Error {
  override readonly name = 'NonFiniteError';
}

export class Fit {
  readonly vector: ParameterVector;
  readonly #train = new Map<number, TrainStep>();
  readonly #evaluate = new Map<number, Program>();
  readonly #programs: ProgramSummary[] = [];

  constructor(
    private readonly model: TrainableModel,
    private readonly task: FitTask,
    private readonly config: FitConfig,
    private readonly options: CompileOptions = {},
  ) {
    this.vector = new ParameterVector(model.parameters);
  }

  /**
   * Trains to the end and leaves the best epoch's parameters in the model.
   * @throws NonFiniteError; the model then holds the best parameters so far
   */
  async run(hooks: FitHooks = {}): Promise<FitResult> {
    const { config, task, vector } = this;
    let batches = task.trainBatches(0);
    if (batches.length === 0)
      throw new Error('the training set has no batches: give it at least one example');
    const totalSteps = Math.min(config.epochs * batches.length, config.maxSteps ?? Number.POSITIVE_INFINITY);
    const warmupSteps = Math.floor(config.warmupRatio * totalSteps);
    const adamw = new AdamW(vector.size, { weightDecay: config.weightDecay });
    const rows: EpochRow[] = [];
    let best: { epoch: number; metric: number; values: Float32Array } | undefined;
    let step = 0;
    let stopped = false;

    try {
      for (let epoch = 0; step < totalSteps && !stopped; epoch++) {
        const meter = new Meter();
        if (epoch > 0) batches = task.trainBatches(epoch);
        for (const batch of batches) {
          const program = await this.#trainStep(batch.bucket);
          const start = performance.now();
          const { loss, gradient } = await program.run(
            vector.values,
            batch.inputs,
            dropoutStep(config.dropoutSeed, step),
          );
          this.#assertFinite(loss, step, batch, 'loss');
          const norm = clipGradient(gradient, config.maxGradNorm ?? Number.POSITIVE_INFINITY);
          this.#assertFinite(norm, step, batch, 'gradient norm', gradient);
          const factor = linearSchedule(step, warmupSteps, totalSteps);
          adamw.update(
            vector.values,
            gradient,
            vector.ranges,
            (group) => factor * (group === 'head' ? config.headLearningRate : config.learningRate),
          );
          meter.add(loss, norm, performance.now() - start, batch.tokens);
          step++;
          hooks.onStep?.({ step, totalSteps, loss, tokensPerSecond: meter.tokensPerSecond });
          // Lets messages and signals in: ONNX Runtime blocks this thread while it runs.
          await setImmediate();
          stopped = hooks.shouldStop?.() === true;
          if (stopped || step >= totalSteps) break;
        }
        if (stopped) break;
        const evalStart = performance.now();
        const selection = await this.evaluate(config.selectionSplit);
        const row: EpochRow = {
          epoch: epoch + 1,
          step,
          selection,
          learningRate: config.learningRate * linearSchedule(step, warmupSteps, totalSteps),
          evalSeconds: (performance.now() - evalStart) / 1000,
          ...meter.summary(),
        };
        rows.push(row);
        const metric = selection[config.selectionMetric];
        if (metric === undefined)
          throw new Error(
            `no metric "${config.selectionMetric}": the task computes ${Object.keys(selection).join(', ')}`,
          );
        const isBest = best === undefined || metric > best.metric;
        if (isBest) {
          best = { epoch: epoch + 1, metric, values: Float32Array.from(vector.values) };
          vector.writeThrough();
        }
        await hooks.onEpoch?.(row, isBest);
      }
    } finally {
      if (best !== undefined) {
        vector.values.set(best.values);
        vector.writeThrough();
      }
    }
    return {
      status: stopped ? 'cancelled' : 'completed',
      rows,
      best: best && { epoch: best.epoch, metric: best.metric },
      steps: step,
      programs: this.#programs,
    };
  }

  /** The first output of the model for every real example of a split, in the split's own order. */
  async predict(split: string): Promise<Float32Array[]> {
    const outputs: Float32Array[] = [];
    for (const batch of this.task.evaluationBatches(split)) {
      const program = await this.#evaluation(batch.bucket);
      const [first] = Object.values(await program.run({ parameters: this.vector.values, ...batch.inputs }));
      const width = first!.data.length / first!.shape[0]!;
      for (let row = 0; row < batch.rows; row++)
        outputs[batch.examples[row]!] = (first!.data as Float32Array).slice(row * width, (row + 1) * width);
      await setImmediate();
    }
    return outputs;
  }

  async evaluate(split: string): Promise<Record<string, number>> {
    return this.task.metrics(split, await this.predict(split));
  }

  async dispose(): Promise<void> {
    for (const { program } of this.#train.values()) await program.dispose();
    for (const program of this.#evaluate.values()) await program.dispose();
  }

  async #trainStep(bucket: number): Promise<TrainStep> {
    let step = this.#train.get(bucket);
    if (step === undefined) {
      const { model, vector, task, options } = this;
      step = await compileTrainStep(model, vector, task.loss, task.trainSpec(bucket), options);
      this.#train.set(bucket, step);
      this.#note('train', bucket, step.program);
    }
    return step;
  }

  async #evaluation(bucket: number): Promise<Program> {
    let program = this.#evaluate.get(bucket);
    if (program === undefined) {
      program = await compileEvaluation(
        this.model,
        this.vector,
        this.task.evaluationSpec(bucket),
        this.options,
      );
      this.#evaluate.set(bucket, program);
      this.#note('evaluate', bucket, program);
    }
    return program;
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

  #assertFinite(value: number, step: number, batch: Batch, what: string, gradient?: Float32Array): void {
    if (Number.isFinite(value)) return;
    const first = gradient?.findIndex((one) => !Number.isFinite(one)) ?? -1;
    const where = first < 0 ? '' : `, first in "${this.vector.nameAt(first)}"`;
    const examples = Array.from(batch.examples).slice(0, 8).join(', ');
    throw new NonFiniteError(
      `${what} is ${value} at step ${step + 1}${where} (length ${batch.bucket}, examples ${examples}, ...): ` +
        'lower the learning rate or look at those examples; the best parameters so far are kept',
    );
  }
}

/** What an epoch's row reports. */
class Meter {
  readonly #milliseconds: number[] = [];
  #loss = 0;
  #norm = 0;
  #tokens = 0;
  #total = 0;

  add(loss: number, norm: number, milliseconds: number, tokens: number): void {
    this.#milliseconds.push(milliseconds);
    this.#loss += loss;
    this.#norm += norm;
    this.#tokens += tokens;
    this.#total += milliseconds;
  }

  get tokensPerSecond(): number {
    return this.#tokens / (this.#total / 1000);
  }

  summary() {
    const sorted = [...this.#milliseconds].sort((a, b) => a - b);
    return {
      trainLoss: this.#loss / sorted.length,
      meanGradientNorm: this.#norm / sorted.length,
      trainSeconds: this.#total / 1000,
      tokensPerSecond: this.tokensPerSecond,
      medianStepMilliseconds: sorted[sorted.length >> 1]!,
    };
  }
}
