import { RandomStream } from '@psoft/engine';
import { describe, expect, test } from 'vitest';
import { drawPair, generateAcceptability, PHENOMENON_NAMES } from './acceptability.ts';

describe('generated acceptability', () => {
  const { train, dev } = generateAcceptability(1);

  test('sizes, and labels balanced', () => {
    for (const [split, size] of [
      [train, 4000],
      [dev, 1000],
    ] as const) {
      expect(split.examples).toHaveLength(size);
      const good = split.examples.filter(({ label }) => label === 1).length;
      expect(Math.abs(good - size / 2)).toBeLessThanOrEqual(PHENOMENON_NAMES.length);
    }
  });

  test('no sentence stands twice, within or across splits', () => {
    const all = [...train.examples, ...dev.examples].map(({ text }) => text);
    expect(new Set(all).size).toBe(all.length);
  });

  test('the seed decides everything', () => {
    expect(generateAcceptability(1).dev).toEqual(dev);
    expect(generateAcceptability(2).dev.examples).not.toEqual(dev.examples);
  });

  test('more sentences than the grammar has are refused', () => {
    expect(() => generateAcceptability(1, { train: 4, dev: 1e6 })).toThrow(/too few sentences/);
  });

  test.each(PHENOMENON_NAMES)(
    '%s: a pair differs by words put in, left out, changed or swapped in one place',
    (name) => {
      for (let seed = 0; seed < 50; seed++) {
        const { good, bad } = drawPair(name, RandomStream.from(seed, name));
        expect(good).not.toBe(bad);
        const [a, b] = [words(good), words(bad)];
        const difference = a.findIndex((word, i) => word !== b[i]);
        // One sentence may be the beginning of the other.
        const start = difference < 0 ? a.length : difference;
        let [i, j] = [a.length, b.length];
        while (i > start && j > start && a[i - 1] === b[j - 1]) [i, j] = [i - 1, j - 1];
        // An object is at most "the strange islands".
        expect(Math.max(i, j) - start, `${good} / ${bad}`).toBeLessThanOrEqual(3);
      }
    },
  );
});

function words(sentence: string): string[] {
  return sentence.toLowerCase().replace('.', '').split(' ');
}
