/** AdamW with parameter groups, gradient clipping and learning-rate schedules, on flat arrays. */
import type { ParameterRange } from './parameters.ts';

export interface AdamWConfig {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  /** Decoupled weight decay, applied to every parameter of a group that is decayed. */
  readonly weightDecay: number;
}

/** torch.optim.AdamW's and transformers' defaults. */
export const ADAMW_DEFAULTS: AdamWConfig = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0 };

export interface AdamWState {
  readonly step: number;
  readonly firstMoment: Float32Array;
  readonly secondMoment: Float32Array;
}

/** Of so many values, before the first step. */
export function initialState(size: number): AdamWState {
  return { step: 0, firstMoment: new Float32Array(size), secondMoment: new Float32Array(size) };
}

/**
 * AdamW (Loshchilov and Hutter 2019, algorithm 2), the update of torch.optim.AdamW: the decay multiplies the
 * parameter by 1 - lr · weightDecay before the Adam step, and epsilon is added to the bias-corrected root.
 */
export class AdamW {
  readonly config: AdamWConfig;
  #step = 0;
  #first: Float32Array;
  #second: Float32Array;

  constructor(size: number, config: Partial<AdamWConfig> = {}) {
    this.config = { ...ADAMW_DEFAULTS, ...config };
    this.#first = new Float32Array(size);
    this.#second = new Float32Array(size);
  }

  get state(): AdamWState {
    return { step: this.#step, firstMoment: this.#first, secondMoment: this.#second };
  }

  restore(state: AdamWState): void {
    this.#step = state.step;
    this.#first = Float32Array.from(state.firstMoment);
    this.#second = Float32Array.from(state.secondMoment);
  }

  /**
   * One update in place.
   * @param learningRate of the group that a range belongs to
   * @param scale factor on the gradient, whose elements are rounded to float32 after it: {@link clipFactor}
   */
  update(
    values: Float32Array,
    gradient: Float32Array,
    ranges: readonly ParameterRange[],
    learningRate: (group: ParameterRange['group']) => number,
    scale = 1,
  ): void {
    const { beta1, beta2, epsilon, weightDecay } = this.config;
    this.#step++;
    const correction1 = 1 - beta1 ** this.#step;
    const rootCorrection2 = Math.sqrt(1 - beta2 ** this.#step);
    const [first, second] = [this.#first, this.#second];
    for (const { group, offset, size, constrain } of ranges) {
      const rate = learningRate(group);
      const decay = 1 - rate * weightDecay;
      const stepSize = rate / correction1;
      for (let i = offset; i < offset + size; i++) {
        const g = Math.fround(gradient[i]! * scale);
        const m = beta1 * first[i]! + (1 - beta1) * g;
        const v = beta2 * second[i]! + (1 - beta2) * g * g;
        first[i] = m;
        second[i] = v;
        values[i] = values[i]! * decay - (stepSize * m) / (Math.sqrt(v) / rootCorrection2 + epsilon);
      }
      constrain?.(values.subarray(offset, offset + size));
    }
  }
}

/** Euclidean norm, summed in double precision. NaN or infinite if any element is. */
export function gradientNorm(gradient: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < gradient.length; i++) sum += gradient[i]! * gradient[i]!;
  return Math.sqrt(sum);
}

/** The factor that brings a gradient of this norm to at most `maxNorm`, as torch.nn.utils.clip_grad_norm_ has it. */
export function clipFactor(norm: number, maxNorm: number): number {
  return Math.min(1, maxNorm / (norm + 1e-6));
}

/**
 * Scales the gradient in place so that its norm is at most `maxNorm`, as torch.nn.utils.clip_grad_norm_ does.
 * @returns the norm before
 */
export function clipGradient(gradient: Float32Array, maxNorm: number): number {
  const norm = gradientNorm(gradient);
  const scale = clipFactor(norm, maxNorm);
  if (scale < 1) for (let i = 0; i < gradient.length; i++) gradient[i]! *= scale;
  return norm;
}

/** Factor on the learning rate for 0-based `step`: up from 0 over `warmupSteps`, then down to 0 at `totalSteps`. */
export type Schedule = (step: number, warmupSteps: number, totalSteps: number) => number;

/** transformers' linear schedule. */
export const linearSchedule: Schedule = (step, warmupSteps, totalSteps) =>
  step < warmupSteps
    ? step / Math.max(1, warmupSteps)
    : Math.max(0, (totalSteps - step) / Math.max(1, totalSteps - warmupSteps));

/** transformers' cosine schedule: half a wave after the warm-up. */
export const cosineSchedule: Schedule = (step, warmupSteps, totalSteps) =>
  step < warmupSteps
    ? step / Math.max(1, warmupSteps)
    : 0.5 * (1 + Math.cos((Math.PI * (step - warmupSteps)) / Math.max(1, totalSteps - warmupSteps)));

/** By the names that settings use. */
export const SCHEDULES = { linear: linearSchedule, cosine: cosineSchedule } as const;
export type ScheduleName = keyof typeof SCHEDULES;
