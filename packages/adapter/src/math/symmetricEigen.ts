/** Eigenvalues and vectors of a dense symmetric matrix, in double precision. */
import { gemm } from '@psoft/engine';
import type { DoubleMatrix } from './dense.ts';

export interface SymmetricEigen {
  /** Largest first. */
  readonly values: Float64Array;
  /** Column i belongs to value i. */
  readonly vectors: DoubleMatrix;
}

/**
 * All eigenpairs of a symmetric matrix: Householder tridiagonalisation, implicit QR steps with Wilkinson's shift, and
 * the reflections applied to the result in blocks (Golub and Van Loan, 4th edition, 8.3 and 5.1.7).
 * @param matrix [n, n]; products computed in blocks are symmetric only to rounding, so both halves are averaged
 * @throws Error when a value is not finite
 */
export async function symmetricEigen(matrix: DoubleMatrix): Promise<SymmetricEigen> {
  const { rows: n, data } = matrix;
  const a = new Float64Array(n * n);
  let largest = 0;
  for (let i = 0; i < n; i++)
    for (let j = 0; j <= i; j++) {
      a[i * n + j] = (data[i * n + j]! + data[j * n + i]!) / 2;
      largest = Math.max(largest, Math.abs(a[i * n + j]!));
    }
  if (!(largest < Number.POSITIVE_INFINITY)) throw new Error('eigenvalues need finite values');
  // Scaled, so that squares neither overflow nor vanish.
  if (largest > 0) for (let i = 0; i < a.length; i++) a[i]! /= largest;
  const reflections = tridiagonalise(a, n);
  const values = Float64Array.from({ length: n }, (_, i) => a[i * n + i]!);
  // Row i belongs to value i: rotations then run along memory.
  const rows = new Float64Array(n * n);
  for (let i = 0; i < n; i++) rows[i * n + i] = 1;
  diagonalise(values, reflections.offDiagonal, rows);
  await reflect(rows, a, reflections.factors);
  const order = Array.from(values, (value, i) => ({ value, i })).sort((x, y) => y.value - x.value);
  const vectors = new Float64Array(n * n);
  for (const [column, { i }] of order.entries())
    for (let row = 0; row < n; row++) vectors[row * n + column] = rows[i * n + row]!;
  return {
    values: Float64Array.from(order, ({ value }) => value * (largest || 1)),
    vectors: { rows: n, columns: n, data: vectors },
  };
}

interface Reflections {
  /** Entry i stands at [i + 1, i] of the tridiagonal matrix. */
  readonly offDiagonal: Float64Array;
  /** β of reflection i, I - β v vᵀ; its v of length i is left in row i. */
  readonly factors: Float64Array;
}

/** In place, on the lower triangle, from the last row up: row i becomes zero left of its neighbour. */
function tridiagonalise(a: Float64Array, n: number): Reflections {
  const offDiagonal = new Float64Array(Math.max(0, n - 1));
  const factors = new Float64Array(n);
  const p = new Float64Array(n);
  for (let i = n - 1; i > 0; i--) {
    const v = a.subarray(i * n, i * n + i);
    const end = v[i - 1]!;
    let tail = 0;
    for (let k = 0; k < i - 1; k++) tail += v[k]! * v[k]!;
    if (tail === 0) {
      offDiagonal[i - 1] = end;
      continue;
    }
    const length = Math.sqrt(tail + end * end);
    offDiagonal[i - 1] = end > 0 ? -length : length;
    v[i - 1] = end - offDiagonal[i - 1]!;
    const beta = 2 / (tail + v[i - 1]! * v[i - 1]!);
    factors[i] = beta;
    // p = β A v from the lower triangle, then A - v wᵀ - w vᵀ with w = p - (β/2 pᵀv) v.
    symmetricProduct(a, n, i, v, p);
    let product = 0;
    for (let k = 0; k < i; k++) product += p[k]! * v[k]!;
    const half = (beta * beta * product) / 2;
    for (let k = 0; k < i; k++) p[k] = beta * p[k]! - half * v[k]!;
    for (let j = 0; j < i; j++) {
      const at = j * n;
      const vj = v[j]!;
      const wj = p[j]!;
      for (let k = 0; k <= j; k++) a[at + k]! -= vj * p[k]! + wj * v[k]!;
    }
  }
  return { offDiagonal, factors };
}

/** p = A v for the leading `size` rows of the lower triangle, two rows at a time. */
function symmetricProduct(a: Float64Array, n: number, size: number, v: Float64Array, p: Float64Array): void {
  p.fill(0, 0, size);
  for (let j = 0; j < size; j += 2) {
    const upper = j * n;
    if (j + 1 === size) {
      let sum = 0;
      for (let k = 0; k < j; k++) {
        sum += a[upper + k]! * v[k]!;
        p[k]! += a[upper + k]! * v[j]!;
      }
      p[j]! += sum + a[upper + j]! * v[j]!;
      return;
    }
    const lower = upper + n;
    const first = v[j]!;
    const second = v[j + 1]!;
    let sum = 0;
    let next = 0;
    for (let k = 0; k < j; k++) {
      const x = a[upper + k]!;
      const y = a[lower + k]!;
      const vk = v[k]!;
      sum += x * vk;
      next += y * vk;
      p[k]! += x * first + y * second;
    }
    const beside = a[lower + j]!;
    p[j]! += sum + a[upper + j]! * first + beside * second;
    p[j + 1]! += next + beside * first + a[lower + j + 1]! * second;
  }
}

