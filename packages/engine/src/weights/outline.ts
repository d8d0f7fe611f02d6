/** Weights of which only the shape matters, for what is planned and never run. */
import type { WeightData, WeightSource } from './source.ts';

let zeros = new Float32Array(0);
const outlines = new WeakSet<WeightSource>();

/**
 * A weight of zeros that takes no memory as long as nobody writes into it: all share one array, which the system hands
 * out untouched.
 */
export function outlineWeight(shape: readonly number[]): WeightData {
  const size = shape.reduce((product, one) => product * one, 1);
  if (zeros.length < size) zeros = new Float32Array(size);
  const source: WeightData = { kind: 'data', data: zeros.subarray(0, size), shape };
  outlines.add(source);
  return source;
}

/** Whether a weight came from {@link outlineWeight}: what is decomposed of it would be zeros, too. */
export function isOutline(source: WeightSource): boolean {
  return outlines.has(source);
}
