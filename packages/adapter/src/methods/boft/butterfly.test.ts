/** Butterfly products against dense permutation matrices, written down independently in double precision. */
import { tf } from '@psoft/engine';
import { beforeAll, describe, expect, test } from 'vitest';
import { largestDifference, random, tensorOf } from '../../../test/toy.ts';
import { rotateButterfly } from './butterfly.ts';

beforeAll(() => tf.setBackend('cpu'));

/** Which place input i has in the blocks of factor k: halves of 2^(k+1) half-blocks interleave. */
function placeOf(i: number, k: number, half: number): number {
  const [block, within] = [Math.floor(i / half), i % half];
  const [span, at] = [Math.floor(block / 2 ** (k + 1)), block % 2 ** (k + 1)];
  const place = at < 2 ** k ? 2 * at : 2 * (at - 2 ** k) + 1;
  return (span * 2 ** (k + 1) + place) * half + within;
}

/** x F for the dense F = P D Pᵀ of factor k. */
function throughDense(x: number[][], blocks: ArrayLike<number>, size: number, k: number): number[][] {
  const n = x[0]!.length;
  const entry = (i: number, j: number): number => {
    const [row, column] = [placeOf(i, k, size / 2), placeOf(j, k, size / 2)];
    const block = Math.floor(row / size);
    if (block !== Math.floor(column / size)) return 0;
    return blocks[(block * size + (row % size)) * size + (column % size)]!;
  };
  return x.map((row) =>
    Array.from({ length: n }, (_, j) => row.reduce((sum, value, i) => sum + value * entry(i, j), 0)),
  );
}

const rowsOf = (data: ArrayLike<number>, n: number): number[][] =>
  Array.from({ length: data.length / n }, (_, i) => Array.from(data).slice(i * n, (i + 1) * n));

describe.each([
  { n: 12, size: 3, factors: 1 },
  { n: 5, size: 5, factors: 1 },
  { n: 8, size: 2, factors: 2 },
  { n: 12, size: 2, factors: 2 },
  { n: 24, size: 4, factors: 2 },
  { n: 24, size: 2, factors: 3 },
  { n: 48, size: 6, factors: 4 },
  { n: 96, size: 2, factors: 5 },
])('$factors factors of $size on $n inputs', ({ n, size, factors }) => {
  const blocks = Array.from({ length: factors }, (_, k) =>
    random(2, `blocks ${k}`, [n / size, size, size], 1 / Math.sqrt(size)),
  );
  const x = random(3, 'x', [2, 3, n]);
  const pull = random(4, 'pull', [2, 3, n]);
  const dense = (given: ArrayLike<number>, order: number[]): number[] =>
    order.reduce((rows, k) => throughDense(rows, blocks[k]!.data, size, k), rowsOf(given, n)).flat();
  const upwards = blocks.map((_, k) => k);

  test.each([
    ['the last first', false, [...upwards].reverse()],
    ['the first first', true, upwards],
  ])('%s', (_, reversed, order) => {
    const y = rotateButterfly(tensorOf(x), blocks.map(tensorOf), reversed);
    expect(y.shape).toEqual([2, 3, n]);
    expect(largestDifference(y.dataSync(), dense(x.data, order))).toBeLessThan(1e-5);
  });

  test('gradients', () => {
    // The loss is linear in x and in each factor: its gradient in a direction is the loss there, exactly.
    const at = (given: ArrayLike<number>): number =>
      dense(given, [...upwards].reverse()).reduce((sum, value, i) => sum + value * pull.data[i]!, 0);
    const loss = (...[given, ...rest]: ReturnType<typeof tensorOf>[]) =>
      tf.sum(tf.mul(rotateButterfly(given!, rest), tensorOf(pull)));
    const gradients = tf.grads(loss as never)([tensorOf(x), ...blocks.map(tensorOf)]);
    const along = (gradient: { dataSync(): ArrayLike<number> }, direction: ArrayLike<number>): number =>
      Array.from(gradient.dataSync()).reduce((sum, value, i) => sum + value * direction[i]!, 0);
    const direction = random(5, 'direction', x.shape).data;
    expect(Math.abs(along(gradients[0]!, direction) - at(direction))).toBeLessThan(1e-4);
    blocks.forEach(({ data, shape }, k) => {
      const kept = data.slice();
      data.set(random(6, `direction ${k}`, shape).data);
      const expected = at(x.data);
      const slope = along(gradients[k + 1]!, data);
      data.set(kept);
      expect(Math.abs(slope - expected)).toBeLessThan(1e-4 * Math.max(1, Math.abs(expected)));
    });
  });
});

test('two factors reach twice the block', () => {
  const identity = (size: number): Float32Array =>
    Float32Array.from({ length: size * size }, (_, i) => Number(i % (size + 1) === 0));
  const [n, size] = [16, 4];
  const mixing = [0, 1, 2].map((k) => random(7, `mixing ${k}`, [n / size, size, size]));
  const reached = (count: number): number => {
    const rows = rotateButterfly(tf.tensor2d(identity(n), [n, n]), mixing.slice(0, count).map(tensorOf));
    return Array.from(rows.dataSync().slice(0, n)).filter((value) => value !== 0).length;
  };
  expect([1, 2, 3].map(reached)).toEqual([4, 8, 16]);
});
