import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { anglesOf } from '../../test/figures.ts';
import { sampleRecord } from '../../test/records.ts';
import {
  angleBetween,
  angleMatrix,
  BINS,
  binOf,
  changeOf,
  checkAngles,
  edgeOf,
  placesOf,
  readAngles,
  sumOfChanges,
  type Vectors,
  writeAngles,
} from './index.ts';

const vectors = (...rows: readonly (readonly number[])[]): Vectors => ({
  data: Float64Array.from(rows.flat()),
  count: rows.length,
  length: rows[0]!.length,
});

/** Kahan's formula, which takes no cosine: 2 atan2(|u/|u| - v/|v||, |u/|u| + v/|v||). */
function byKahan(u: readonly number[], v: readonly number[]): number {
  const unit = (w: readonly number[]) => w.map((value) => value / Math.hypot(...w));
  const [a, b] = [unit(u), unit(v)];
  const difference = Math.hypot(...a.map((value, i) => value - b[i]!));
  const sum = Math.hypot(...a.map((value, i) => value + b[i]!));
  return (2 * Math.atan2(difference, sum) * 180) / Math.PI;
}

const ROWS = [
  [1, 2, -3],
  [0.5, -1, 4],
  [2, 0.1, 0.3],
  [-7, 1, 1],
];

describe('angles', () => {
  test('are those of another formula', () => {
    const matrix = angleMatrix(vectors(...ROWS), [0, 1, 2, 3]);
    for (const [i, u] of ROWS.entries())
      for (const [j, v] of ROWS.entries()) expect(matrix[i]![j]).toBeCloseTo(byKahan(u, v), 10);
  });

  test('are known of vectors that one can draw', () => {
    const known = vectors([1, 0], [1, 1], [0, 3], [-2, 0], [1, Math.sqrt(3)]);
    const from = (j: number) => angleBetween(known, 0, j);
    expect([from(1), from(2), from(3), from(4)].map((value) => Number(value.toFixed(10)))).toEqual([
      45, 90, 180, 60,
    ]);
    // Rounding may not push a cosine out of its range.
    expect(angleBetween(vectors([0.1, 0.2, 0.3], [0.1, 0.2, 0.3]), 0, 1)).toBe(0);
  });

  test('are kept by a rotation and by scaling each vector, whose norm alone moves', () => {
    const turn = ([x, y, z]: readonly number[], by: number) => [
      by * (Math.cos(1) * x! - Math.sin(1) * y!),
      by * (Math.sin(1) * x! + Math.cos(1) * y!),
      by * z!,
    ];
    const after = vectors(...ROWS.map((row) => turn(row, 1.5)));
    const { largest, pairs, largestNormChange, histogram } = changeOf(vectors(...ROWS), after, [0, 1, 2, 3]);
    expect(pairs).toBe(6);
    expect(largest).toBeLessThan(1e-9);
    expect(largestNormChange).toBeCloseTo(0.5, 12);
    expect(histogram[0]).toBe(6);
  });
});

describe('changes', () => {
  const before = vectors([1, 0], [0, 1], [0, 0], [1, 1]);
  const after = vectors([1, 0], [1, 1], [1, 0], [1, 1]);

  test('leave out vectors of zeros, which have no angles', () => {
    expect(placesOf([before, after], 10)).toEqual([0, 1, 3]);
    expect(placesOf([before, after], 2)).toEqual([0, 1]);
  });

  test('say how far angles and norms moved', () => {
    const change = changeOf(before, after, [0, 1, 3]);
    // 90 to 45, 45 to 45 and 45 to 0 degrees.
    expect(change.largest).toBeCloseTo(45, 10);
    expect(change.mean).toBeCloseTo(30, 10);
    expect(change.largestNormChange).toBeCloseTo(Math.SQRT2 - 1, 12);
    expect(change.histogram.reduce((a, b) => a + b)).toBe(3);
    const twice = sumOfChanges([change, { ...change, largest: 50, mean: 0, pairs: 1 }]);
    expect(twice).toMatchObject({ pairs: 4, largest: 50, mean: (3 * change.mean) / 4 });
    expect(twice.histogram[binOf(45)]).toBe(2 * change.histogram[binOf(45)]!);
  });

  test('fall into four bins a power of ten', () => {
    expect([0, 1e-9, 1.5e-7, 1, 1.8, 180].map(binOf)).toEqual([0, 0, 0, 28, 29, 37]);
    expect(BINS).toBe(38);
    for (const bin of [1, 20, 36]) expect(binOf(edgeOf(bin) * 1.001)).toBe(bin);
  });
});

test('measurements are stored as their record is called, and damaged ones are named', async () => {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'psoft-angles-'));
  try {
    const record = sampleRecord();
    const file = await writeAngles(folder, record, anglesOf(record, 2));
    expect(path.relative(folder, file)).toMatch(/^figures.data.tiny.nlu.cola.psoft-s1-[0-9a-f]{8}\.json$/);
    await writeFile(path.join(path.dirname(file), 'broken.json'), '{');
    const { angles, skipped } = await readAngles(folder);
    expect(angles.get(record.runInfo.configHash)).toEqual(anglesOf(record, 2));
    expect(skipped.map((one) => path.basename(one.file))).toEqual(['broken.json']);
    expect(await readAngles(path.join(folder, 'none'))).toEqual({ angles: new Map(), skipped: [] });
    const written = JSON.parse(await readFile(file, 'utf8'));
    expect(() => checkAngles({ ...written, schemaVersion: 2 })).toThrow(
      'schemaVersion: 2 is not known; this code reads 1',
    );
    expect(() => checkAngles({ ...anglesOf(record, 2), rank: 0 })).toThrow('rank: expected');
  } finally {
    await rm(folder, { recursive: true });
  }
});
