/** Leading singular triples against NumPy (tools/reference/psoft.py) and against what they must satisfy. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Matrix } from '@psoft/engine';
import { describe, expect, test } from 'vitest';
import { type SingularTriples, topSingularTriples } from '../src/index.ts';
import { expectOrthonormal, type Kind, matrix, uniform } from './matrices.ts';
import { largestDifference } from './toy.ts';

interface Case {
  kind: Kind;
  rows: number;
  columns: number;
  rank: number;
  s: number[];
  projection: number;
}

const cases: Case[] = JSON.parse(
  await readFile(path.join(import.meta.dirname, 'fixtures', 'svd.json'), 'utf8'),
);

/** The length of a fixed vector's part in the span of the right vectors. */
function projection({ vt }: SingularTriples, columns: number): number {
  const probe = uniform(columns, 4);
  let squares = 0;
  for (let at = 0; at < vt.length; at += columns)
    squares += vt.subarray(at, at + columns).reduce((sum, value, j) => sum + value * probe[j]!, 0) ** 2;
  return Math.sqrt(squares);
}

describe.each(cases)(
  '$kind, $rows x $columns, rank $rank',
  ({ kind, rows, columns, rank, s, projection: part }) => {
    const w = matrix(kind, rows, columns);

    test('full finds the largest singular values and their space', async () => {
      const triples = await topSingularTriples(w, rank, { method: 'full' });
      expect(largestDifference(triples.s, s)).toBeLessThan(1e-7 * s[0]!);
      expect(triples.residual).toBeLessThan(2e-7);
      expect(projection(triples, columns) / part).toBeCloseTo(1, 6);
      expectOrthonormal(triples, w, rank);
    });

    test('lowrank comes nearer with more iterations, from the same start', async () => {
      const few = await topSingularTriples(w, rank, { method: 'lowrank', iterations: 1, seed: 3 });
      const more = await topSingularTriples(w, rank, { method: 'lowrank', iterations: 60, seed: 3 });
      expectOrthonormal(few, w, rank);
      expect(more.residual).toBeLessThanOrEqual(Math.max(few.residual, 2e-7));
      // No subspace holds more than the best, but for rounding of products in single precision.
      for (const [i, value] of few.s.entries()) expect(value).toBeLessThanOrEqual(s[i]! + 1e-7 * s[0]!);
      expect(await topSingularTriples(w, rank, { method: 'lowrank', iterations: 1, seed: 3 })).toEqual(few);
    });
  },
);

describe('signs', () => {
  test('the component of largest magnitude of each left vector is positive, whatever the sign of W', async () => {
    const w = matrix('flat', 192, 300);
    for (const one of [w, { ...w, data: w.data.map((value) => -value) }]) {
      const { u } = await topSingularTriples(one, 8, { method: 'full' });
      for (let column = 0; column < 8; column++) {
        const values = Array.from({ length: 192 }, (_, i) => u[i * 8 + column]!);
        expect(Math.max(...values)).toBe(Math.max(...values.map(Math.abs)));
      }
    }
  });

  test('the same input gives the same bits', async () => {
    const w = matrix('power law', 320, 256);
    expect(await topSingularTriples(w, 20, { method: 'full' })).toEqual(
      await topSingularTriples(w, 20, { method: 'full' }),
    );
  });
});

describe('awkward matrices', () => {
  const full = { method: 'full' } as const;
  const filled = (
    rows: number,
    columns: number,
    value: (i: number, j: number) => number,
  ): Matrix<Float32Array> => ({
    rows,
    columns,
    data: Float32Array.from({ length: rows * columns }, (_, at) =>
      value(Math.floor(at / columns), at % columns),
    ),
  });

  test.each([
    ['small', 6, 9],
    ['large', 200, 300],
    ['tall', 300, 200],
  ])('a zero matrix (%s) has zero values and orthonormal vectors', async (_, rows, columns) => {
    const w = filled(rows, columns, () => 0);
    const triples = await topSingularTriples(w, 5, full);
    expect(triples.s).toEqual(new Float64Array(5));
    expect(triples.residual).toBe(0);
    expectOrthonormal(triples, w, 5);
  });

  test.each([
    [200, 300],
    [300, 200],
  ])('rank deficiency (%i x %i) is filled up with orthonormal vectors', async (rows, columns) => {
    const w = filled(
      rows,
      columns,
      (i, j) => Math.sin(i) * Math.cos(j) + 1e-3 * Math.cos(2 * i) * Math.sin(3 * j),
    );
    const triples = await topSingularTriples(w, 6, full);
    expect(triples.s[2]! / triples.s[0]!).toBeLessThan(1e-6);
    expect(triples.residual).toBeLessThan(3e-7);
    expectOrthonormal(triples, w, 6);
  });

  test('equal singular values: any basis of theirs will do', async () => {
    const w = filled(200, 200, (i, j) => (i === j ? (i < 3 ? 5 : 2) : 0));
    const triples = await topSingularTriples(w, 10, full);
    expect(Array.from(triples.s)).toEqual(
      [5, 5, 5, 2, 2, 2, 2, 2, 2, 2].map((value) => expect.closeTo(value, 6)),
    );
    expect(triples.residual).toBeLessThan(2e-7);
    expectOrthonormal(triples, w, 10);
  });

  test.each([
    [7, 4],
    [4, 7],
    [170, 170],
  ])('every triple of a %i x %i matrix', async (rows, columns) => {
    const w = matrix('flat', rows, columns);
    const rank = Math.min(rows, columns);
    const triples = await topSingularTriples(w, rank, full);
    expect(triples.residual).toBeLessThan(2e-7);
    const squares = triples.s.reduce((sum, value) => sum + value * value, 0);
    expect(squares / w.data.reduce((sum, value) => sum + value * value, 0)).toBeCloseTo(1, 6);
  });

  test.each([1e-30, 1e30])('a scale of %f', async (scale) => {
    const w = matrix('flat', 20, 30);
    const { s } = await topSingularTriples(w, 3, full);
    const scaled = await topSingularTriples({ ...w, data: w.data.map((value) => value * scale) }, 3, full);
    expect(scaled.s[2]! / scale / s[2]!).toBeCloseTo(1, 6);
  });

  test('values that are not finite, and impossible ranks, are refused', async () => {
    const w = filled(3, 4, (i, j) => (i === 1 && j === 2 ? Number.NaN : 1));
    await expect(topSingularTriples(w, 1, full)).rejects.toThrow('the weight holds NaN at [1, 2]');
    for (const rank of [0, 4, 1.5])
      await expect(
        topSingularTriples(
          filled(3, 4, () => 1),
          rank,
          full,
        ),
      ).rejects.toThrow(`rank must be from 1 to min(rows, columns) = 3, got ${rank}`);
  });
});
