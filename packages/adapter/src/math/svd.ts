/** The leading singular triples of a weight: the principal subspace that PSOFT rotates. */
import { gemm, type Matrix } from '@psoft/engine';
import {
  type Block,
  combined,
  doubleMatrix,
  image,
  type Numbers,
  norms,
  scalarProducts,
  scaled,
  singleMatrix,
  toDouble,
  transposed,
} from './block.ts';
import type { DoubleMatrix } from './dense.ts';
import { leadingEigenvectors } from './eigenvectors.ts';
import { gramMatrix } from './gramMatrix.ts';
import { subspaceIteration } from './lowrank.ts';
import { completed, whitening } from './orthonormal.ts';
import { symmetricEigen } from './symmetricEigen.ts';

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
  /**
   * max over i of |Wᵀu - s v| and |W v - s u|, relative to the largest singular value, of the float32 results. `lowrank`
   * measures the side that does not hold by construction, with float32 products.
   */
  readonly residual: number;
  /** Products of W, or of its Gram matrix, with a block of vectors that finding them took. */
  readonly products: number;
}

/**
 * The `rank` largest singular triples of W [rows, columns].
 *
 * `full`: eigenvectors of the Gram matrix of the smaller side, formed in double precision: squaring loses nothing that
 * float32 weights hold, down to singular values of about 1e-7 of the largest. `lowrank` iterates in single precision;
 * only what is left of size rank is in double. Signs follow a rule, since W leaves them open: the component of largest
 * magnitude of each u, the first of equals, is positive. The same input and threads give the same bits.
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
  const { matrix, scale } = scaledToOne(w);
  if (options.method === 'lowrank') {
    const iterated = await subspaceIteration(matrix, rank, options.iterations, options.seed);
    return triplesOf(iterated, iterated.products + 1, scale);
  }
  const exact = doubleMatrix(matrix);
  const { vectors, products } = await leadingEigenvectors(await gramMatrix(exact), rank);
  const isLeft = rows <= columns;
  const block = { isLeft, vectors: isLeft ? vectors : transposed(vectors) };
  return triplesOf({ w: exact, block }, products, scale);
}

/** Magnitudes whose squares, and sums of them, neither overflow nor vanish in single precision. */
const COMFORTABLE = [2 ** -10, 2 ** 10] as const;

/** W divided by a power of two, which is exact, where its values are far from 1; otherwise W itself. */
function scaledToOne(w: Matrix<Float32Array>): { matrix: Matrix<Float32Array>; scale: number } {
  const largest = largestMagnitude(w);
  if (largest === 0 || (largest >= COMFORTABLE[0] && largest <= COMFORTABLE[1]))
    return { matrix: w, scale: 1 };
  const scale = 2 ** Math.floor(Math.log2(largest));
  return { matrix: { ...w, data: w.data.map((value) => value / scale) }, scale };
}

/** What an infinite number's bits are without the sign; those of NaN are larger. */
const INFINITE = 0x7f800000;

/** Compared as bits, which are in the order of the magnitudes: several times as fast on tens of millions of values. */
function largestMagnitude({ columns, data }: Matrix<Float32Array>): number {
  const bits = new Int32Array(data.buffer, data.byteOffset, data.length);
  let largest = 0;
  let other = 0;
  for (let i = 0; i + 1 < bits.length; i += 2) {
    largest = Math.max(largest, bits[i]! & 0x7fffffff);
    other = Math.max(other, bits[i + 1]! & 0x7fffffff);
  }
  largest = Math.max(largest, other, bits[bits.length - 1]! & 0x7fffffff);
  if (largest >= INFINITE) {
    const i = data.findIndex((value) => !Number.isFinite(value));
    throw new Error(
      `the weight holds ${data[i]} at [${Math.floor(i / columns)}, ${i % columns}]: a singular value decomposition needs finite values`,
    );
  }
  return new Float32Array(Int32Array.of(largest).buffer)[0]!;
}

interface Factors {
  /** [rows, rank] */
  readonly u: DoubleMatrix;
  readonly s: Float64Array;
  /** [rank, columns] */
  readonly vt: DoubleMatrix;
  /** Whether the vectors of the larger side are the images of the others. */
  readonly isImage: boolean;
}

/** The triples of W within a span of vectors of its smaller side: signs fixed, rounded to float32, and measured. */
async function triplesOf(
  { w, block }: { readonly w: Matrix; readonly block: Block<Numbers> },
  products: number,
  scale: number,
): Promise<SingularTriples> {
  const { u, s, vt, isImage } = await triplesWithin(w, block);
  const signs = signsByRule(u);
  const left = { isLeft: true, vectors: singleMatrix(scaled({ isLeft: true, vectors: u }, signs).vectors) };
  const right = {
    isLeft: false,
    vectors: singleMatrix(scaled({ isLeft: false, vectors: vt }, signs).vectors),
  };
  const [small, large] = block.isLeft ? [left, right] : [right, left];
  const isSingle = w.data instanceof Float32Array;
  // The image of the small side is the large one to rounding, and not worth a product in single precision.
  const checked = isSingle && isImage ? [large] : [small, large];
  let worst = 0;
  if (s[0]! > 0)
    for (const side of checked) {
      const given: Block<Numbers> = isSingle ? side : toDouble(side);
      worst = Math.max(worst, largestDifference(await image(w, given), side === left ? right : left, s));
    }
  return {
    u: left.vectors.data,
    s: s.map((value) => value * scale),
    vt: right.vectors.data,
    residual: s[0]! > 0 ? worst / s[0]! : 0,
    products,
  };
}

/** Singular values below this part of the largest leave the vectors of the larger side to be made orthonormal. */
const DELICATE = 1e-4;

/** @param x vectors of the smaller side, orthonormal or nearly so */
async function triplesWithin(w: Matrix, x: Block<Numbers>): Promise<Factors> {
  const small = toDouble(x);
  const large = toDouble(await image(w, x));
  const basis = await whitening(await scalarProducts(small));
  if (basis === undefined) throw new Error('the vectors of a subspace must be independent');
  const half = await gemm(basis.factor, await scalarProducts(large));
  const { vectors } = await symmetricEigen(await gemm(half, basis.factor, { transposeB: true }));
  const rotation = await gemm(vectors, basis.factor, { transposeA: true });
  const near = await combined(small, rotation);
  const far = await combined(large, rotation);
  const s = norms(far);
  const unit = scaled(
    far,
    s.map((value) => (value > 0 ? 1 / value : 0)),
  );
  // Vectors of nearly no length say nothing of their direction, and orthogonality of others is lost by division.
  const isDelicate = s.some((value) => value < DELICATE * s[0]!) || s[0] === 0;
  const other = isDelicate ? await completed(unit) : unit;
  const [left, right] = near.isLeft ? [near, other] : [other, near];
  return { u: left.vectors, s, vt: right.vectors, isImage: !isDelicate };
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

/** max over vectors i of |y_i - s_i x_i|. */
function largestDifference(
  { isLeft, vectors: y }: Block<Numbers>,
  x: Block<Numbers>,
  s: Float64Array,
): number {
  const squares = new Float64Array(s.length);
  for (let row = 0, at = 0; row < y.rows; row++)
    for (let column = 0; column < y.columns; column++, at++) {
      const i = isLeft ? column : row;
      const difference = y.data[at]! - s[i]! * x.vectors.data[at]!;
      squares[i]! += difference * difference;
    }
  return Math.sqrt(Math.max(...squares));
}
