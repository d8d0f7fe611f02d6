/** Orthonormal and nearly orthonormal bases of blocks of vectors, by Cholesky QR. */
import {
  type Block,
  blockLike,
  combined,
  doubleMatrix,
  matrixLike,
  type Numbers,
  scalarProducts,
  toDouble,
  transposed,
} from './block.ts';
import { inverseCholesky } from './cholesky.ts';
import { type DoubleMatrix, orthonormalise } from './dense.ts';

export interface Whitening {
  /** [rank, rank] lower triangular F: {@link combined} with it, the vectors are orthonormal. */
  readonly factor: DoubleMatrix;
  /** Trace of the inverse of the scalar products of the vectors, each first scaled to length 1: at least rank. */
  readonly spread: number;
  /** Frobenius norm of the block times that of its pseudo-inverse: at least rank. */
  readonly condition: number;
}

/** Squares below this have lost digits in single precision. */
const SMALLEST_SQUARE = 1e-30;

/**
 * What makes vectors with these scalar products orthonormal.
 * @param products [rank, rank] symmetric
 * @returns undefined when the vectors are dependent to working precision
 */
export async function whitening({ rows: n, data }: DoubleMatrix): Promise<Whitening | undefined> {
  const lengths = Float64Array.from({ length: n }, (_, i) => Math.sqrt(data[i * n + i]!));
  if (lengths.some((length) => !(length > 0))) return undefined;
  const inverses = lengths.map((length) => 1 / length);
  const unit = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    const scale = inverses[i]!;
    for (let j = 0; j <= i; j++) unit[i * n + j] = data[i * n + j]! * scale * inverses[j]!;
  }
  const inverse = await inverseCholesky({ rows: n, columns: n, data: unit });
  if (inverse === undefined) return undefined;
  const spread = squares(inverse.data);
  const factor = inverse.data;
  for (let i = 0; i < n; i++) for (let j = 0; j <= i; j++) factor[i * n + j]! *= inverses[j]!;
  const condition = Math.sqrt(squares(lengths) * squares(factor));
  return { factor: { rows: n, columns: n, data: factor }, spread, condition };
}

function squares(values: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]! * values[i]!;
  return sum;
}

/**
 * Largest spread at which scalar products computed in single precision, off by about 1e-7, leave a basis orthonormal to a
 * few per cent.
 */
const QUICK_SPREAD = 1e5;
/** The same for products in double, of vectors in single precision (whose combination rounds in turn) and in double. */
const EXACT_SPREAD = { single: 1e10, double: 1e12 };

export interface Conditioned<T extends Numbers> {
  readonly block: Block<T>;
  readonly rank: number;
  /** As in {@link Whitening}, of what was given; infinite for dependent vectors. */
  readonly condition: number;
}

/**
 * Vectors with the same span, orthonormal to a few per cent: good to iterate with, in one pass, and in the precision of
 * the vectors where that will do. Dependent vectors are completed by arbitrary, reproducible ones.
 */
export async function conditioned<T extends Numbers>(block: Block<T>): Promise<Conditioned<T>> {
  const products = await scalarProducts(block);
  const { rows: rank, data } = products;
  const isSingle = data instanceof Float32Array;
  const limit = isSingle ? EXACT_SPREAD.single : EXACT_SPREAD.double;
  let found: Whitening | undefined;
  if (isSingle) {
    let least = Number.POSITIVE_INFINITY;
    for (let at = 0; at < data.length; at += rank + 1) least = Math.min(least, data[at]!);
    if (least > SMALLEST_SQUARE) found = await whitening(doubleMatrix(products));
    if (!(found && found.spread <= QUICK_SPREAD))
      found = await whitening(await scalarProducts(toDouble(block)));
  } else found = await whitening(doubleMatrix(products));
  if (found === undefined || found.spread > limit)
    return {
      block: blockLike(block, await completed(toDouble(block))),
      rank,
      condition: Number.POSITIVE_INFINITY,
    };
  const factor = matrixLike(block.vectors, found.factor);
  return { block: await combined(block, factor), rank, condition: found.condition };
}

/** Orthonormal vectors, each close to the part of its own that earlier ones lack; see {@link orthonormalise}. */
export async function completed({ isLeft, vectors }: Block<Float64Array>): Promise<Block<Float64Array>> {
  if (isLeft) return { isLeft, vectors: await orthonormalise(vectors) };
  return { isLeft, vectors: transposed(await orthonormalise(transposed(vectors))) };
}
