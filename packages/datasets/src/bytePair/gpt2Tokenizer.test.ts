import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { loadTokenizer } from '../tokenise.ts';
import { bytePairTokenizerFiles } from './gpt2Tokenizer.ts';

const FIXTURE = path.join(import.meta.dirname, '..', '..', 'test', 'fixtures', 'gpt2Tokenizer');
const parent = mkdtempSync(path.join(tmpdir(), 'psoft-byte-pair-'));
afterAll(() => rmSync(parent, { recursive: true }));

/** Written by tools/reference/gpt2_tokenizer.py. */
interface Encodings {
  readonly config: Record<string, unknown>;
  readonly rows: readonly { readonly text: readonly [string, string?]; readonly ids: readonly number[] }[];
}
const parts: Encodings[] = JSON.parse(readFileSync(path.join(FIXTURE, 'encodings.json'), 'utf8'));

let folders = 0;
/** OPT's files, some of them other ones or (undefined) absent. */
function folderWith(changes: Record<string, unknown> = {}): string {
  const folder = path.join(parent, String(folders++));
  mkdirSync(folder);
  for (const name of ['vocab.json', 'merges.txt', 'tokenizer_config.json', 'special_tokens_map.json'])
    if (!(name in changes)) copyFileSync(path.join(FIXTURE, name), path.join(folder, name));
  for (const [name, value] of Object.entries(changes))
    if (value !== undefined)
      writeFileSync(path.join(folder, name), typeof value === 'string' ? value : JSON.stringify(value));
  return folder;
}

describe.each(parts.map((part, i) => [i + 1, part] as const))('configuration %d', (_, { config, rows }) => {
  test("gives transformers' ids, and texts come back", async () => {
    const folder = folderWith({ 'tokenizer_config.json': config });
    const tokenizer = await loadTokenizer(folder);
    expect(rows.length).toBeGreaterThan(80);
    const ours = rows.map(({ text }) => ({ text, ids: [...tokenizer.encode(text[0], text[1], 1000)] }));
    expect(ours).toEqual(rows.map(({ text, ids }) => ({ text, ids })));
    for (const { text, ids } of rows)
      if (text.length === 1 && config.add_prefix_space === false && !/<(\/s|pad)>/.test(text[0]))
        expect(tokenizer.decode(ids)).toBe(text[0]);
    expect([tokenizer.padId, tokenizer.eosId]).toEqual([1, 2]);
    expect(readdirSync(folder)).toHaveLength(4);
  });
});

test('as a tokenizer.json it gives the same, and one that is there goes first', async () => {
  const { tokenizerJson, tokenizerConfig } = await bytePairTokenizerFiles(FIXTURE);
  const folder = folderWith({
    'tokenizer.json': tokenizerJson,
    'tokenizer_config.json': tokenizerConfig,
    'merges.txt': 'none',
  });
  const tokenizer = await loadTokenizer(folder);
  for (const { text, ids } of parts[0]!.rows)
    expect([...tokenizer.encode(text[0], text[1], 1000)]).toEqual(ids);
});

test('tokens that are not in the vocabulary come after it', async () => {
  const folder = folderWith({
    'tokenizer_config.json': { tokenizer_class: 'GPT2Tokenizer', pad_token: '[PAD]', add_bos_token: true },
    'special_tokens_map.json': undefined,
    'added_tokens.json': { '<new>': 600 },
  });
  const tokenizer = await loadTokenizer(folder);
  expect([tokenizer.eosId, tokenizer.padId]).toEqual([601, 602]);
  expect([...tokenizer.encode('<new><|endoftext|>[PAD]', undefined, 9)]).toEqual([601, 600, 601, 602]);
});

describe('refuses', () => {
  const refused = (changes: Record<string, unknown>) => expect(loadTokenizer(folderWith(changes))).rejects;

  test('a folder with one file of the two', () =>
    refused({ 'merges.txt': undefined }).toThrow(/^no tokenizer.json, no vocab.json with merges.txt and no/));
  test('one without options', () =>
    refused({ 'tokenizer_config.json': undefined }).toThrow(/^no tokenizer_config.json in .* beside/));
  test('another class of tokenizer', () =>
    refused({ 'tokenizer_config.json': { tokenizer_class: 'RobertaTokenizer' } }).toThrow(
      /wants a "RobertaTokenizer" and has no tokenizer.json: from vocab.json and merges.txt only GPT2Tokenizer/,
    ));
  test('merges of another vocabulary', () =>
    refused({ 'merges.txt': '#version: 0.2\nq z\n' }).toThrow(
      /merges.txt, line 2: "qz" is not in the vocabulary/,
    ));
  test('lines that are no merges', () =>
    refused({ 'merges.txt': '#version: 0.2\nabc\n' }).toThrow(/line 2: "abc" is no pair of tokens/));
  test('a vocabulary that is none', async () => {
    await refused({ 'vocab.json': '[1]' }).toThrow(/vocab.json cannot be read: it is no object/);
    await refused({ 'vocab.json': { a: 'b' } }).toThrow(
      /vocab.json gives "a" the id "b": it must be a number/,
    );
  });
  test('a token that is no text', () =>
    refused({ 'tokenizer_config.json': { bos_token: {} } }).toThrow(
      /the tokenizer in \S+ has bos_token {}: it must be a text/,
    ));
});
