/** Weights of which only the shape matters, for what is planned and never run. */
import type { ScaleDtype } from './quantize.ts';
import type { QuantizedWeight, WeightData, WeightDtype, WeightReference, WeightSource } from './source.ts';

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

/** As {@link outlineWeight}, of a weight in a file: it can be planned with, and not be read. */
export function outlineReference(shape: readonly number[], dtype: WeightDtype): WeightReference {
  const size = shape.reduce((product, one) => product * one, 1);
  const byteLength = size * (dtype === 'F32' ? 4 : 2);
  return { kind: 'file', file: '', offset: 0, byteLength, dtype, shape };
}

/** As {@link outlineReference}, of a weight in 4 bits. */
export function outlineQuantized(
  shape: readonly [number, number],
  blockSize: number,
  scaleDtype: ScaleDtype,
): QuantizedWeight {
  const [rows, columns] = shape;
  const blocks = columns / blockSize;
  const bytes = (byteLength: number) => ({ file: '', offset: 0, byteLength });
  return {
    kind: 'quantized',
    shape,
    blockSize,
    packed: bytes((rows * columns) / 2),
    scales: outlineReference([rows, blocks], scaleDtype),
    zeroPoints: bytes((rows * blocks) / 2),
  };
}

/** Whether a weight came from {@link outlineWeight}: what is decomposed of it would be zeros, too. */
export function isOutline(source: WeightSource): boolean {
  return outlines.has(source);
}
