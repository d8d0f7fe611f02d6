/** The pieces of the decompositions on matrices whose answers are known. */
import { gemm, RandomStream } from '@psoft/engine';
import { describe, expect, test } from 'vitest';
import { inverseCholesky } from './cholesky.ts';
import { type DoubleMatrix, normalMatrix, orthonormalise, scaleColumns } from './dense.ts';
import { gramMatrix } from './gramMatrix.ts';
import { conditioned } from './orthonormal.ts';
import { symmetricEigen } from './symmetricEigen.ts';

const normal = (rows: number, columns: number) =>
  normalMatrix(rows, columns, RandomStream.from(1, 'dense test', `${rows} ${columns}`));

function fromIdentity({ rows, data }: DoubleMatrix): number {
  return data.reduce(
    (worst, value, at) => Math.max(worst, Math.abs(value - Number(at % (rows + 1) === 0))),
    0,
  );
}

/** Q diag(values) Qᵀ for a random orthogonal Q. */
async function symmetric(values: readonly number[]): Promise<DoubleMatrix> {
  const q = await orthonormalise(normal(values.length, values.length));
  return gemm(scaleColumns(q, Float64Array.from(values)), q, { transposeB: true });
}

describe('eigenvalues of a symmetric matrix', () => {
  const spectra: [string, number[]][] = [
    ['one', [-3]],
    ['a pair', [2, -1]],
    ['distinct', Array.from({ length: 150 }, (_, i) => 100 - i)],
    ['repeated', Array.from({ length: 60 }, (_, i) => (i < 20 ? 3 : i < 50 ? 1 : 0))],
    ['over twelve decades', Array.from({ length: 49 }, (_, i) => 10 ** (-i / 4))],
    ['huge', [3e200, 2e200, 1e200]],
    ['tiny', [3e-200, 2e-200, 1e-200]],
  ];
  test.each(spectra)('%s', async (_, values) => {
    const matrix = await symmetric(values);
    const found = await symmetricEigen(matrix);
    const size = Math.max(...values.map(Math.abs));
    for (const [i, value] of values.entries())
      expect(Math.abs(found.values[i]! - value) / size).toBeLessThan(5e-13);
    expect(fromIdentity(await gemm(found.vectors, found.vectors, { transposeA: true }))).toBeLessThan(5e-13);
    const image = await gemm(matrix, found.vectors);
    for (const [at, value] of image.data.entries())
      expect(
        Math.abs(value - found.values[at % values.length]! * found.vectors.data[at]!) / size,
      ).toBeLessThan(5e-13);
  });

  test('zero, and a diagonal matrix', async () => {
    const zero = await symmetricEigen({ rows: 3, columns: 3, data: new Float64Array(9) });
    expect(zero.values).toEqual(new Float64Array(3));
    expect(fromIdentity(await gemm(zero.vectors, zero.vectors, { transposeA: true }))).toBeLessThan(1e-15);
    const diagonal = Float64Array.of(1, 0, 0, 0, 5, 0, 0, 0, 2);
    expect((await symmetricEigen({ rows: 3, columns: 3, data: diagonal })).values).toEqual(
      Float64Array.of(5, 2, 1),
    );
  });

  test('refuses values that are not finite', async () => {
    const data = Float64Array.of(1, Number.NaN, Number.NaN, 1);
    await expect(symmetricEigen({ rows: 2, columns: 2, data })).rejects.toThrow('finite');
  });
});

describe('the inverse Cholesky factor', () => {
  test.each([1, 7, 128, 129, 300])('of size %i is lower triangular and makes the identity', async (n) => {
    const x = normal(n + 20, n);
    const s = await gemm(x, x, { transposeA: true });
    const inverse = (await inverseCholesky(s))!;
    for (let i = 0; i < n; i++) for (let j = i + 1; j < n; j++) expect(inverse.data[i * n + j]).toBe(0);
    const product = await gemm(await gemm(inverse, s), inverse, { transposeB: true });
    expect(fromIdentity(product)).toBeLessThan(1e-11);
  });

  test.each([5, 250])('is undefined where row %i of 300 spoils positive definiteness', async (bad) => {
    const n = 300;
    const data = new Float64Array(n * n);
    for (let i = 0; i < n; i++) data[i * n + i] = i === bad ? -1 : 1;
    expect(await inverseCholesky({ rows: n, columns: n, data })).toBeUndefined();
    expect(await inverseCholesky({ rows: n, columns: n, data }, 1.5)).toBeDefined();
  });
});

test.each([
  [1030, 1100],
  [1100, 1030],
  [1030, 1030],
  [40, 70],
])('the Gram matrix of %i x %i by panels is the whole product', async (rows, columns) => {
  const w = normal(rows, columns);
  const whole = await gemm(w, w, rows <= columns ? { transposeB: true } : { transposeA: true });
  const panels = await gramMatrix(w);
  expect([panels.rows, panels.columns]).toEqual([whole.rows, whole.columns]);
  const worst = whole.data.reduce((sum, value, at) => Math.max(sum, Math.abs(value - panels.data[at]!)), 0);
  expect(worst).toBeLessThan(1e-10);
});

describe('vectors kept apart', () => {
  /** Columns that share a direction: each is it, plus a part of its own. */
  const leaning = (own: number) => {
    const { rows, columns, data } = normal(200, 12);
    const leant = data.map((value, at) => Math.cos(Math.floor(at / columns)) + own * value);
    return { rows, columns, data: Float32Array.from(leant) };
  };

  test.each([
    ['a little', 1, 0.02],
    ['nearly parallel', 1e-3, 0.2],
    ['parallel to single precision', 1e-6, 1e-6],
    ['parallel', 0, 1e-6],
  ])('%s', async (_, own, tolerance) => {
    for (const isLeft of [true, false]) {
      const columns = leaning(own);
      const turned = Float32Array.from(
        { length: 2400 },
        (_, at) => columns.data[(at % 200) * 12 + Math.floor(at / 200)]!,
      );
      const given = { isLeft, vectors: isLeft ? columns : { rows: 12, columns: 200, data: turned } };
      const { block, rank } = await conditioned(given);
      expect(rank).toBe(12);
      const double = { ...block.vectors, data: new Float64Array(block.vectors.data) };
      const products = await gemm(double, double, isLeft ? { transposeA: true } : { transposeB: true });
      expect(fromIdentity(products)).toBeLessThan(tolerance);
    }
  });
});
