/** Runs models on executors, by default on every one there is. */
import {
  compile,
  type Executor,
  type Model,
  type Program,
  plainScope,
  RandomStream,
  type Tensor,
  type TensorMap,
  type TensorSpec,
  type TrainableModel,
  type TypedArray,
  tf,
  type WeightLookup,
} from '@psoft/engine';
import { expect } from 'vitest';
import type { PeftModel } from '../../src/index.ts';
import type { SampleInputs } from '../../src/merge.ts';
import { largestDifference } from '../toy.ts';
import { TESTED } from './executors.ts';

/** Logits by executor. */
export type Outputs = ReadonlyMap<Executor, Float32Array>;

/** How far executors may be apart: float32 sums in another order. */
const BETWEEN_EXECUTORS = 3e-5;

/** A model in its present state (merged or not, enabled or not), ready to run with whatever its parameters hold. */
export class Probe {
  readonly #model: TrainableModel;
  readonly #inputs: SampleInputs;
  readonly #programs: readonly Program[];

  private constructor(model: TrainableModel, inputs: SampleInputs, programs: readonly Program[]) {
    this.#model = model;
    this.#inputs = inputs;
    this.#programs = programs;
  }

  static async open(
    given: TrainableModel | Model,
    inputs: SampleInputs,
    executors: readonly Executor[] = TESTED,
  ): Promise<Probe> {
    const model = 'base' in given ? given : trainable(given);
    const programs: Program[] = [];
    for (const executor of executors)
      programs.push(
        await compile(
          (fed, weight) =>
            model.forward(
              { weights: lazy(weight), parameters: under('parameter ', fed) },
              under('input ', fed),
            ),
          { inputs: specsOf(model, inputs), weights: model.weights },
          { executor, threads: 1 },
        ),
      );
    return new Probe(model, inputs, programs);
  }

