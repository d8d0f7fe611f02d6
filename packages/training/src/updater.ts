/** What changes the trained values: their gradient, summed over the parts of an update, and AdamW. */
import { type CompileOptions, isNative, type ResidentTensor } from '@psoft/engine';
import { AdamW, type AdamWConfig, type AdamWState, gradientNorm } from './optimiser.ts';
import type { ParameterRange, ParameterVector } from './parameters.ts';
import type { StepFactors, StepInput, TrainStep } from './programs.ts';
import { ResidentUpdater } from './residentUpdater.ts';

export type RateOf = (group: ParameterRange['group']) => number;

export interface Updater {
  /** What stays on the device: programs of a step are compiled with it. */
  readonly resident: Readonly<Record<string, ResidentTensor>>;
  /** Whether knowing the next batch is of use. */
  readonly takesNext: boolean;
  /**
   * Runs a step's program. Its gradient is the update's, or added to those of the parts before it.
   * @param next the batch behind this one: a card gets it while it computes, so it must not change
   * @returns the loss
   */
  add(step: TrainStep, input: StepInput, factors?: StepFactors, next?: StepInput['batch']): Promise<number>;
  /** Euclidean norm of the gradient; NaN or infinite if any element is. */
  norm(): Promise<number>;
  /** The gradient itself, for messages. */
  gradient(): Float32Array;
  /**
   * AdamW, and the next gradient begins.
   * @param scale factor on the gradient
   */
  update(learningRate: RateOf, scale: number): Promise<void>;
  /** Leaves the values as they are; the next gradient begins. */
  skip(): void;
  /** Brings the values of the {@link ParameterVector} up to date. */
  pull(): void;
  /** Of the optimiser, up to date. */
  readonly state: AdamWState;
  /** Goes on from the vector's values. */
  restore(state: AdamWState): Promise<void>;
  dispose(): Promise<void>;
}

/**
 * On a card everything stays there, where programs can be bound natively and no method has a rule of its own for its
 * parameters; else the values are the vector's own and JavaScript updates them.
 */
export async function createUpdater(
  vector: ParameterVector,
  config: Partial<AdamWConfig>,
  options: CompileOptions,
): Promise<Updater> {
  const isResident = isNative(options) && vector.ranges.every(({ constrain }) => constrain === undefined);
  return isResident ? ResidentUpdater.create(vector, config, options) : new HostUpdater(vector, config);
}

export class HostUpdater implements Updater {
  readonly resident = {};
  readonly takesNext = false;
  readonly #adamw: AdamW;
  #gradient: Float32Array | undefined;

  constructor(
    private readonly vector: ParameterVector,
    config: Partial<AdamWConfig> = {},
  ) {
    this.#adamw = new AdamW(vector.size, config);
  }

  async add(step: TrainStep, { batch, dropout }: StepInput, factors?: StepFactors): Promise<number> {
    const { loss, gradient } = await step.run(this.vector.values, batch, dropout, factors);
    const sum = this.#gradient;
    if (sum === undefined) this.#gradient = gradient;
    else for (let i = 0; i < sum.length; i++) sum[i]! += gradient[i]!;
    return loss;
  }

  async norm(): Promise<number> {
    return gradientNorm(this.gradient());
  }

  gradient(): Float32Array {
    if (this.#gradient === undefined) throw new Error('there is no gradient yet: run a step first');
    return this.#gradient;
  }

  async update(learningRate: RateOf, scale: number): Promise<void> {
    this.#adamw.update(this.vector.values, this.gradient(), this.vector.ranges, learningRate, scale);
    this.skip();
  }

  skip(): void {
    this.#gradient = undefined;
  }

  pull(): void {}

  get state(): AdamWState {
    return this.#adamw.state;
  }

  async restore(state: AdamWState): Promise<void> {
    this.#adamw.restore(state);
  }

  async dispose(): Promise<void> {}
}
