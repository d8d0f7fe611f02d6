import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { readTexts, type TextFormat, writePredictions } from './texts.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'psoft-texts-'));
afterAll(() => rmSync(folder, { recursive: true }));
let files = 0;
function read(format: TextFormat, content: string, names: readonly (readonly string[])[]) {
  const file = path.join(folder, `${files++}.${format}`);
  writeFileSync(file, content);
  return readTexts(file, format, names);
}
const PAIR = [['sentence1', 'sentence2']];
const EXPECTED = [
  { text: 'One, "two"', textPair: 'Three.', label: -1 },
  { text: 'Ünïcode', textPair: '', label: -1 },
];

describe('texts', () => {
  test('from CSV, by names, other columns left out', async () => {
    const text = '\ufeffid,sentence2,sentence1\r\n1,Three.,"One, ""two"""\r\n\r\n2,,Ünïcode\r\n';
    expect(await read('csv', text, PAIR)).toEqual(EXPECTED);
  });
  test('from TSV, in which quotes are ordinary', async () => {
    expect(await read('tsv', 'sentence1\tsentence2\nOne, "two"\tThree.\nÜnïcode\t\n', PAIR)).toEqual(
      EXPECTED,
    );
  });
  test('from JSON lines', async () => {
    const lines = EXPECTED.map(({ text, textPair }) =>
      JSON.stringify({ sentence1: text, sentence2: textPair }),
    );
    expect(await read('jsonl', `${lines.join('\n')}\n\n`, PAIR)).toEqual(EXPECTED);
  });
  test('the first naming that fits is taken', async () => {
    const names = [['#1 String', '#2 String'], ...PAIR];
    expect(await read('csv', 'sentence1,sentence2\na,b\n', names)).toEqual([
      { text: 'a', textPair: 'b', label: -1 },
    ]);
  });

  test.each<[string, TextFormat, string, RegExp]>([
    ['nothing', 'csv', '', /holds no rows/],
    ['a header alone', 'tsv', 'sentence1\tsentence2\n', /holds no rows/],
    [
      'another column',
      'csv',
      'a,b\n1,2\n',
      /has the columns a, b; the task reads sentence1, sentence2: .*--columns/,
    ],
    ['a row too long', 'csv', 'sentence1,sentence2\na,b,c\n', /row 1: too many fields/],
    ['a row too short', 'tsv', 'sentence1\tsentence2\na\n', /line 2: 1 columns, the first line has 2/],
    ['an open quote', 'csv', 'sentence1,sentence2\n"a,b\n', /quoted field unterminated/],
    ['no JSON', 'jsonl', '{"sentence1": "a", "sentence2": "b"}\nnonsense\n', /line 2: not JSON/],
    ['JSON that is no object', 'jsonl', '["a"]\n', /line 1: expected a JSON object/],
    [
      'a number for a text',
      'jsonl',
      '{"sentence1": "a", "sentence2": 3}\n',
      /line 1: "sentence2" is 3, expected text/,
    ],
    [
      'a text left out',
      'jsonl',
      '{"sentence1": "a", "sentence2": "b"}\n{"sentence1": "a"}\n',
      /line 2: "sentence2" is undefined, expected text/,
    ],
  ])('%s is one clear line', async (_, format, content, message) => {
    await expect(read(format, content, PAIR)).rejects.toThrow(message);
  });
});

describe('predictions', () => {
  const logits = [Float32Array.of(0, Math.log(3)), Float32Array.of(1000, -1000)];
  test('of classes, with their probabilities', () => {
    const text = writePredictions(logits, 'csv', ['no', 'yes, sir']);
    const [header, first, second] = text.split('\n');
    expect(header).toBe('index,prediction,probability_no,"probability_yes, sir"');
    const [, no, yes] = /^0,"yes, sir",([\d.]+),([\d.]+)$/.exec(first!)!;
    expect([Number(no), Number(yes)]).toEqual([expect.closeTo(0.25, 6), expect.closeTo(0.75, 6)]);
    expect(second).toBe('1,no,1,0');
  });
  test('of scores, as JSON lines', () => {
    expect(writePredictions([[2.5], [-1]], 'jsonl', undefined)).toBe(
      '{"index":0,"prediction":2.5}\n{"index":1,"prediction":-1}\n',
    );
  });
});
