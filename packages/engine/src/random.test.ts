import { describe, expect, it } from 'vitest';
import fixture from '../test/fixtures/random.json' with { type: 'json' };
import { type RandomState, RandomStream } from './random.ts';

const draw = (stream: RandomStream, count: number) => Array.from({ length: count }, () => stream.uint32());

describe('xoshiro128**', () => {
  it('gives what the published recurrence gives from the state 1, 2, 3, 4', () => {
    const stream = RandomStream.restore({ words: [1, 2, 3, 4], spareNormal: null });
    expect(draw(stream, 10)).toEqual(fixture.known);
  });

  it("gives what its authors' C code gives from a random state", () => {
    const words = [0x964d4a0c, 0xd40ab895, 0xad7fdecb, 0x3006f0f0] as const;
    const stream = RandomStream.restore({ words, spareNormal: null });
    expect(draw(stream, 4)).toEqual([0xf1391922, 0x6fe53806, 0xa5be2840, 0xf510ee70]);
  });
});

describe('streams by name', () => {
  it.each(fixture.streams)('$path starts and goes on as Python computes it', ({ path, first, sum, end }) => {
    const stream = RandomStream.from(path[0] as number, ...(path.slice(1) as string[]));
    const outputs = draw(stream, 1000);
    expect(outputs.slice(0, 6)).toEqual(first);
    expect(outputs.reduce((a, b) => a + b, 0)).toBe(sum);
    expect(stream.state().words).toEqual(end);
  });

  it('keeps paths apart that join to the same text', () => {
    const starts = [['a', 'b'], ['ab'], ['b', 'a'], ['a'], [], ['a', ''], ['a","b']];
    const outputs = starts.map((names) => draw(RandomStream.from(1, ...names), 2).join());
    expect(new Set(outputs).size).toBe(starts.length);
  });

  it('takes -0 for 0', () => {
    expect(RandomStream.from(-0, 'x').state()).toEqual(RandomStream.from(0, 'x').state());
  });

  it.each([-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53])('refuses the seed %s', (seed) => {
    expect(() => RandomStream.from(seed)).toThrow(
      `random seed must be an integer from 0 to 2^53 - 1, got ${seed}`,
    );
  });
});

describe('distributions', () => {
  const count = 100_000;
  const values = (next: () => number) => Float64Array.from({ length: count }, next);
  const moment = (xs: Float64Array, power: number) => xs.reduce((sum, x) => sum + x ** power, 0) / xs.length;

  // Limits are five standard errors of each mean.
  it('uniform fills [0, 1) evenly', () => {
    const stream = RandomStream.from(11, 'uniform');
    const xs = values(() => stream.uniform());
    expect(xs.every((x) => x >= 0 && x < 1)).toBe(true);
    expect(Math.abs(moment(xs, 1) - 1 / 2)).toBeLessThan(5 * Math.sqrt(1 / 12 / count));
    expect(Math.abs(moment(xs, 2) - 1 / 3)).toBeLessThan(5 * Math.sqrt(4 / 45 / count));
  });

  it('normal has the first four moments of N(0, 1)', () => {
    const stream = RandomStream.from(12, 'normal');
    const xs = values(() => stream.normal());
    expect(Math.abs(moment(xs, 1))).toBeLessThan(5 * Math.sqrt(1 / count));
    expect(Math.abs(moment(xs, 2) - 1)).toBeLessThan(5 * Math.sqrt(2 / count));
    expect(Math.abs(moment(xs, 3))).toBeLessThan(5 * Math.sqrt(15 / count));
    expect(Math.abs(moment(xs, 4) - 3)).toBeLessThan(5 * Math.sqrt(96 / count));
  });

  it.each([1, 2, 3, 7, 64, 100])('integer(%i) gives each value equally often', (below) => {
    const stream = RandomStream.from(13, 'integer');
    const counts = new Array<number>(below).fill(0);
    for (let i = 0; i < count; i++) counts[stream.integer(below)]!++;
    const expected = count / below;
    const chiSquare = counts.reduce((sum, n) => sum + (n - expected) ** 2 / expected, 0);
    expect(chiSquare).toBeLessThan(below - 1 + 5 * Math.sqrt(2 * below) + 5);
  });

  it('integer is even where a plain remainder would be biased by half', () => {
    const stream = RandomStream.from(14);
    const below = 3 * 2 ** 30;
    let low = 0;
    for (let i = 0; i < 30_000; i++) if (stream.integer(below) < 2 ** 30) low++;
    expect(Math.abs(low / 30_000 - 1 / 3)).toBeLessThan(0.02);
    expect(stream.integer(2 ** 32)).toBeLessThan(2 ** 32);
  });

  it.each([0, -1, 1.5, 2 ** 32 + 1, Number.NaN])('integer refuses the bound %s', (below) => {
    expect(() => RandomStream.from(1).integer(below)).toThrow(`bound from 1 to 2^32, got ${below}`);
  });
});

