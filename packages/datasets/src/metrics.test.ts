import { describe, expect, test } from 'vitest';
import fixture from '../test/fixtures/metrics.json' with { type: 'json' };
import { accuracy, f1, matthewsCorrelation, pearson, spearman } from './metrics.ts';

describe('against scikit-learn and SciPy', () => {
  test.each(fixture.classification.map((row, i) => [i, row] as const))('classification %i', (_, row) => {
    expect(accuracy(row.predicted, row.actual)).toBeCloseTo(row.accuracy, 9);
    expect(matthewsCorrelation(row.predicted, row.actual)).toBeCloseTo(row.matthewsCorrelation, 9);
    expect(f1(row.predicted, row.actual)).toBeCloseTo(row.f1, 9);
  });
  test.each(fixture.regression.map((row, i) => [i, row] as const))('regression %i', (_, row) => {
    expect(pearson(row.predicted, row.actual)).toBeCloseTo(row.pearson, 9);
    expect(spearman(row.predicted, row.actual)).toBeCloseTo(row.spearman, 9);
  });
});

test('always the same answer has Matthews correlation 0', () => {
  expect(matthewsCorrelation([1, 1, 1], [1, 0, 1])).toBe(0);
});
test('a third class is refused', () => {
  expect(() => matthewsCorrelation([2], [1])).toThrow(/got 2/);
});
test('lengths must agree', () => {
  expect(() => accuracy([1], [1, 0])).toThrow(/got 1 and 2/);
});
