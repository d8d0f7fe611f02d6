/** Skew-symmetric matrices packed as the strict upper triangle, row by row: PEFT's layout. */
import { type Tensor, tf } from '@psoft/engine';

/** r(r-1)/2, the dimension of the skew-symmetric r x r matrices. */
export function skewSize(rank: number): number {
  return (rank * (rank - 1)) / 2;
}

/** Where entry (row, column), row < column, lies in the packed vector. */
export function skewIndex(rank: number, row: number, column: number): number {
  return row * rank - (row * (row + 1)) / 2 + column - row - 1;
}

/**
 * Q with Q[i, j] = v[(i, j)] above the diagonal and Q = -Qᵀ, for a batch. A gather with a constant index map; its
 * gradient is a gather too, dv = dQ[i, j] - dQ[j, i], where autodiff would scatter.
 * @param v [batch, r(r-1)/2] float32, r at least 2
 * @returns [batch, r, r]
 */
export function skewMatrix(v: Tensor, rank: number): Tensor {
  const batch = v.shape[0]!;
  const maps = indexMaps(rank);
  return tf.customGrad((packed) => {
    const places = tf.tensor1d(maps.places, 'int32');
    const signs = tf.tensor1d(maps.signs, 'float32');
    const value = tf.reshape(tf.mul(tf.gather(packed as Tensor, places, 1), signs), [batch, rank, rank]);
    return {
      value,
      gradFunc: (dy) => {
        const flat = tf.reshape(dy as Tensor, [batch, rank * rank]);
        return tf.sub(
          tf.gather(flat, tf.tensor1d(maps.upper, 'int32'), 1),
          tf.gather(flat, tf.tensor1d(maps.lower, 'int32'), 1),
        );
      },
    };
  })(v);
}

interface IndexMaps {
  /** For each of the r² entries: its place in the packed vector (0 on the diagonal), and its sign (0 there). */
  readonly places: Int32Array;
  readonly signs: Float32Array;
  /** For each packed entry: its place in the flattened matrix, and that of its mirror image. */
  readonly upper: Int32Array;
  readonly lower: Int32Array;
}

function indexMaps(rank: number): IndexMaps {
  const places = new Int32Array(rank * rank);
  const signs = new Float32Array(rank * rank);
  const upper = new Int32Array(skewSize(rank));
  const lower = new Int32Array(skewSize(rank));
  let at = 0;
  for (let row = 0; row < rank; row++)
    for (let column = row + 1; column < rank; column++, at++) {
      const [above, below] = [row * rank + column, column * rank + row];
      upper[at] = above;
      lower[at] = below;
      places[above] = at;
      places[below] = at;
      signs[above] = 1;
      signs[below] = -1;
    }
  return { places, signs, upper, lower };
}

/**
 * A packed vector of the authors' code (strict lower triangle, row by row, R = (I - A)(I + A)⁻¹) in PEFT's layout:
 * the same values and signs in another order, because A = -Q.
 */
export function skewFromLowerTriangle(lower: Float32Array, rank: number): Float32Array {
  const upper = new Float32Array(lower.length);
  let at = 0;
  for (let row = 1; row < rank; row++)
    for (let column = 0; column < row; column++) upper[skewIndex(rank, column, row)] = lower[at++]!;
  return upper;
}

/** The packed D Q D for a diagonal D of signs. @param packed strict upper triangle of Q, row by row */
export function skewWithSigns(packed: Float32Array, signs: ArrayLike<number>): Float32Array {
  const result = new Float32Array(packed.length);
  let at = 0;
  for (let row = 0; row < signs.length; row++)
    for (let column = row + 1; column < signs.length; column++, at++)
      result[at] = packed[at]! * signs[row]! * signs[column]!;
  return result;
}

/** D R D for a diagonal D of signs, [r, r] row by row. */
export function matrixWithSigns(matrix: Float32Array, signs: ArrayLike<number>): Float32Array {
  const { length } = signs;
  return matrix.map((value, i) => value * signs[Math.floor(i / length)]! * signs[i % length]!);
}