/** Implicit QR on a tridiagonal matrix of size about 1, in place; `rows` take the rotations. */
function diagonalise(d: Float64Array, e: Float64Array, rows: Float64Array): void {
  const n = d.length;
  const isSmall = (i: number) =>
    Math.abs(e[i]!) <= Number.EPSILON * (Math.abs(d[i]!) + Math.abs(d[i + 1]!) + Number.EPSILON);
  let last = n - 1;
  for (let steps = 0; last > 0; ) {
    if (isSmall(last - 1)) {
      e[last - 1] = 0;
      last--;
      continue;
    }
    if (++steps > 50 * n) throw new Error(`the eigenvalues of a ${n} x ${n} matrix did not converge`);
    let first = last - 1;
    while (first > 0 && !isSmall(first - 1)) first--;
    qrStep(d, e, rows, first, last);
  }
}

/** One sweep over the unreduced block from first to last, with the shift of its last two rows. */
function qrStep(d: Float64Array, e: Float64Array, rows: Float64Array, first: number, last: number): void {
  const n = d.length;
  const gap = (d[last - 1]! - d[last]!) / 2;
  const corner = e[last - 1]!;
  const shift = d[last]! - corner * (corner / (gap + (gap < 0 ? -1 : 1) * Math.hypot(gap, corner)));
  let x = d[first]! - shift;
  let z = e[first]!;
  let lastC = 1;
  let lastS = 0;
  for (let k = first; k < last; k++) {
    const length = Math.sqrt(x * x + z * z);
    const c = length === 0 ? 1 : x / length;
    const s = length === 0 ? 0 : z / length;
    if (k > first) e[k - 1] = length;
    const above = d[k]!;
    const below = d[k + 1]!;
    const beside = e[k]!;
    const turn = 2 * c * beside + s * (below - above);
    d[k] = above + s * turn;
    d[k + 1] = below - s * turn;
    e[k] = c * turn - beside;
    x = e[k]!;
    if (k < last - 1) {
      z = s * e[k + 1]!;
      e[k + 1]! *= c;
    }
    // Two rotations in one pass over their three rows: the passes are bound by loads and stores.
    if ((k - first) % 2 === 1) rotateTwice(rows, (k - 1) * n, n, lastC, lastS, c, s);
    else if (k === last - 1) rotate(rows, k * n, n, c, s);
    lastC = c;
    lastS = s;
  }
}

/** Rotates the two rows from `at`. */
function rotate(rows: Float64Array, at: number, n: number, c: number, s: number): void {
  for (let i = at, end = at + n; i < end; i++) {
    const upper = rows[i]!;
    const lower = rows[i + n]!;
    rows[i] = c * upper + s * lower;
    rows[i + n] = c * lower - s * upper;
  }
}

/** Rotates rows 0 and 1 by (c0, s0), then 1 and 2 by (c1, s1), of the three rows from `at`. */
function rotateTwice(
  rows: Float64Array,
  at: number,
  n: number,
  c0: number,
  s0: number,
  c1: number,
  s1: number,
): void {
  for (let i = at, end = at + n; i < end; i++) {
    const upper = rows[i]!;
    const second = rows[i + n]!;
    const lower = rows[i + 2 * n]!;
    const middle = c0 * second - s0 * upper;
    rows[i] = c0 * upper + s0 * second;
    rows[i + n] = c1 * middle + s1 * lower;
    rows[i + 2 * n] = c1 * lower - s1 * middle;
  }
}

/** Reflections taken together. */
const BLOCK = 48;

/** Z H_1 H_2 ... H_(n-1), in place: a block of reflections is I - Vᵀ T V with upper triangular T. */
async function reflect(z: Float64Array, a: Float64Array, factors: Float64Array): Promise<void> {
  const n = factors.length;
  const rows: DoubleMatrix = { rows: n, columns: n, data: z };
  for (let first = 1; first < n; first += BLOCK) {
    const count = Math.min(BLOCK, n - first);
    const v = { rows: count, columns: n, data: new Float64Array(count * n) };
    for (let i = 0; i < count; i++) {
      const row = first + i;
      v.data.set(a.subarray(row * n, row * n + row), i * n);
    }
    const { data: products } = await gemm(v, v, { transposeB: true });
    const t = { rows: count, columns: count, data: new Float64Array(count * count) };
    for (let j = 0; j < count; j++) {
      const beta = factors[first + j]!;
      for (let i = 0; i < j; i++) {
        let sum = 0;
        for (let k = i; k < j; k++) sum += t.data[i * count + k]! * products[k * count + j]!;
        t.data[i * count + j] = -beta * sum;
      }
      t.data[j * count + j] = beta;
    }
    const { data: change } = await gemm(await gemm(await gemm(rows, v, { transposeB: true }), t), v);
    for (let i = 0; i < z.length; i++) z[i]! -= change[i]!;
  }
}