describe('shuffle', () => {
  it('reaches each order of three equally often', () => {
    const stream = RandomStream.from(21);
    const counts = new Map<string, number>();
    for (let i = 0; i < 60_000; i++) {
      const order = stream.shuffle(['a', 'b', 'c']).join('');
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect(counts.size).toBe(6);
    for (const seen of counts.values()) expect(Math.abs(seen - 10_000)).toBeLessThan(500);
  });

  it('works in place on typed arrays and keeps the elements', () => {
    const array = Float32Array.from({ length: 1000 }, (_, i) => i / 2);
    const shuffled = RandomStream.from(22).shuffle(array);
    expect(shuffled).toBe(array);
    expect(array[0] === 0 && array[1] === 0.5 && array[2] === 1).toBe(false);
    expect([...array].sort((a, b) => a - b)).toEqual(Array.from({ length: 1000 }, (_, i) => i / 2));
  });

  it('permutation(n) is the shuffle of 0 to n - 1', () => {
    const plain = RandomStream.from(23).shuffle([0, 1, 2, 3, 4, 5, 6, 7]);
    expect([...RandomStream.from(23).permutation(8)]).toEqual(plain);
    expect(RandomStream.from(23).permutation(0)).toHaveLength(0);
  });
});

describe('state', () => {
  it.each([0, 1, 2, 7])('goes on after %i normals as if never stopped, through JSON', (before) => {
    const stream = RandomStream.from(31, 'dropout');
    for (let i = 0; i < before; i++) stream.normal();
    const copy = RandomStream.restore(JSON.parse(JSON.stringify(stream.state())) as RandomState);
    const next = (s: RandomStream) => [
      s.normal(),
      s.uint32(),
      s.normal(),
      s.normal(),
      s.integer(9),
      s.uniform(),
    ];
    expect(next(copy)).toEqual(next(stream));
    expect(copy.state()).toEqual(stream.state());
  });

  it.each([
    [{ words: [0, 0, 0, 0], spareNormal: null }, 'not all zero, got [0,0,0,0]'],
    [{ words: [1, 2, 3], spareNormal: null }, 'four unsigned 32-bit words, not all zero, got [1,2,3]'],
    [{ words: [1, 2, 3, 2 ** 32], spareNormal: null }, 'got [1,2,3,4294967296]'],
    [{ words: [1, 2, 3, -1], spareNormal: null }, 'got [1,2,3,-1]'],
    [{ words: [1, 2, 3, '4'], spareNormal: null }, 'got [1,2,3,"4"]'],
    [{ words: 'abcd', spareNormal: null }, 'got "abcd"'],
    [{ words: [1, 2, 3, 4], spareNormal: Number.NaN }, 'must be a finite number or null, got NaN'],
    [{ words: [1, 2, 3, 4] }, 'must be a finite number or null, got undefined'],
  ])('refuses %j', (state, message) => {
    expect(() => RandomStream.restore(state as unknown as RandomState)).toThrow(message);
  });
});
