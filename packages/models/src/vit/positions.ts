/** Position embeddings for another grid of patches than the checkpoint's: bicubic, as torch interpolates. */
import { type Tensor, tf } from '@psoft/engine';
import type { Grid } from './config.ts';

/** Of the cubic convolution kernel (Keys 1981); torch's value. */
const SHARPNESS = -0.75;

/**
 * @param table [1, from.rows · from.columns, hidden]
 * @returns [1, to.rows · to.columns, hidden]
 */
export function interpolate(table: Tensor, from: Grid, to: Grid): Tensor {
  const hidden = table.shape[2]!;
  const vertical = tf.tensor2d(bicubicWeights(from.rows, to.rows), [to.rows, from.rows]);
  const horizontal = tf.tensor2d(bicubicWeights(from.columns, to.columns), [to.columns, from.columns]);
  const byRow = tf.matMul(vertical, tf.reshape(table, [from.rows, from.columns * hidden]) as never);
  const byColumn = tf.transpose(tf.reshape(byRow, [to.rows, from.columns, hidden]), [1, 0, 2]);
  const both = tf.matMul(horizontal, tf.reshape(byColumn, [from.columns, to.rows * hidden]) as never);
  const inOrder = tf.transpose(tf.reshape(both, [to.columns, to.rows, hidden]), [1, 0, 2]);
  return tf.reshape(inOrder, [1, to.rows * to.columns, hidden]);
}

/**
 * The matrix [to, from] that resamples one axis: pixel centres at half integers (align_corners=False), places beyond
 * the border take its value, no filter against aliasing.
 */
export function bicubicWeights(from: number, to: number): Float32Array {
  const weights = new Float32Array(to * from);
  for (let i = 0; i < to; i++) {
    const place = ((i + 0.5) * from) / to - 0.5;
    const first = Math.floor(place) - 1;
    for (let j = first; j < first + 4; j++) {
      const column = Math.min(from - 1, Math.max(0, j));
      weights[i * from + column]! += cubic(Math.abs(place - j));
    }
  }
  return weights;
}

function cubic(x: number): number {
  const a = SHARPNESS;
  return x <= 1 ? ((a + 2) * x - (a + 3)) * x * x + 1 : ((x - 5) * x + 8) * x * a - 4 * a;
}
