/** Inverse Cholesky factors, the large products in them at native speed. */
import { gemm } from '@psoft/engine';
import type { DoubleMatrix } from './dense.ts';

/** Up to this size plain loops are faster than handing pieces to {@link gemm}. */
const PLAIN_SIZE = 128;

/**
 * L⁻¹ for the lower triangular L with L Lᵀ = S + shift I. With S = XᵀX, the columns of X L⁻ᵀ are orthonormal.
 * By halves: of L = [L1 0; B L2], B = S21 L1⁻ᵀ, the inverse is [L1⁻¹ 0; -L2⁻¹ B L1⁻¹ L2⁻¹].
 * @param s [n, n] symmetric; only its lower triangle is read
 * @returns [n, n] lower triangular; undefined when S + shift I is not positive definite
 */
export async function inverseCholesky(s: DoubleMatrix, shift = 0): Promise<DoubleMatrix | undefined> {
  const n = s.rows;
  if (n <= PLAIN_SIZE) return plain(s, shift);
  const half = Math.ceil(n / 2);
  const first = await inverseCholesky(part(s, 0, 0, half, half), shift);
  if (first === undefined) return undefined;
  const below = await gemm(part(s, half, 0, n - half, half), first, { transposeB: true });
  const rest = part(s, half, half, n - half, n - half);
  const square = await gemm(below, below, { transposeB: true });
  for (let i = 0; i < rest.data.length; i++) rest.data[i]! -= square.data[i]!;
  const second = await inverseCholesky(rest, shift);
  if (second === undefined) return undefined;
  const corner = await gemm(second, await gemm(below, first));
  const data = new Float64Array(n * n);
  for (let i = 0; i < half; i++) data.set(first.data.subarray(i * half, (i + 1) * half), i * n);
  for (let i = 0; i < n - half; i++) {
    const row = data.subarray((half + i) * n, (half + i + 1) * n);
    for (let j = 0; j < half; j++) row[j] = -corner.data[i * half + j]!;
    row.set(second.data.subarray(i * (n - half), (i + 1) * (n - half)), half);
  }
  return { rows: n, columns: n, data };
}

function plain({ rows: n, data }: DoubleMatrix, shift: number): DoubleMatrix | undefined {
  const lower = new Float64Array(n * n);
  for (let i = 0; i < n; i++)
    for (let j = 0; j <= i; j++) {
      const rest = data[i * n + j]! + (i === j ? shift : 0) - dot(lower, i * n, j * n, j);
      if (i === j && !(rest > 0)) return undefined;
      lower[i * n + j] = i === j ? Math.sqrt(rest) : rest / lower[j * n + j]!;
    }
  // Row i of L⁻¹ from the rows above, two at a time, so that inner loops run along memory.
  const inverse = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    const row = i * n;
    const pivot = lower[row + i]!;
    for (let k = 0; k < i; k += 2) {
      const isPair = k + 1 < i;
      const first = lower[row + k]! / pivot;
      const second = isPair ? lower[row + k + 1]! / pivot : 0;
      const above = k * n;
      const next = isPair ? above + n : above;
      const end = isPair ? k + 1 : k;
      for (let j = 0; j <= end; j++)
        inverse[row + j]! -= first * inverse[above + j]! + second * inverse[next + j]!;
    }
    inverse[row + i] = 1 / pivot;
  }
  return { rows: n, columns: n, data: inverse };
}

/** The product of two runs of a matrix, in four sums: one would wait for itself at every step. */
function dot(x: Float64Array, a: number, b: number, length: number): number {
  let [s0, s1, s2, s3] = [0, 0, 0, 0];
  let k = 0;
  for (; k + 3 < length; k += 4) {
    s0 += x[a + k]! * x[b + k]!;
    s1 += x[a + k + 1]! * x[b + k + 1]!;
    s2 += x[a + k + 2]! * x[b + k + 2]!;
    s3 += x[a + k + 3]! * x[b + k + 3]!;
  }
  for (; k < length; k++) s0 += x[a + k]! * x[b + k]!;
  return s0 + s1 + (s2 + s3);
}

function part(
  { columns: width, data }: DoubleMatrix,
  firstRow: number,
  firstColumn: number,
  rows: number,
  columns: number,
): DoubleMatrix {
  const copy = new Float64Array(rows * columns);
  for (let i = 0; i < rows; i++) {
    const from = (firstRow + i) * width + firstColumn;
    copy.set(data.subarray(from, from + columns), i * columns);
  }
  return { rows, columns, data: copy };
}
