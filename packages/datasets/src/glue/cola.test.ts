import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { fingerprintExamples } from '../text.ts';
import { readCola } from './cola.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'psoft-cola-'));
afterAll(() => rmSync(folder, { recursive: true }));
let cases = 0;

function dirWith(content: string | Uint8Array, inside = ''): string {
  const dir = path.join(folder, String(cases++));
  mkdirSync(path.join(dir, inside), { recursive: true });
  writeFileSync(path.join(dir, inside, 'dev.tsv'), content);
  return dir;
}

const GOOD = 'gj04\t1\t\tThe sailors rode the breeze.\ngj04\t0\t*\tHe said "no" and "\tnot'.replace(
  '\tnot',
  'not',
);

describe('CoLA', () => {
  test('reads labels and sentences, quotes as they stand', async () => {
    const { examples } = await readCola(dirWith(GOOD), 'dev');
    expect(examples).toEqual([
      { text: 'The sailors rode the breeze.', label: 1 },
      { text: 'He said "no" and "not', label: 0 },
    ]);
  });
  test('takes the folder above CoLA, Windows line ends and a last line end', async () => {
    const dir = dirWith(`${GOOD.replaceAll('\n', '\r\n')}\r\n`, 'CoLA');
    expect((await readCola(dir, 'dev')).examples).toHaveLength(2);
  });

  test.each([
    ['an empty file', '', /dev\.tsv is empty/],
    ['a missing column', 'a\t1\tSentence.\n', /line 1: 3 columns/],
    ['an extra tab', `${GOOD}\nx\t1\t\tA\tB\n`, /line 3: 5 columns/],
    ['a label out of range', 'a\t2\t\tSentence.\n', /label must be 0 or 1, got "2"/],
    ['a header', 'source\tlabel\tmark\tsentence\n', /got "label"/],
    ['an empty sentence', 'a\t1\t\t \n', /sentence is empty/],
    [
      'bytes that are no UTF-8',
      Buffer.concat([Buffer.from(`${GOOD}\nx\t1\t\t`), Uint8Array.of(0xff)]),
      /line 3: not valid UTF-8/,
    ],
    ['an empty line', `${GOOD}\n\n${GOOD}\n`, /line 3: 1 column,/],
    ['a bad row after an empty one', `\n${GOOD}`, /line 1: 1 column,/],
  ])('%s is one clear line', async (_, content, message) => {
    await expect(readCola(dirWith(content), 'dev')).rejects.toThrow(message);
  });
  test('a missing file says where it was looked for', async () => {
    await expect(readCola(dirWith(GOOD), 'train')).rejects.toThrow(/looked for .*train\.tsv and .*CoLA/);
  });
});

const real = process.env.PSOFT_DATA ? path.join(process.env.PSOFT_DATA, 'glue') : undefined;
test.skipIf(real === undefined || !existsSync(real))('the real files (PSOFT_DATA)', async () => {
  const [train, dev] = [await readCola(real!, 'train'), await readCola(real!, 'dev')];
  expect([train.examples.length, dev.examples.length]).toEqual([8551, 1043]);
  expect(dev.examples.filter(({ label }) => label === 1)).toHaveLength(719);
  expect(fingerprintExamples(dev.examples)).not.toBe(fingerprintExamples(train.examples));
});