  /** Finite, and the same on every executor up to rounding; else the test has failed. */
  async outputs(): Promise<Outputs> {
    const all = new Map<Executor, Float32Array>();
    for (const program of this.#programs) {
      const { logits } = await program.run(valuesOf(this.#model, this.#inputs));
      all.set(program.executor, Float32Array.from(logits!.data));
    }
    const [[reference, first]] = [...all] as [[Executor, Float32Array]];
    expect(first.every(Number.isFinite), `finite outputs, got ${first}`).toBe(true);
    for (const [executor, logits] of all)
      expect(
        largestDifference(logits, first),
        `${executor} against ${reference}: ${logits} against ${first}`,
      ).toBeLessThan(BETWEEN_EXECUTORS * scaleOf(first));
    return all;
  }

  async dispose(): Promise<void> {
    for (const program of this.#programs) await program.dispose();
  }
}

/** Logits of a model as it is now. */
export async function outputsOf(
  model: TrainableModel | Model,
  inputs: SampleInputs,
  executors: readonly Executor[] = TESTED,
): Promise<Outputs> {
  const probe = await Probe.open(model, inputs, executors);
  try {
    return await probe.outputs();
  } finally {
    await probe.dispose();
  }
}

/** Largest difference on any executor of `a`; `b` has them too. */
export function distance(a: Outputs, b: Outputs): number {
  return Math.max(...[...a].map(([executor, logits]) => largestDifference(logits, b.get(executor)!)));
}

/** Largest magnitude, at least 1. */
export const scaleOf = (values: Iterable<number>): number =>
  Array.from(values).reduce((largest, value) => Math.max(largest, Math.abs(value)), 1);

export interface Gradient {
  readonly loss: number;
  /** By parameter. */
  readonly gradients: ReadonlyMap<string, Float32Array>;
}

export interface Trainer {
  readonly executor: Executor;
  /** At the parameters' present values. */
  gradient(): Promise<Gradient>;
  dispose(): Promise<void>;
}

/** The loss of a training step, the configuration's own term and dropout with fixed masks included, and its gradient. */
export async function trainerOf(
  model: PeftModel,
  inputs: SampleInputs,
  executor: Executor,
): Promise<Trainer> {
  const names = model.parameters.map(({ name }) => name);
  const program = await compile(
    (fed, weight) => {
      const loss = (...values: Tensor[]): Tensor => {
        const parameters = Object.fromEntries(names.map((name, i) => [name, values[i]!]));
        const bindings = { weights: lazy(weight), parameters, dropout: fixedDropout() };
        const { logits } = model.forward(bindings, under('input ', fed));
        // Apart from each other, so that no gradient is zero by symmetry.
        const wanted = tf.tensor(
          Float32Array.from({ length: logits!.size }, (_, i) => 0.2 * (i % 7) - 0.5),
          logits!.shape,
        );
        const own = tf.mean(tf.squaredDifference(logits!, wanted));
        const penalty = model.penalty(bindings);
        return penalty ? tf.add(own, penalty) : own;
      };
      const { value, grads } = tf.valueAndGrads(loss as never)(
        names.map((name) => fed[`parameter ${name}`]!) as never,
      );
      return {
        loss: value,
        ...Object.fromEntries(names.map((name, i) => [`gradient ${name}`, grads[i]!])),
      };
    },
    { inputs: specsOf(model, inputs), weights: model.weights },
    { executor, threads: 1 },
  );
  return {
    executor,
    async gradient() {
      const results = await program.run(valuesOf(model, inputs));
      return {
        loss: results.loss!.data[0]!,
        gradients: new Map(names.map((name) => [name, Float32Array.from(results[`gradient ${name}`]!.data)])),
      };
    },
    dispose: () => program.dispose(),
  };
}

/** Steps of gradient descent. @returns the loss before each, and after the last */
export async function descend(
  model: PeftModel,
  trainer: Trainer,
  steps: number,
  rate: number,
): Promise<number[]> {
  const losses: number[] = [];
  for (let step = 0; step < steps; step++) {
    const { loss, gradients } = await trainer.gradient();
    losses.push(loss);
    for (const { name, data, constrain } of model.parameters) {
      gradients.get(name)!.forEach((slope, i) => {
        data[i]! -= rate * slope;
      });
      constrain?.(data);
    }
  }
  return [...losses, (await trainer.gradient()).loss];
}

/** A plain model with nothing to train. */
function trainable(base: Model): TrainableModel {
  const hasBias = (module: string): boolean => base.linears.find(({ name }) => name === module)!.hasBias;
  return {
    base,
    weights: base.weights,
    parameters: [],
    forward: (bindings, inputs) => base.forward(plainScope(bindings, hasBias), inputs),
  };
}

/** The n-th call of a pass draws the n-th mask, the same in every pass. */
function fixedDropout(): (x: Tensor, rate: number) => Tensor {
  let calls = 0;
  return (x, rate) => {
    const stream = RandomStream.from(11, 'masks', String(calls++));
    const mask = Float32Array.from({ length: x.size }, () => (stream.uniform() < rate ? 0 : 1 / (1 - rate)));
    return tf.mul(x, tf.tensor(mask, x.shape, 'float32'));
  };
}

const lazy = (weight: WeightLookup): TensorMap =>
  new Proxy({} as TensorMap, { get: (_, name) => (typeof name === 'string' ? weight(name) : undefined) });

const under = (prefix: string, given: TensorMap): TensorMap =>
  Object.fromEntries(
    Object.entries(given)
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, tensor]) => [name.slice(prefix.length), tensor]),
  );

function specsOf(model: TrainableModel, inputs: SampleInputs): Record<string, TensorSpec> {
  const specs: Record<string, TensorSpec> = {};
  for (const [name, { data, shape }] of Object.entries(inputs))
    specs[`input ${name}`] = { shape, dtype: data instanceof Int32Array ? 'int32' : 'float32' };
  for (const { name, shape } of model.parameters) specs[`parameter ${name}`] = { shape, dtype: 'float32' };
  return specs;
}

function valuesOf(model: TrainableModel, inputs: SampleInputs): Record<string, TypedArray> {
  const values: Record<string, TypedArray> = {};
  for (const [name, { data }] of Object.entries(inputs)) values[`input ${name}`] = data;
  for (const { name, data } of model.parameters) values[`parameter ${name}`] = data;
  return values;
}
