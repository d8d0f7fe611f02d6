/** Relative positions: which embedding a distance has, and how scores by distance become scores by key. */
import { type Tensor, tf } from '@psoft/engine';
import type { RelativeAttention } from './config.ts';

/**
 * Bucket of the distance i - j, odd in it: the distance itself up to half the buckets, from there on logarithmic, so
 * that maxDistance - 1 falls into the last one (make_log_bucket_position of transformers).
 */
export function bucketOf(distance: number, buckets: number, maxDistance: number): number {
  const middle = Math.floor(buckets / 2);
  const size = Math.abs(distance);
  if (buckets === 0 || size <= middle) return distance;
  // Rounded to float32 where transformers does: the ceiling makes a bucket of the last bit.
  const log = (value: number) => Math.fround(Math.log(Math.fround(value)));
  const ratio = Math.fround(log(size / middle) / log((maxDistance - 1) / middle));
  return Math.sign(distance) * (Math.ceil(Math.fround(ratio * (middle - 1))) + middle);
}

/** Which rows of the table of relative embeddings a sequence length needs, and where each distance finds its own. */
export interface DistanceRows {
  /** First row of the table that is needed, and their number. */
  readonly first: number;
  readonly count: number;
  /**
   * Of the distances -length .. length - 1, in this order, the place among the needed rows; undefined when they follow
   * one another anyway.
   */
  readonly places?: Int32Array;
}

/** The distance -length does not occur; it makes the rows even in number, which {@link byKey} wants. */
export function distanceRows(relative: RelativeAttention, length: number): DistanceRows {
  const { buckets, maxDistance, span } = relative;
  const row = (distance: number) =>
    Math.min(2 * span - 1, Math.max(0, span + bucketOf(distance, buckets, maxDistance)));
  const rows = Array.from({ length: 2 * length }, (_, i) => row(i - length));
  const first = rows[0]!;
  const count = rows.at(-1)! - first + 1;
  if (rows.every((value, i) => value === first + i)) return { first, count };
  return { first, count, places: Int32Array.from(rows, (value) => value - first) };
}

/** Makes [2·length, columns] of the projected needed rows [count, columns]. */
export interface RowsByDistance {
  /** Row m belongs to the distance m - length. */
  ascending(x: Tensor): Tensor;
  /** Row m belongs to the distance length - 1 - m. */
  descending(x: Tensor): Tensor;
}

/** To be made anew inside each forward pass, once: its constants are shared by the layers. */
export function rowsByDistance({ count, places }: DistanceRows): RowsByDistance {
  if (places === undefined) return { ascending: (x) => x, descending: (x) => tf.reverse(x, 0) };
  return { ascending: rowTaker(places, count), descending: rowTaker(places.toReversed(), count) };
}

/**
 * Rows at constant places. The gradient is a product with a constant matrix of zeros and ones, where tfjs's own would
 * scatter: slow everywhere, and missing on the wasm backend.
 */
function rowTaker(places: Int32Array, count: number): (x: Tensor) => Tensor {
  const selection = new Float32Array(places.length * count);
  places.forEach((place, i) => {
    selection[i * count + place] = 1;
  });
  const indices = tf.tensor1d(places, 'int32');
  const selected = tf.tensor2d(selection, [places.length, count]);
  return (x) =>
    tf.customGrad((input, save) => {
      // Saved, because an eager gradient runs after what else the forward pass made is gone.
      (save as (tensors: Tensor[]) => void)([selected]);
      return {
        value: tf.gather(input as Tensor, indices),
        gradFunc: (dy, saved) => tf.matMul(saved[0] as never, dy as never, true, false),
      };
    })(x);
}

/**
 * Scores of row i against 2·length consecutive distances, shifted so that they belong to a column: y[i, j] is
 * x[i, start + j - i]. Laid flat, that place is i (2·length - 1) + j + start: rows one shorter do the shift.
 * @param x [batch, length, 2·length]
 * @param start length or length - 1
 * @returns [batch, length, length]
 */
export function byKey(x: Tensor, start: number): Tensor {
  const [batch, length] = x.shape as [number, number];
  const width = 2 * length - 1;
  const flat = tf.slice(tf.reshape(x, [batch, 2 * length * length]), [0, start], [batch, length * width]);
  return tf.slice(tf.reshape(flat, [batch, length, width]), [0, 0, 0], [batch, length, length]);
}
