import { describe, expect, test } from 'vitest';
import { gemm, type Matrix } from './gemm.ts';
import { RandomStream } from './random.ts';

function random(rows: number, columns: number, seed: number): Matrix<Float64Array> {
  const stream = RandomStream.from(seed, 'gemm test');
  return { rows, columns, data: Float64Array.from({ length: rows * columns }, () => stream.normal()) };
}

const transposed = ({ rows, columns, data }: Matrix<Float64Array>): Matrix<Float64Array> => ({
  rows: columns,
  columns: rows,
  data: data.map((_, i) => data[(i % rows) * columns + Math.floor(i / rows)]!),
});

/** The textbook triple loop. */
function multiply(a: Matrix<Float64Array>, b: Matrix<Float64Array>): Float64Array {
  const y = new Float64Array(a.rows * b.columns);
  for (let i = 0; i < a.rows; i++)
    for (let j = 0; j < b.columns; j++)
      for (let k = 0; k < a.columns; k++)
        y[i * b.columns + j]! += a.data[i * a.columns + k]! * b.data[k * b.columns + j]!;
  return y;
}

const single = (m: Matrix<Float64Array>): Matrix<Float32Array> => ({ ...m, data: Float32Array.from(m.data) });

describe('gemm', () => {
  const a = random(7, 5, 1);
  const b = random(5, 3, 2);
  const want = multiply(a, b);
  test.each([
    [false, false],
    [true, false],
    [false, true],
    [true, true],
  ])('multiplies, transposed %s %s, in both precisions', async (transposeA, transposeB) => {
    const [x, y] = [transposeA ? transposed(a) : a, transposeB ? transposed(b) : b];
    const double = await gemm(x, y, { transposeA, transposeB });
    expect([double.rows, double.columns]).toEqual([7, 3]);
    double.data.forEach((value, i) => {
      expect(value).toBeCloseTo(want[i]!, 13);
    });
    const float = await gemm(single(x), single(y), { transposeA, transposeB });
    expect(float.data).toBeInstanceOf(Float32Array);
    float.data.forEach((value, i) => {
      expect(value).toBeCloseTo(want[i]!, 5);
    });
  });

  test('an empty inner dimension gives zeros', async () => {
    const y = await gemm(random(2, 0, 1), random(0, 3, 1));
    expect(y).toEqual({ rows: 2, columns: 3, data: new Float64Array(6) });
  });

  test('says which operands do not fit', async () => {
    await expect(gemm(a, a)).rejects.toThrow('cannot multiply Float64Array [7, 5] and Float64Array [7, 5]');
    await expect(gemm({ ...a, rows: 6 }, b)).rejects.toThrow('must hold 30 values, got 35');
  });
});
