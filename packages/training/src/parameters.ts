/**
 * Trainable tensors as one flat vector, so that a step moves one array into the program and one gradient out of it,
 * and the optimiser is a loop over numbers.
 */
import { type Parameter, type Tensor, type TensorMap, tf } from '@psoft/engine';

export interface ParameterRange {
  readonly name: string;
  readonly shape: readonly number[];
  readonly group: Parameter['group'];
  readonly offset: number;
  readonly size: number;
  /** See {@link Parameter.constrain}. */
  readonly constrain?: Parameter['constrain'];
}

/** Where each parameter lies in the flat vector. */
export function parameterRanges(parameters: readonly Parameter[]): ParameterRange[] {
  let offset = 0;
  return parameters.map(({ name, shape, group, data, constrain }) => {
    const range = { name, shape, group, offset, size: data.length, ...(constrain ? { constrain } : {}) };
    offset += data.length;
    return range;
  });
}

export class ParameterVector {
  readonly ranges: readonly ParameterRange[];
  /** Current values of all parameters, one after the other. */
  readonly values: Float32Array;
  readonly #parameters: readonly Parameter[];

  constructor(parameters: readonly Parameter[]) {
    this.ranges = parameterRanges(parameters);
    this.values = new Float32Array(this.ranges.reduce((sum, { size }) => sum + size, 0));
    this.#parameters = parameters;
    this.readBack();
  }

  get size(): number {
    return this.values.length;
  }

  /** Copies the vector into the parameters' own arrays. */
  writeThrough(): void {
    for (const [i, { offset, size }] of this.ranges.entries())
      this.#parameters[i]!.data.set(this.values.subarray(offset, offset + size));
  }

  /** Copies the parameters' own arrays into the vector. */
  readBack(): void {
    for (const [i, { offset }] of this.ranges.entries()) this.values.set(this.#parameters[i]!.data, offset);
  }

  /** The name of the parameter that holds place `index`. */
  nameAt(index: number): string {
    return this.ranges.find(({ offset, size }) => index >= offset && index < offset + size)?.name ?? '(none)';
  }
}

/**
 * The parameters as tensors, cut from the flat vector. Inside a program function.
 * @param flat float32 [sum of sizes]
 */
export function splitParameters(flat: Tensor, ranges: readonly ParameterRange[]): TensorMap {
  const sizes = ranges.map(({ size }) => size);
  const parts = ranges.length === 1 ? [flat] : tf.split(flat, sizes);
  return Object.fromEntries(
    ranges.map(({ name, shape }, i) => [name, tf.reshape(parts[i]! as Tensor, [...shape])]),
  );
}
