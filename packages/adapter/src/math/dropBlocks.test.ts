import { tf } from '@psoft/engine';
import { beforeAll, expect, test } from 'vitest';
import { largestDifference, random, tensorOf } from '../../test/toy.ts';
import { identityMatrix } from './cayley.ts';
import { keepBlocks } from './dropBlocks.ts';

beforeAll(() => tf.setBackend('cpu'));

const blocks = random(1, 'blocks', [2, 3, 4, 4]);

test('a block is kept whole or is the identity', () => {
  const drawn = [1, 0, 1, 0, 0, 1];
  const rate = 0.25;
  const kept = keepBlocks(tensorOf(blocks), identityMatrix(4), rate, (x, given) => {
    expect(given).toBe(rate);
    return tf.mul(
      x,
      tf.tensor4d(
        drawn.map((keep) => keep / (1 - rate)),
        [2, 3, 1, 1],
      ),
    );
  });
  const expected = Array.from(blocks.data, (value, i) =>
    drawn[Math.floor(i / 16)] ? value : Number((i % 16) % 5 === 0),
  );
  expect(largestDifference(kept.dataSync(), expected)).toBeLessThan(1e-6);
});

test('outside training nothing is computed', () => {
  const given = tensorOf(blocks);
  expect(keepBlocks(given, identityMatrix(4), 0.5, (x) => x)).toBe(given);
});
