/** Which entries of M are trained, and how a sparse M multiplies a batch. */
import { RandomStream, type Tensor, tf } from '@psoft/engine';
import type { SvftConfig } from './config.ts';

/** Singular vectors: u [out, n] columns, vt [n, in] rows. */
export interface SingularVectors {
  readonly u: Float32Array;
  readonly vt: Float32Array;
}

/**
 * Positions row · n + column of the trained entries, ascending. top_k: the largest |u_i · v_j|, the paper's alignment of
 * output direction i with input direction j, for square weights; else the largest entries of the square factor, as in
 * the released code. Magnitudes, since the signs of singular vectors are open.
 */
export function positionsOf(
  config: SvftConfig,
  module: string,
  n: number,
  size: { readonly inFeatures: number; readonly outFeatures: number },
  vectors: SingularVectors,
): Int32Array {
  const count = config.entriesOf(n);
  if (config.pattern === 'random') return randomPositions(count, n, config.randomSeed, module);
  if (config.pattern === 'top_k') return largest(alignment(n, size, vectors), count);
  const k = config.pattern === 'plain' ? 0 : config.offDiag;
  const positions: number[] = [];
  for (let row = 0; row < n; row++)
    for (let column = Math.max(0, row - k); column <= Math.min(n - 1, row + k); column++)
      positions.push(row * n + column);
  return Int32Array.from(positions);
}

function randomPositions(count: number, n: number, seed: number, module: string): Int32Array {
  const stream = RandomStream.from(seed, 'svft', module);
  const drawn = new Set<number>();
  while (drawn.size < count) drawn.add(stream.integer(n * n));
  return Int32Array.from(drawn).sort();
}

function alignment(
  n: number,
  { inFeatures, outFeatures }: { readonly inFeatures: number; readonly outFeatures: number },
  { u, vt }: SingularVectors,
): Float32Array {
  if (inFeatures !== outFeatures) return (n === outFeatures ? u : vt).map(Math.abs);
  const products = new Float32Array(n * n);
  for (let k = 0; k < inFeatures; k++)
    for (let i = 0; i < n; i++) {
      const left = u[k * n + i]!;
      for (let j = 0; j < n; j++) products[i * n + j]! += left * vt[j * inFeatures + k]!;
    }
  return products.map(Math.abs);
}

/** Places of the `count` largest values, ascending; of equal ones the first. */
function largest(values: Float32Array, count: number): Int32Array {
  const order = Array.from(values.keys()).sort((a, b) => values[b]! - values[a]! || a - b);
  return Int32Array.from(order.slice(0, count)).sort();
}

/**
 * A sparse matrix by rows of a fixed width: slot t of row i names a column and the entry that stands there. Unused slots
 * name entry `count`, which is zero.
 */
export interface RowSlots {
  readonly width: number;
  /** [width][n]: the column of each row's slot. */
  readonly columns: readonly Int32Array[];
  /** [n · width]: the entry in each slot. */
  readonly entries: Int32Array;
}

/** @param width at least the most entries that a row has; by default that */
export function rowSlots(positions: Int32Array, n: number, isTransposed: boolean, width?: number): RowSlots {
  const rows: { column: number; entry: number }[][] = Array.from({ length: n }, () => []);
  positions.forEach((position, entry) => {
    const [row, column] = [Math.floor(position / n), position % n];
    rows[isTransposed ? column : row]!.push({ column: isTransposed ? row : column, entry });
  });
  const used = width ?? Math.max(1, ...rows.map(({ length }) => length));
  const columns = Array.from({ length: used }, (_, slot) =>
    Int32Array.from(rows, (row, i) => row[slot]?.column ?? i),
  );
  const entries = Int32Array.from({ length: n * used }, (_, i) => {
    return rows[Math.floor(i / used)]![i % used]?.entry ?? positions.length;
  });
  return { width: used, columns, entries };
}

/**
 * z Mᵀ for rows z: y[i] = sum over slots of value · z[column]. Gathers forward and backward, no scatter.
 * @param z [rows, n]
 * @param values [n, width] of M's slots
 * @param mirrored [n, width'] of Mᵀ's slots, for the gradient of z; no gradient passes to it
 */
export function multiplySparse(
  z: Tensor,
  values: Tensor,
  mirrored: Tensor,
  slots: RowSlots,
  mirror: RowSlots,
): Tensor {
  return tf.customGrad((...given) => {
    const [input, weights] = given as unknown as [Tensor, Tensor];
    const save = given[2] as unknown as (tensors: Tensor[]) => void;
    save([input, weights, mirrored]);
    return {
      value: slotSum(input, weights, slots),
      gradFunc: (dy, saved) => {
        const [savedInput, , savedMirrored] = saved as Tensor[];
        const gradient = dy as Tensor;
        const each = slots.columns.map((columns) =>
          tf.sum(tf.mul(gradient, gathered(savedInput!, columns)), 0),
        );
        return [slotSum(gradient, savedMirrored!, mirror), tf.stack(each, 1)];
      },
    };
  })(z, values);
}

function slotSum(z: Tensor, values: Tensor, { width, columns }: RowSlots): Tensor {
  const [n] = values.shape as [number];
  const terms = columns.map((one, slot) =>
    tf.mul(gathered(z, one), tf.reshape(tf.slice(values, [0, slot], [n, 1]), [n])),
  );
  return width === 1 ? terms[0]! : tf.addN(terms);
}

function gathered(z: Tensor, columns: Int32Array): Tensor {
  return columns.every((column, i) => column === i) ? z : tf.gather(z, tf.tensor1d(columns, 'int32'), 1);
}
