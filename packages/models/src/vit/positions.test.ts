import { tf, useBackend } from '@psoft/engine';
import { beforeAll, describe, expect, it } from 'vitest';
import { bicubicWeights, interpolate } from './positions.ts';

beforeAll(() => useBackend('eager-cpu'));

const rowsOf = (weights: Float32Array, from: number) =>
  Array.from({ length: weights.length / from }, (_, i) => [...weights.subarray(i * from, (i + 1) * from)]);

describe('bicubicWeights', () => {
  it('changes nothing at the same size', () => {
    expect([...bicubicWeights(3, 3)]).toEqual([1, 0, 0, 0, 1, 0, 0, 0, 1]);
  });

  it.each([
    [37, 16],
    [4, 7],
    [1, 3],
  ])('keeps a constant, %i to %i', (from, to) => {
    for (const row of rowsOf(bicubicWeights(from, to), from))
      expect(row.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 6);
  });

  it('is the kernel at half distances where the size is halved', () => {
    // Keys' kernel with a = -3/4 at 3/2, 1/2, 1/2, 3/2: -3/32, 19/32, 19/32, -3/32.
    expect(rowsOf(bicubicWeights(8, 4), 8)[1]).toEqual([0, -3 / 32, 19 / 32, 19 / 32, -3 / 32, 0, 0, 0]);
  });
});

describe('interpolate', () => {
  it('resamples rows and columns each by their own weights', () => {
    tf.tidy(() => {
      const [from, to] = [
        { rows: 3, columns: 4 },
        { rows: 5, columns: 2 },
      ];
      const table = Array.from({ length: 12 }, (_, i) => [Math.sin(i), Math.cos(3 * i)]);
      const actual = interpolate(tf.tensor3d([table]), from, to);
      expect(actual.shape).toEqual([1, 10, 2]);
      const [vertical, horizontal] = [
        rowsOf(bicubicWeights(from.rows, to.rows), from.rows),
        rowsOf(bicubicWeights(from.columns, to.columns), from.columns),
      ];
      const expected = vertical.flatMap((down) =>
        horizontal.flatMap((across) =>
          [0, 1].map((channel) =>
            table.reduce(
              (sum, cell, i) =>
                sum + down[Math.floor(i / from.columns)]! * across[i % from.columns]! * cell[channel]!,
              0,
            ),
          ),
        ),
      );
      const values = actual.dataSync();
      expected.forEach((value, i) => {
        expect(values[i]).toBeCloseTo(value, 5);
      });
    });
  });
});
