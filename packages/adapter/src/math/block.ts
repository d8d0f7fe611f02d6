/** Blocks of left or right vectors of a weight W [rows, columns], stored so that W is never transposed. */
import { gemm, type Matrix } from '@psoft/engine';

export type Numbers = Float32Array | Float64Array;

/** Left vectors are the columns of [rows, rank], right vectors the rows of [rank, columns]. */
export interface Block<T extends Numbers> {
  readonly isLeft: boolean;
  readonly vectors: Matrix<T>;
}

/** W times right vectors, or Wᵀ times left ones. */
export async function image<T extends Numbers>(
  w: Matrix<T>,
  { isLeft, vectors }: Block<T>,
): Promise<Block<T>> {
  return isLeft
    ? { isLeft: false, vectors: await gemm(vectors, w, { transposeA: true }) }
    : { isLeft: true, vectors: await gemm(w, vectors, { transposeB: true }) };
}

/** G times each vector, for a symmetric G. */
export async function symmetricImage<T extends Numbers>(
  g: Matrix<T>,
  { isLeft, vectors }: Block<T>,
): Promise<Block<T>> {
  return { isLeft, vectors: isLeft ? await gemm(g, vectors) : await gemm(vectors, g) };
}

/** The scalar products of the vectors, [rank, rank]. */
export function scalarProducts<T extends Numbers>({ isLeft, vectors }: Block<T>): Promise<Matrix<T>> {
  return gemm(vectors, vectors, isLeft ? { transposeA: true } : { transposeB: true });
}

/** New vectors: number i is the sum over j of factors[i, j] times vector j. */
export async function combined<T extends Numbers>(
  { isLeft, vectors }: Block<T>,
  factors: Matrix<T>,
): Promise<Block<T>> {
  return {
    isLeft,
    vectors: isLeft ? await gemm(vectors, factors, { transposeB: true }) : await gemm(factors, vectors),
  };
}

/** Vector i times factors[i]. */
export function scaled({ isLeft, vectors }: Block<Float64Array>, factors: Float64Array): Block<Float64Array> {
  const { columns, data } = vectors;
  const result = new Float64Array(data.length);
  for (let row = 0, at = 0; row < vectors.rows; row++)
    for (let column = 0; column < columns; column++, at++)
      result[at] = data[at]! * factors[isLeft ? column : row]!;
  return { isLeft, vectors: { ...vectors, data: result } };
}

/** Euclidean norm of each vector. */
export function norms<T extends Numbers>({ isLeft, vectors }: Block<T>): Float64Array {
  const { rows, columns, data } = vectors;
  const sums = new Float64Array(isLeft ? columns : rows);
  for (let row = 0, at = 0; row < rows; row++)
    for (let column = 0; column < columns; column++, at++)
      sums[isLeft ? column : row]! += data[at]! * data[at]!;
  return sums.map(Math.sqrt);
}

/** The same numbers as columns where they were rows, and the other way round. */
export function transposed({ rows, columns, data }: Matrix<Float64Array>): Matrix<Float64Array> {
  const turned = new Float64Array(data.length);
  for (let row = 0, at = 0; row < rows; row++)
    for (let column = 0; column < columns; column++, at++) turned[column * rows + row] = data[at]!;
  return { rows: columns, columns: rows, data: turned };
}

/** In double precision; the block itself where it is already. */
export function toDouble<T extends Numbers>({ isLeft, vectors }: Block<T>): Block<Float64Array> {
  return { isLeft, vectors: doubleMatrix(vectors) };
}

export function singleMatrix({ rows, columns, data }: Matrix): Matrix<Float32Array> {
  return { rows, columns, data: new Float32Array(data) };
}

/** The matrix itself where it is in double already. */
export function doubleMatrix({ rows, columns, data }: Matrix): Matrix<Float64Array> {
  return { rows, columns, data: data instanceof Float64Array ? data : new Float64Array(data) };
}

/** In the precision of `model`. */
export function matrixLike<T extends Numbers>(model: Matrix<T>, matrix: Matrix<Float64Array>): Matrix<T> {
  return (model.data instanceof Float32Array ? singleMatrix(matrix) : matrix) as Matrix<T>;
}

/** In the precision of `model`. */
export function blockLike<T extends Numbers>(model: Block<T>, block: Block<Float64Array>): Block<T> {
  return { isLeft: block.isLeft, vectors: matrixLike(model.vectors, block.vectors) };
}
