/** A row's program and inputs, as the parity suites and benchmarks of devices run them. */
import {
  type ProgramFunction,
  RandomStream,
  type Tensor,
  type TensorMap,
  type TensorSpec,
  type TypedArray,
  tf,
} from '@psoft/engine';
import type { InputCase, KernelCase } from './kernelCases.ts';

export const SEEDS = [1, 2, 3];
/** float32 sums of a few dozen terms in another order. */
export const TOLERANCE = 2e-5;

export const titleOf = (row: KernelCase): string => `${row.kernel}${row.note ? ` (${row.note})` : ''}`;

export interface Drawn {
  readonly fn: ProgramFunction;
  readonly specs: Record<string, TensorSpec>;
  readonly values: Record<string, TypedArray>;
  readonly inputs: readonly InputCase[];
}

/** A row's program for the shapes and values of a seed. */
export function drawCase(row: KernelCase, seed: number): Drawn {
  const rng = RandomStream.from(seed, row.kernel, row.note ?? '');
  const inputs = row.inputs(rng);
  const specs: Record<string, TensorSpec> = {};
  const values: Record<string, TypedArray> = {};
  inputs.forEach((input, i) => {
    specs[`x${i}`] = { shape: input.shape, dtype: input.dtype ?? 'float32' };
    values[`x${i}`] = draw(input, rng);
  });
  return { fn: programOf(row, inputs, seed), specs, values, inputs };
}

/** The row's outputs, and its gradients under a loss that weighs every output element differently. */
function programOf(row: KernelCase, inputs: InputCase[], seed: number): ProgramFunction {
  const call = (tensors: Tensor[]): Tensor[] => {
    const result = row.call(...tensors);
    return Array.isArray(result) ? result : [result];
  };
  return (named) => {
    const tensors = inputs.map((_, i) => named[`x${i}`]!);
    const outputs: TensorMap = Object.fromEntries(call(tensors).map((y, i) => [`y${i}`, y]));
    if (!row.gradient) return outputs;
    const trained = inputs.flatMap((input, i) => ((input.dtype ?? 'float32') === 'float32' ? [i] : []));
    const loss = (...some: Tensor[]) => {
      const all = [...tensors];
      trained.forEach((index, k) => {
        all[index] = some[k]!;
      });
      const rng = RandomStream.from(seed, 'loss weights');
      const terms = call(all).map((y) => {
        const weights = Float32Array.from({ length: y.size }, () => rng.uniform() * 2 - 1);
        return tf.sum(tf.mul(y, tf.tensor(weights, y.shape)));
      });
      return terms.reduce((a, b) => tf.add(a, b)) as never;
    };
    tf.grads(loss as never)(trained.map((i) => tensors[i]!)).forEach((gradient, k) => {
      outputs[`d${trained[k]}`] = gradient;
    });
    return outputs;
  };
}

function draw({ shape, dtype = 'float32', low = -2, high = 2 }: InputCase, rng: RandomStream): TypedArray {
  const length = shape.reduce((x, y) => x * y, 1);
  if (dtype === 'float32') return Float32Array.from({ length }, () => low + (high - low) * rng.uniform());
  const integers = Array.from({ length }, () => low + rng.integer(high - low));
  return dtype === 'int32' ? Int32Array.from(integers) : Uint8Array.from(integers);
}

/** Largest difference, relative to the largest expected number, or to 1; infinite where one of the two is not finite. */
export function difference(actual: TypedArray, expected: TypedArray): number {
  let [scale, worst] = [1, actual.length === expected.length ? 0 : Number.POSITIVE_INFINITY];
  for (const one of expected) if (Number.isFinite(one)) scale = Math.max(scale, Math.abs(one));
  for (let i = 0; i < expected.length; i++) {
    const [a, b] = [actual[i]!, expected[i]!];
    if (Object.is(a, b) || a === b) continue;
    const one = Math.abs(a - b);
    worst = Math.max(worst, Number.isNaN(one) ? Number.POSITIVE_INFINITY : one);
  }
  return worst / scale;
}
