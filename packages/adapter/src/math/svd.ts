/** The leading singular triples of a weight: the principal subspace that PSOFT rotates. */
import { gemm, type Matrix, RandomStream } from '@psoft/engine';
import {
  columnNorms,
  type DoubleMatrix,
  gramSchmidt,
  normalMatrix,
  orthonormalise,
  scaleColumns,
  symmetricEigen,
} from './dense.ts';
import { leadingEigenvectors } from './eigenvectors.ts';

/** `full`: converged. `lowrank`: so many iterations from a seeded start, whatever they reach. */
export type SvdOptions =
  | { readonly method: 'full' }
  | { readonly method: 'lowrank'; readonly iterations: number; readonly seed: number };

export interface SingularTriples {
  /** [rows, rank], orthonormal columns. */
  readonly u: Float32Array;
  /** Largest first. */
  readonly s: Float64Array;
  /** [rank, columns], orthonormal rows. */
  readonly vt: Float32Array;
  /** max over i of |Wᵀu - s v| and |W v - s u|, relative to the largest singular value, of the float32 results. */
  readonly residual: number;
  /** Products of the matrix with a block of vectors that it took. */
  readonly products: number;
}

/**
 * The `rank` largest singular triples of W [rows, columns].
 *
 * Eigenvectors of the Gram matrix of the smaller side, formed in double precision: squaring loses nothing that float32
 * weights hold, down to singular values of about 1e-7 of the largest. Signs follow a rule, since W leaves them open:
 * the component of largest magnitude of each u, the first of equals, is positive. The same input gives the same bits.
 * @throws Error for a rank outside 1 to min(rows, columns), for values that are not finite, or without convergence
 */
export async function topSingularTriples(
  w: Matrix<Float32Array>,
  rank: number,
  options: SvdOptions,
): Promise<SingularTriples> {
  const { rows, columns } = w;
  const limit = Math.min(rows, columns);
  if (!Number.isInteger(rank) || rank < 1 || rank > limit)
    throw new RangeError(`rank must be from 1 to min(rows, columns) = ${limit}, got ${rank}`);
  const scale = largestMagnitude(w);
  // Scaled, so that squares neither overflow nor vanish.
  const scaled: DoubleMatrix = { rows, columns, data: new Float64Array(w.data) };
  for (let i = 0; i < w.data.length; i++) scaled.data[i]! /= scale || 1;
  const isWide = rows <= columns;
  const gram = await gemm(scaled, scaled, isWide ? { transposeB: true } : { transposeA: true });
  const { vectors, products } =
    options.method === 'full'
      ? await leadingEigenvectors(gram, rank)
      : await subspaceIteration(scaled, gram, rank, options.iterations, options.seed);
  const factors = await singularTriples(scaled, vectors, isWide);
  return finish(scaled, factors, scale, products);
}

function largestMagnitude({ columns, data }: Matrix<Float32Array>): number {
  let largest = 0;
  for (let i = 0; i < data.length; i++) {
    const value = Math.abs(data[i]!);
    if (!(value < Number.POSITIVE_INFINITY))
      throw new Error(
        `the weight holds ${data[i]} at [${Math.floor(i / columns)}, ${i % columns}]: a singular value decomposition needs finite values`,
      );
    if (value > largest) largest = value;
  }
  return largest;
}

/**
 * Randomised subspace iteration (Halko, Martinsson and Tropp 2011, algorithm 4.4) for the range on the smaller side:
 * the span of G^iterations times W (or Wᵀ) times a random block of `rank` columns, without oversampling as in PEFT.
 */
async function subspaceIteration(
  w: DoubleMatrix,
  gram: DoubleMatrix,
  rank: number,
  iterations: number,
  seed: number,
): Promise<{ vectors: DoubleMatrix; products: number }> {
  const isWide = w.rows <= w.columns;
  const start = normalMatrix(isWide ? w.columns : w.rows, rank, RandomStream.from(seed, 'svd', 'lowrank'));
  let x = await orthonormalise(await gemm(w, start, { transposeA: !isWide }));
  for (let i = 0; i < iterations; i++) x = await orthonormalise(await gemm(gram, x));
  return { vectors: x, products: iterations + 1 };
}

interface Factors {
  readonly u: DoubleMatrix;
  readonly s: Float64Array;
  readonly v: DoubleMatrix;
}

/** The singular triples of W restricted to the span of X on its smaller side. */
async function singularTriples(w: DoubleMatrix, x: DoubleMatrix, isWide: boolean): Promise<Factors> {
  const image = await gemm(w, x, { transposeA: isWide });
  const { vectors } = symmetricEigen(await gemm(image, image, { transposeA: true }));
  const small = await gemm(x, vectors);
  const large = await gemm(image, vectors);
  const s = columnNorms(large);
  // Columns of nearly no length say nothing of their direction, and orthogonality of others is lost by division.
  const isDelicate = s.some((value) => value < 1e-4 * s[0]!) || s[0] === 0;
  const unit = scaleColumns(
    large,
    s.map((value) => (value > 0 ? 1 / value : 0)),
  );
  const other = isDelicate ? gramSchmidt(unit) : unit;
  return isWide ? { u: small, s, v: other } : { u: other, s, v: small };
}

/** Fixes signs, rounds to float32, and measures what came out. */
async function finish(
  w: DoubleMatrix,
  { u, s, v }: Factors,
  scale: number,
  products: number,
): Promise<SingularTriples> {
  const rank = s.length;
  const signs = signsByRule(u);
  const signedU = new Float32Array(scaleColumns(u, signs).data);
  const signedV = new Float32Array(scaleColumns(v, signs).data);
  const roundedU = { ...u, data: new Float64Array(signedU) };
  const roundedV = { ...v, data: new Float64Array(signedV) };
  const left = await gemm(w, roundedV);
  const right = await gemm(w, roundedU, { transposeA: true });
  const worst = Math.max(largestDifference(left, roundedU, s), largestDifference(right, roundedV, s));
  const vt = new Float32Array(signedV.length);
  for (let i = 0; i < signedV.length; i++) vt[(i % rank) * v.rows + Math.floor(i / rank)] = signedV[i]!;
  return {
    u: signedU,
    s: s.map((value) => value * scale),
    vt,
    residual: s[0] === 0 ? 0 : worst / s[0]!,
    products,
  };
}

/** +1 or -1 for each column: what makes its component of largest magnitude (the first of equals) positive. */
export function signsByRule({ rows, columns, data }: DoubleMatrix): Float64Array {
  const largest = new Float64Array(columns);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++) {
      const value = Math.fround(data[row * columns + column]!);
      if (Math.abs(value) > Math.abs(largest[column]!)) largest[column] = value;
    }
  return largest.map((value) => (value < 0 ? -1 : 1));
}

/** max over columns i of |y_i - s_i x_i|. */
function largestDifference(y: DoubleMatrix, x: DoubleMatrix, s: Float64Array): number {
  const rank = s.length;
  const differences = y.data.map((value, i) => value - s[i % rank]! * x.data[i]!);
  return Math.max(...columnNorms({ ...y, data: differences }));
}
