/** The leading eigenvectors of a large symmetric positive semi-definite matrix. */
import { gemm, RandomStream } from '@psoft/engine';
import {
  besideEachOther,
  columnsOf,
  type DoubleMatrix,
  normalMatrix,
  orthonormalise,
  symmetricEigen,
} from './dense.ts';

export interface Eigenvectors {
  /** [n, count], orthonormal columns, largest eigenvalue first. */
  readonly vectors: DoubleMatrix;
  /** Products of the matrix with a block of vectors that it took; 0 when solved densely. */
  readonly products: number;
}

/** Matrices up to this size are solved densely: cheaper than iterating. */
const DENSE_SIZE = 160;
/** A vector counts as converged when |G x - λ x| <= TOLERANCE sqrt(λ λ1) + FLOOR λ1. */
const TOLERANCE = 1e-9;
/** What rounding of G itself leaves, relative to λ1. */
const FLOOR = 1e-13;
/** How much a filter may enlarge the largest part over the smallest kept: beyond, columns become parallel. */
const MAX_GROWTH = 1e7;
const MAX_DEGREE = 24;
const MAX_ROUNDS = 200;

/**
 * Chebyshev-filtered subspace iteration with locking (Zhou, Saad, Tiago and Chelikowsky 2006): a block of random
 * vectors is multiplied by the Chebyshev polynomial that damps [0, smallest Ritz value] most, orthonormalised and
 * rotated to its Ritz vectors, until the leading `count` are eigenvectors. The block holds more vectors than wanted:
 * they widen the gap that decides the speed on flat spectra. The start is the same at every call.
 * @param g [n, n] symmetric positive semi-definite
 * @throws Error when MAX_ROUNDS do not suffice
 */
export async function leadingEigenvectors(g: DoubleMatrix, count: number): Promise<Eigenvectors> {
  const n = g.rows;
  const block = Math.min(n, count + Math.max(16, Math.ceil(count / 4)));
  if (n <= DENSE_SIZE || 2 * block > n)
    return { vectors: columnsOf(symmetricEigen(g).vectors, 0, count), products: 0 };

  let locked: DoubleMatrix = { rows: n, columns: 0, data: new Float64Array(0) };
  let ritz = await ritzVectors(
    g,
    await orthonormalise(normalMatrix(n, block, RandomStream.from(0, 'eigenvectors'))),
  );
  let products = 1;
  let largest = 0;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    largest = Math.max(largest, ritz.values[0]!);
    const converged = convergedCount(ritz, largest, count - locked.columns);
    if (converged > 0) {
      locked = besideEachOther(locked, columnsOf(ritz.x, 0, converged));
      if (locked.columns === count) return { vectors: locked, products };
      ritz = dropColumns(ritz, converged);
    }
    const cut = Math.max(ritz.values.at(-1)!, FLOOR * largest);
    const degree = filterDegree(ritz.values[0]! / cut);
    const filtered = await chebyshev(g, ritz, cut, degree);
    ritz = await ritzVectors(g, await orthonormalise(await without(locked, filtered)));
    products += degree;
  }
  throw new Error(
    `the singular vectors did not converge in ${MAX_ROUNDS} rounds (${locked.columns} of ${count} did): ` +
      "use psoftSvd 'lowrank', which takes a fixed number of iterations",
  );
}

/** Ritz pairs of a subspace: X with XᵀGX diagonal, G X, and the diagonal, largest first. */
interface Ritz {
  readonly x: DoubleMatrix;
  readonly gx: DoubleMatrix;
  readonly values: Float64Array;
}

async function ritzVectors(g: DoubleMatrix, basis: DoubleMatrix): Promise<Ritz> {
  const image = await gemm(g, basis);
  const { values, vectors } = symmetricEigen(await gemm(basis, image, { transposeA: true }));
  return { x: await gemm(basis, vectors), gx: await gemm(image, vectors), values };
}

function dropColumns({ x, gx, values }: Ritz, first: number): Ritz {
  const rest = x.columns - first;
  return { x: columnsOf(x, first, rest), gx: columnsOf(gx, first, rest), values: values.subarray(first) };
}

/** How many leading pairs are converged, at most `wanted`; they must be without gap, or order would be lost. */
function convergedCount({ x, gx, values }: Ritz, largest: number, wanted: number): number {
  const { rows, columns } = x;
  const squares = new Float64Array(wanted);
  for (let row = 0; row < rows; row++)
    for (let i = 0; i < wanted; i++)
      squares[i]! += (gx.data[row * columns + i]! - values[i]! * x.data[row * columns + i]!) ** 2;
  for (let i = 0; i < wanted; i++) {
    const allowed = TOLERANCE * Math.sqrt(Math.max(values[i]!, 0) * largest) + FLOOR * largest;
    if (!(Math.sqrt(squares[i]!) <= allowed)) return i;
  }
  return wanted;
}

/** The largest degree that enlarges a value `ratio` times the cut by at most MAX_GROWTH. */
function filterDegree(ratio: number): number {
  const growth = Math.acosh(Math.max(1, 2 * ratio - 1));
  return Math.max(1, Math.min(MAX_DEGREE, Math.floor(Math.acosh(MAX_GROWTH) / growth)));
}

/** T_degree((2 G - cut) / cut) X by the three-term recurrence; the interval [0, cut] maps to [-1, 1]. */
async function chebyshev(
  g: DoubleMatrix,
  { x, gx }: Ritz,
  cut: number,
  degree: number,
): Promise<DoubleMatrix> {
  const shifted = (image: Float64Array, of: Float64Array, factor: number, minus?: Float64Array) =>
    image.map((value, i) => factor * ((2 * value) / cut - of[i]!) - (minus === undefined ? 0 : minus[i]!));
  let previous = x;
  let current = { ...x, data: shifted(gx.data, x.data, 1) };
  for (let k = 2; k <= degree; k++) {
    const image = await gemm(g, current);
    const next = { ...x, data: shifted(image.data, current.data, 2, previous.data) };
    previous = current;
    current = next;
  }
  return current;
}

/** X minus its part in the span of the orthonormal `locked`. */
async function without(locked: DoubleMatrix, x: DoubleMatrix): Promise<DoubleMatrix> {
  if (locked.columns === 0) return x;
  let rest = x;
  for (let pass = 0; pass < 2; pass++) {
    const part = await gemm(locked, await gemm(locked, rest, { transposeA: true }));
    rest = { ...rest, data: rest.data.map((value, i) => value - part.data[i]!) };
  }
  return rest;
}
