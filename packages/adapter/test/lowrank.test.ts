/** The lowrank decomposition against the same iteration written out in double precision, and what it must satisfy. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { signsToward } from '../src/basisRecord.ts';
import { topSingularTriples } from '../src/index.ts';
import { isGramCheaper } from '../src/math/lowrank.ts';
import { expectOrthonormal, type Kind, matrix } from './matrices.ts';
import { outside, reference, withOutlier } from './subspaceReference.ts';

const KINDS: readonly Kind[] = ['flat', 'power law', 'gapped'];
const SHAPES = [
  [60, 90, 12],
  [90, 60, 12],
  [70, 70, 20],
  [24, 40, 24],
  [40, 24, 24],
] as const;

describe.each(SHAPES)('%i x %i at rank %i', (rows, columns, rank) => {
  test.each(KINDS.flatMap((kind) => [0, 1, 10].map((iterations) => ({ kind, iterations }))))(
    '$kind, $iterations iterations: values and space of the iteration in double',
    async ({ kind, iterations }) => {
      const w = matrix(kind, rows, columns);
      const triples = await topSingularTriples(w, rank, { method: 'lowrank', iterations, seed: 7 });
      const { space, s } = reference(w, rank, iterations, 7);
      for (const [i, value] of s.entries())
        expect(Math.abs(triples.s[i]! - value) / Math.max(value, 0.01 * s[0]!)).toBeLessThan(5e-6);
      // Rounding is relative to the largest value, here up to 1000 times the smallest kept.
      expect(outside(triples, w, space)).toBeLessThan(1e-4);
      expectOrthonormal(triples, w, rank);
    },
  );
});

const lowrank = (iterations: number, seed = 0) => ({ method: 'lowrank', iterations, seed }) as const;

describe('the way taken', () => {
  test('the Gram matrix is formed for many iterations or long vectors', () => {
    expect(isGramCheaper({ rows: 4096, columns: 4096 }, 424, 10)).toBe(true);
    expect(isGramCheaper({ rows: 14336, columns: 4096 }, 424, 10)).toBe(true);
    expect(isGramCheaper({ rows: 4096, columns: 4096 }, 46, 4)).toBe(false);
    expect(isGramCheaper({ rows: 4096, columns: 4096 }, 424, 1)).toBe(false);
  });

  test.each([
    ['with the Gram matrix', 0, 7],
    ['with W and Wᵀ in turn, where squares lose too many digits', 100, 12],
    ['in double, where single precision does', 1e5, 7],
  ] as const)('%s: still the values and space of the iteration in double', async (_, outlier, products) => {
    const w = withOutlier('flat', 40, 90, outlier);
    const triples = await topSingularTriples(w, 8, lowrank(5));
    const { space, s } = reference(w, 8, 5, 0);
    expect(triples.products).toBe(products);
    for (const [i, value] of s.entries()) expect(Math.abs(triples.s[i]! / value - 1)).toBeLessThan(1e-5);
    expect(outside(triples, w, space)).toBeLessThan(2e-4);
    expectOrthonormal(triples, w, 8);
  });
});

describe('awkward matrices', () => {
  test.each([
    ['wide', 60, 90],
    ['tall', 90, 60],
  ] as const)('a zero matrix (%s) has zero values and orthonormal vectors', async (_, rows, columns) => {
    const w = { rows, columns, data: new Float32Array(rows * columns) };
    const triples = await topSingularTriples(w, 5, lowrank(2));
    expect(triples.s).toEqual(new Float64Array(5));
    expect(triples.residual).toBe(0);
    expectOrthonormal(triples, w, 5);
  });

  test.each([
    ['wide', 150, 210],
    ['tall', 210, 150],
  ] as const)('rank deficiency (%s) is filled up with orthonormal vectors', async (_, rows, columns) => {
    const data = Float32Array.from({ length: rows * columns }, (_, at) => {
      const [i, j] = [Math.floor(at / columns), at % columns];
      return Math.sin(i) * Math.cos(j) + 1e-3 * Math.cos(2 * i) * Math.sin(3 * j);
    });
    const w = { rows, columns, data };
    const triples = await topSingularTriples(w, 6, lowrank(3));
    expect(triples.s[1]! / triples.s[0]!).toBeGreaterThan(1e-4);
    expect(triples.s[2]! / triples.s[0]!).toBeLessThan(1e-6);
    expect(triples.residual).toBeLessThan(3e-7);
    expectOrthonormal(triples, w, 6);
  });

  test.each([1e-36, 1e-3, 1e5, 1e33])('a scale of %f changes nothing else', async (scale) => {
    const w = matrix('power law', 64, 48);
    const own = await topSingularTriples(w, 8, lowrank(4));
    const other = await topSingularTriples(
      { ...w, data: w.data.map((value) => value * scale) },
      8,
      lowrank(4),
    );
    for (const [i, value] of own.s.entries()) expect(other.s[i]! / scale / value).toBeCloseTo(1, 6);
    for (const [i, value] of own.vt.entries()) expect(Math.abs(other.vt[i]! - value)).toBeLessThan(1e-5);
  });

  test('values that are not finite are refused', async () => {
    const w = matrix('flat', 20, 30);
    w.data[31] = Number.NaN;
    await expect(topSingularTriples(w, 3, lowrank(2))).rejects.toThrow('the weight holds NaN at [1, 1]');
  });
});

test('the residual is what the triples leave of W v = s u and Wᵀu = s v', async () => {
  for (const [rows, columns] of [
    [60, 90],
    [90, 60],
  ] as const) {
    const w = matrix('flat', rows, columns);
    const { u, s, vt, residual } = await topSingularTriples(w, 10, lowrank(1));
    let worst = 0;
    for (let k = 0; k < 10; k++) {
      let [left, right] = [0, 0];
      for (let i = 0; i < rows; i++) {
        let sum = -s[k]! * u[i * 10 + k]!;
        for (let j = 0; j < columns; j++) sum += w.data[i * columns + j]! * vt[k * columns + j]!;
        left += sum * sum;
      }
      for (let j = 0; j < columns; j++) {
        let sum = -s[k]! * vt[k * columns + j]!;
        for (let i = 0; i < rows; i++) sum += w.data[i * columns + j]! * u[i * 10 + k]!;
        right += sum * sum;
      }
      worst = Math.max(worst, Math.sqrt(left), Math.sqrt(right));
    }
    expect(residual).toBeGreaterThan(0.01);
    expect(Math.abs(residual / (worst / s[0]!) - 1)).toBeLessThan(1e-4);
  }
});

test('the same input and seed give the same bits, another seed another start', async () => {
  const w = matrix('flat', 1100, 1060);
  const one = await topSingularTriples(w, 60, lowrank(6, 4));
  expectOrthonormal(one, w, 60);
  expect(await topSingularTriples(matrix('flat', 1100, 1060), 60, lowrank(6, 4))).toEqual(one);
  const other = await topSingularTriples(w, 60, lowrank(6, 5));
  expect(Math.abs(other.s[59]! / one.s[59]! - 1)).toBeGreaterThan(1e-6);
});

describe('a basis that the double-precision version recorded', async () => {
  const recorded: {
    kind: Kind;
    rows: number;
    columns: number;
    rank: number;
    iterations: number;
    seed: number;
    probes: string;
  }[] = JSON.parse(await readFile(path.join(import.meta.dirname, 'fixtures', 'lowrankBasis.json'), 'utf8'));

  test.each(recorded)('is found again: $kind, $rows x $columns', async (one) => {
    const { kind, rows, columns, rank, iterations, seed, probes } = one;
    const { u, vt } = await topSingularTriples(matrix(kind, rows, columns), rank, lowrank(iterations, seed));
    const a = { kind: 'data', data: vt, shape: [rank, columns] } as const;
    const b = { kind: 'data', data: u, shape: [rows, rank] } as const;
    expect(signsToward('layer', a, b, { probes }, 'adapter')).toEqual(new Int8Array(rank).fill(1));
  });
});
