import { describe, expect, test } from 'vitest';
import { CorpusEncoder } from './encoder.ts';
import { tokenizerFile } from './files.ts';
import { Lattices } from './lattice.ts';
import { trainUnigram } from './train.ts';
import { countUnits, unitsOf } from './units.ts';

test.each([
  ["▁ship's", ['▁ship', "'", 's']],
  ['▁"Aye,', ['▁"', 'Aye', ',']],
  ['▁$1,250', ['▁$', '1', ',', '2', '5', '0']],
  ['▁café', ['▁caf', 'é']],
  ['▁😀x', ['▁😀', 'x']],
])('%s falls into units', (word, units) => {
  expect(unitsOf(word)).toEqual(units);
});

describe('lattices of "aab" over a, b, aa, ab', () => {
  const pieces = ['a', 'b', 'aa', 'ab'];
  const probability = [0.4, 0.3, 0.2, 0.1];
  const lattices = new Lattices(new Map([['aab', 2]]), new Map(pieces.map((piece, i) => [piece, i])));
  const scores = Float64Array.from(probability, Math.log);
  /** a a b, aa b, a ab */
  const paths = [0.4 * 0.4 * 0.3, 0.2 * 0.3, 0.4 * 0.1] as const;

  test('expected counts are those of all segmentations written out', () => {
    const total = paths[0] + paths[1] + paths[2];
    const [aab, aaB, aAb] = paths.map((p) => (2 * p) / total) as [number, number, number];
    const expected = lattices.expectedCounts(scores);
    [2 * aab + aAb, aab + aaB, aaB, aAb].forEach((count, i) => {
      expect(expected[i]).toBeCloseTo(count, 12);
    });
  });

  test('the best segmentation, and the best without a piece', () => {
    expect(lattices.best(0, scores)).toEqual([1, 2]);
    expect(lattices.best(0, scores, 2)).toEqual([1, 0, 0]);
    expect(lattices.best(0, scores, 1)).toEqual([3, 0]);
    expect([...lattices.bestCounts(scores)]).toEqual([0, 2, 2, 0]);
  });
});

describe('training', () => {
  const text = 'the sailor saw the sailors and the ship, the ships saw no sailor';
  const units = countUnits([{ text, weight: 3 }]);
  const alphabet = ['▁', ...'abcdefghijklmnopqrstuvwxyz,.'];
  const train = () => trainUnigram(units, { size: 45, alphabet });

  test('frequent words become pieces; the alphabet stays; probabilities sum to one', () => {
    const pieces = train();
    const texts = pieces.map((piece) => piece.text);
    expect(pieces).toHaveLength(45);
    expect(texts).toEqual(expect.arrayContaining(['▁the', '▁sailor', '▁ship', ...alphabet]));
    expect(pieces.reduce((sum, { score }) => sum + Math.exp(score), 0)).toBeCloseTo(1, 9);
  });

  test('is the same each time', () => {
    expect(train()).toEqual(train());
  });

  test('its encoder spells every text of the alphabet and marks the rest unknown', () => {
    const file = tokenizerFile(train());
    const encoder = new CorpusEncoder(file);
    const spell = (ids: number[]) => ids.map((id) => file.model.vocab[id]![0]).join('');
    expect(spell(encoder.encode('the zebra, quickly.'))).toBe('▁the▁zebra,▁quickly.');
    expect(spell(encoder.encode('a ÄÖ b'))).toBe('▁a▁[UNK]▁b');
    expect(encoder.encode('the sailor')).toHaveLength(2);
  });

  test('more pieces than the text has are refused', () => {
    expect(() => trainUnigram(units, { size: 5000, alphabet })).toThrow(/5000 are wanted/);
  });
});
