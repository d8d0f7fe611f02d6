import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { loadTokenizer } from './tokenise.ts';
import { truncate } from './truncate.ts';

// That ids agree with Python's, truncated ones too, is tested where the tiny tokenizer is.

const folder = mkdtempSync(path.join(tmpdir(), 'psoft-tokenizer-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('a tokenizer folder', () => {
  test('without its files is refused', async () => {
    await expect(loadTokenizer(folder)).rejects.toThrow(
      /no tokenizer\.json, no vocab\.json with merges\.txt and no spm\.model in .*psoft-tokenizer/,
    );
  });
  test('with a broken file is refused', async () => {
    writeFileSync(path.join(folder, 'tokenizer.json'), '{"version": ');
    writeFileSync(path.join(folder, 'tokenizer_config.json'), '{}');
    await expect(loadTokenizer(folder)).rejects.toThrow(/the tokenizer in .* cannot be read: /);
  });
});

describe('truncation', () => {
  const [cls, sep] = [1, 2];
  const a = [10, 11, 12, 13, 14, 15];
  const b = [20, 21];

  test('keeps the special tokens and cuts the longer text', () => {
    expect(truncate([cls, ...a, sep], [a], 5)).toEqual([cls, 10, 11, 12, sep]);
    expect(truncate([cls, ...a, sep, ...b, sep], [a, b], 8)).toEqual([cls, 10, 11, 12, sep, 20, 21, sep]);
    expect(truncate([cls, ...b, sep, sep, ...a, sep], [b, a], 7)).toEqual([cls, 20, sep, sep, 10, 11, sep]);
  });
  test('a length without room is refused', () => {
    expect(() => truncate([cls, ...a, sep], [a], 2)).toThrow(/length of 2 leaves no room beside 2/);
    expect(() => truncate([cls, ...a, sep, ...b, sep], [a, b], 4)).toThrow(/beside 3 special tokens/);
  });
});
