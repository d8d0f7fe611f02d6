import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import fixture from '../test/fixtures/random.json' with { type: 'json' };
import { NumpyLegacyRandom, numpyLegacyShuffle } from './numpyRandom.ts';

describe('NumpyLegacyRandom', () => {
  it('gives the 10,000th output that the C++ standard states for mt19937 seeded with 5489', () => {
    const generator = new NumpyLegacyRandom(5489);
    for (let i = 1; i < 10_000; i++) generator.uint32();
    expect(generator.uint32()).toBe(4123659995);
  });

  it.each(Object.entries(fixture.uniform))('seed %s gives the random_sample() of NumPy', (seed, expected) => {
    const generator = new NumpyLegacyRandom(Number(seed));
    expect(expected.map(() => generator.uniform())).toEqual(expected);
  });

  it.each([-1, 0.5, 2 ** 32, Number.NaN])('refuses the seed %s', (seed) => {
    expect(() => new NumpyLegacyRandom(seed)).toThrow(`from 0 to 2^32 - 1, got ${seed}`);
  });
});

describe('numpyLegacyShuffle', () => {
  it('gives the well-known order of ten at seed 42', () => {
    expect([...numpyLegacyShuffle(10, 42)]).toEqual([8, 1, 5, 0, 7, 2, 9, 4, 3, 6]);
  });

  it.each(fixture.shuffles)('$count elements, seed $seed, as NumPy', ({ count, seed, first, sha256 }) => {
    const order = numpyLegacyShuffle(count, seed);
    expect([...order.subarray(0, 10)]).toEqual(first);
    const bytes = Buffer.alloc(4 * count);
    order.forEach((value, i) => {
      bytes.writeInt32LE(value, 4 * i);
    });
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(sha256);
  });

  it.each([-1, 2.5, 2 ** 31])('refuses the count %s', (count) => {
    expect(() => numpyLegacyShuffle(count, 1)).toThrow(`from 0 to 2^31 - 1, got ${count}`);
  });
});
