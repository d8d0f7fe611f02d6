/** The leading eigenvectors of a large symmetric positive semi-definite matrix. */
import { gemm, type Matrix, RandomStream } from '@psoft/engine';
import {
  besideEachOther,
  columnsOf,
  type DoubleMatrix,
  normalMatrix,
  orthonormalise,
  scaleColumns,
} from './dense.ts';
import { symmetricEigen } from './symmetricEigen.ts';

export interface Eigenvectors {
  /** [n, count], orthonormal columns, largest eigenvalue first. */
  readonly vectors: DoubleMatrix;
  /** Products of the matrix with a block of vectors that it took; 0 when solved densely. */
  readonly products: number;
}

/** Matrices up to this size are solved densely: cheaper than iterating. */
const DENSE_SIZE = 160;
/** A vector counts as converged when |G x - λ x| <= TOLERANCE sqrt(λ λ1) + FLOOR λ1, λ1 the largest value. */
const TOLERANCE = 1e-9;
/** What rounding of G itself leaves, relative to λ1. */
const FLOOR = 1e-13;
/** How much a filter may enlarge the largest part over the smallest kept: beyond, columns become parallel. */
const MAX_GROWTH = 1e8;
const MAX_DEGREE = 24;
const MAX_ROUNDS = 200;

/** While vectors are further from convergence than this, filtering in single precision is as good and much faster. */
const SINGLE_UNTIL = 1e-5;

/**
 * Chebyshev-filtered subspace iteration (Zhou, Saad, Tiago and Chelikowsky 2006). A block of random vectors is
 * multiplied by the Chebyshev polynomial that damps [0, smallest Ritz value] most, orthonormalised and rotated to its
 * Ritz vectors, until the leading `count` are eigenvectors; those that already are wait unfiltered. The block holds more
 * vectors than wanted: they widen the gap that decides the speed on flat spectra. The start is the same at every call.
 * @param g [n, n] symmetric positive semi-definite
 * @throws Error when MAX_ROUNDS do not suffice
 */
export async function leadingEigenvectors(g: DoubleMatrix, count: number): Promise<Eigenvectors> {
  const n = g.rows;
  const block = Math.min(n, count + Math.max(24, Math.ceil(count / 4)));
  if (n <= DENSE_SIZE || 2 * block > n)
    return { vectors: columnsOf((await symmetricEigen(g)).vectors, 0, count), products: 0 };

  let kept: DoubleMatrix = { rows: n, columns: 0, data: new Float64Array(0) };
  let ritz = await ritzVectors(
    g,
    kept,
    await orthonormalise(normalMatrix(n, block, RandomStream.from(0, 'eigenvectors'))),
  );
  // G without what is kept: the filter would blow up whatever of it rounding leaves in the other vectors.
  let remaining = g;
  let products = 1;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const errors = residuals(ritz, count);
    const unconverged = errors.findIndex((error) => !(error <= TOLERANCE));
    const converged = unconverged < 0 ? count : unconverged;
    if (converged === count) return { vectors: columnsOf(ritz.x, 0, count), products };
    if (converged > kept.columns) {
      kept = columnsOf(ritz.x, 0, converged);
      remaining = await deflated(g, kept, ritz.values);
    }
    const cut = Math.max(ritz.values.at(-1)!, FLOOR * ritz.values[0]!);
    const degree = filterDegree(ritz.values[kept.columns]! / cut);
    const isCoarse = Math.max(...errors) > SINGLE_UNTIL;
    const filtered = await chebyshev(remaining, dropColumns(ritz, kept.columns), cut, degree, isCoarse);
    ritz = await ritzVectors(g, kept, await orthonormalise(await without(kept, filtered)));
    products += degree;
  }
  throw new Error(
    `the singular vectors did not converge in ${MAX_ROUNDS} rounds (${kept.columns} of ${count} did): ` +
      "use psoftSvd 'lowrank', which takes a fixed number of iterations",
  );
}

/** Ritz pairs of a subspace: X with XᵀGX diagonal, G X, and the diagonal, largest first. */
interface Ritz {
  readonly x: DoubleMatrix;
  readonly gx: DoubleMatrix;
  readonly values: Float64Array;
}

