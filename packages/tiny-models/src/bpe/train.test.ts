import { expect, test } from 'vitest';
import { byteText, splitText } from './split.ts';
import { countPieces, joined, trainBpe } from './train.ts';

test('the most frequent pair first, then pairs with it', () => {
  const merges = trainBpe(
    new Map([
      ['low', 5],
      ['lower', 2],
      ['new', 6],
      ['wow', 1],
    ]),
    3,
  );
  // lo 7, ow 8, wo 1, we 2, er 2, ne 6, ew 6
  expect(merges[0]).toEqual(['o', 'w']);
  expect(merges[1]).toEqual(['l', 'ow']);
  // ne 6 and ew 6: the first in order.
  expect(merges[2]).toEqual(['e', 'w']);
});

test('counts stay right where a pair meets itself', () => {
  // "aaaa": aa twice without overlap; then "aa aa" once.
  expect(
    trainBpe(
      new Map([
        ['aaaa', 3],
        ['ab', 4],
      ]),
      3,
    ),
  ).toEqual([
    ['a', 'a'],
    ['a', 'b'],
    ['aa', 'aa'],
  ]);
  expect(joined(['a', 'a', 'a'], 'a', 'a')).toEqual(['aa', 'a']);
});

test('more merges than there are pairs are refused', () => {
  expect(() => trainBpe(new Map([['ab', 1]]), 2)).toThrow(/pairs for 1 merges, not 2/);
});

test('pieces are counted in the byte alphabet', () => {
  expect(countPieces(['a b', 'a\u00e9'])).toEqual(
    new Map([
      ['a', 1],
      ['\u0120b', 1],
      ['a\u00c3\u00a9', 1],
    ]),
  );
  expect(byteText('\n ')).toBe('\u010a\u0120');
});

test.each([
  ["It's 123 o'clock", ['It', "'s", ' ', '1', '2', '3', ' o', "'clock"]],
  ['We’re $5.50, OK?\n\n', ['We', '’re', ' $', '5', '.', '5', '0', ',', ' OK', '?\n\n']],
  ['a   b \n c  ', ['a', '  ', ' b', ' \n', ' c', '  ']],
])('%j falls into pieces', (text, pieces) => {
  expect(splitText(text)).toEqual(pieces);
});
