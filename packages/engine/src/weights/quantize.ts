/**
 * Four bits a value: each block of neighbours is rounded to 16 levels of its own, evenly spaced and zero among them.
 * Plain rounding to nearest, without calibration data. See {@link QuantizedWeight} for the layout.
 */
import { narrowF16, widenF16 } from './half.ts';

/** Block sizes that `MatMulNBits` and this package take. */
export const BLOCK_SIZES: readonly number[] = [32, 64, 128];

/** How scales are stored. F16 takes half the bytes; its rounding (2⁻¹² of a step) is part of the quantised values. */
export type ScaleDtype = 'F16' | 'F32';

/** The largest of 16 levels. */
const TOP = 15;

export interface QuantizedBlocks {
  /** Two values a byte, the first in the lower half. */
  readonly packed: Uint8Array;
  /** As they are stored: float32 values, or binary16 patterns. */
  readonly scales: Float32Array | Uint16Array;
  /** Two blocks a byte, the first in the lower half. */
  readonly zeroPoints: Uint8Array;
}

/**
 * Rounds an even number of whole blocks. A block's levels span its smallest and largest value, zero included:
 * scale = (max - min) / 15, z = round(-min / scale), q = round(x / scale) + z, within 0 to 15.
 * @throws RangeError naming the place of a value that is not finite, or too large for an F16 scale
 */
export function quantizeBlocks(
  values: Float32Array,
  blockSize: number,
  scaleDtype: ScaleDtype,
): QuantizedBlocks {
  const blocks = values.length / blockSize;
  const packed = new Uint8Array(values.length / 2);
  const zeroPoints = new Uint8Array(blocks / 2);
  const exact = new Float32Array(blocks);
  for (let block = 0; block < blocks; block++)
    exact[block] = spanOf(values, block * blockSize, blockSize) / TOP;
  const scales = scaleDtype === 'F16' ? narrowF16(exact) : exact;
  // What a reader will multiply by.
  const read = scales instanceof Uint16Array ? widenF16(scales) : scales;
  for (let block = 0; block < blocks; block++) {
    const first = block * blockSize;
    const scale = read[block]!;
    if (scale === Number.POSITIVE_INFINITY)
      throw new RangeError(
        `values from ${first} on are too far apart for a scale in ${scaleDtype}: store scales in F32`,
      );
    // All zeros, or too small for the scale's type: z = q = 0 stand for 0.
    if (scale === 0) continue;
    let smallest = 0;
    for (let i = first; i < first + blockSize; i++) smallest = Math.min(smallest, values[i]!);
    const zero = level(-smallest / scale);
    zeroPoints[block >> 1]! |= zero << (4 * (block & 1));
    for (let i = first; i < first + blockSize; i++)
      packed[i >> 1]! |= level(Math.round(values[i]! / scale) + zero) << (4 * (i & 1));
  }
  return { packed, scales, zeroPoints };
}

function level(value: number): number {
  return Math.min(TOP, Math.max(0, Math.round(value)));
}

/** Largest minus smallest value, zero counted among them. */
function spanOf(values: Float32Array, first: number, count: number): number {
  let [smallest, largest] = [0, 0];
  for (let i = first; i < first + count; i++) {
    const value = values[i]!;
    if (!Number.isFinite(value)) throw new RangeError(`value ${i} is ${value}: the weight is broken`);
    if (value < smallest) smallest = value;
    else if (value > largest) largest = value;
  }
  return largest - smallest;
}

/** The float32 values that blocks stand for: (q - z) scale, rounded once. @param scales widened */
export function dequantizeBlocks(
  packed: Uint8Array,
  scales: Float32Array,
  zeroPoints: Uint8Array,
  blockSize: number,
): Float32Array {
  const values = new Float32Array(2 * packed.length);
  for (let block = 0; block < scales.length; block++) {
    const scale = scales[block]!;
    const zero = (zeroPoints[block >> 1]! >> (4 * (block & 1))) & TOP;
    const end = ((block + 1) * blockSize) / 2;
    for (let at = (block * blockSize) / 2; at < end; at++) {
      const pair = packed[at]!;
      values[2 * at] = ((pair & TOP) - zero) * scale;
      values[2 * at + 1] = ((pair >> 4) - zero) * scale;
    }
  }
  return values;
}