/** Of the span of both; `kept` and `rest` are orthonormal and orthogonal to one another. */
async function ritzVectors(g: DoubleMatrix, kept: DoubleMatrix, rest: DoubleMatrix): Promise<Ritz> {
  const basis = besideEachOther(kept, rest);
  const image = await gemm(g, basis);
  const { values, vectors } = await symmetricEigen(await gemm(basis, image, { transposeA: true }));
  return { x: await gemm(basis, vectors), gx: await gemm(image, vectors), values };
}

function dropColumns({ x, gx, values }: Ritz, first: number): Ritz {
  const rest = x.columns - first;
  return { x: columnsOf(x, first, rest), gx: columnsOf(gx, first, rest), values: values.subarray(first) };
}

/** |G x - λ x| of the first `count` pairs, relative to sqrt(λ λ1), less what rounding of G itself leaves. */
function residuals({ x, gx, values }: Ritz, count: number): Float64Array {
  const { rows, columns } = x;
  const largest = values[0]!;
  const squares = new Float64Array(count);
  for (let row = 0; row < rows; row++)
    for (let i = 0; i < count; i++)
      squares[i]! += (gx.data[row * columns + i]! - values[i]! * x.data[row * columns + i]!) ** 2;
  return squares.map((square, i) => {
    const excess = Math.sqrt(square) - FLOOR * largest;
    return excess <= 0 ? 0 : excess / Math.sqrt(Math.max(values[i]!, 0) * largest);
  });
}

/** The largest degree that enlarges a value `ratio` times the cut by at most MAX_GROWTH. */
function filterDegree(ratio: number): number {
  const growth = Math.acosh(Math.max(1, 2 * ratio - 1));
  return Math.max(1, Math.min(MAX_DEGREE, Math.floor(Math.acosh(MAX_GROWTH) / growth)));
}

/**
 * T_degree((2 G - cut) / cut) X by the three-term recurrence; the interval [0, cut] maps to [-1, 1].
 * @param isCoarse computes in single precision
 */
async function chebyshev(
  g: DoubleMatrix,
  { x, gx }: Ritz,
  cut: number,
  degree: number,
  isCoarse: boolean,
): Promise<DoubleMatrix> {
  const first = new Float64Array(x.data.length);
  for (let i = 0; i < first.length; i++) first[i] = (2 / cut) * gx.data[i]! - x.data[i]!;
  if (!isCoarse) return { ...x, data: await recurrence(g, x, first, cut, degree) };
  const single = ({ rows, columns, data }: DoubleMatrix) => ({ rows, columns, data: new Float32Array(data) });
  const filtered = await recurrence(single(g), single(x), new Float32Array(first), cut, degree);
  return { ...x, data: new Float64Array(filtered) };
}

async function recurrence<T extends Float32Array | Float64Array>(
  g: Matrix<T>,
  x: Matrix<T>,
  first: T,
  cut: number,
  degree: number,
): Promise<T> {
  let previous: T = x.data;
  let current: T = first;
  for (let k = 2; k <= degree; k++) {
    // The product's own array takes the next vectors: allocating them anew costs as much as a product.
    const next = (await gemm(g, { ...x, data: current })).data;
    for (let i = 0; i < next.length; i++) next[i] = (4 / cut) * next[i]! - 2 * current[i]! - previous[i]!;
    previous = current;
    current = next;
  }
  return current;
}

/** G - X diag(values) Xᵀ. */
async function deflated(g: DoubleMatrix, x: DoubleMatrix, values: Float64Array): Promise<DoubleMatrix> {
  const part = await gemm(scaleColumns(x, values.subarray(0, x.columns)), x, { transposeB: true });
  return { ...g, data: difference(g.data, part.data) };
}

/** X minus its part in the span of the orthonormal `kept`. */
async function without(kept: DoubleMatrix, x: DoubleMatrix): Promise<DoubleMatrix> {
  if (kept.columns === 0) return x;
  let rest = x;
  for (let pass = 0; pass < 2; pass++) {
    const part = await gemm(kept, await gemm(kept, rest, { transposeA: true }));
    rest = { ...rest, data: difference(rest.data, part.data) };
  }
  return rest;
}

function difference(a: Float64Array, b: Float64Array): Float64Array {
  const result = new Float64Array(a.length);
  for (let i = 0; i < a.length; i++) result[i] = a[i]! - b[i]!;
  return result;
}
