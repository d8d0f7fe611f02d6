import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import fixture from '../test/fixtures/random.json' with { type: 'json' };
import { numpyPermutation } from './numpyGenerator.ts';

describe('numpyPermutation', () => {
  it.each(fixture.permutations)('$count elements, seed $seed, as NumPy', ({ count, seed, first, sha256 }) => {
    const order = numpyPermutation(count, seed);
    expect([...order.subarray(0, 10)]).toEqual(first);
    // Little-endian, as on every machine that Node runs on.
    expect(createHash('sha256').update(order).digest('hex')).toBe(sha256);
  });

  it.each([-1, 2.5, 2 ** 31])('refuses the count %s', (count) => {
    expect(() => numpyPermutation(count, 1)).toThrow(`from 0 to 2^31 - 1, got ${count}`);
  });
  it.each([-1, 0.5, 2 ** 32, Number.NaN])('refuses the seed %s', (seed) => {
    expect(() => numpyPermutation(3, seed)).toThrow(`from 0 to 2^32 - 1, got ${seed}`);
  });
});
