/** Models in llama.cpp's format become model folders, tokenizers and all. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { loadTokenizer } from '@psoft/datasets';
import { afterAll, describe, expect, test } from 'vitest';
import { psoft } from './psoft.ts';

const FIXTURES = path.join(import.meta.dirname, '..', '..', 'models', 'test', 'fixtures', 'gguf');
const parent = mkdtempSync(path.join(tmpdir(), 'psoft-import-'));
afterAll(() => rmSync(parent, { recursive: true }));

interface Case {
  readonly name: string;
  readonly texts: { readonly text: string; readonly ids: number[] }[];
}
const cases: Case[] = JSON.parse(readFileSync(path.join(FIXTURES, 'models.json'), 'utf8'));

describe.each(cases.map(({ name, texts }) => [name, texts] as const))(
  'psoft import-gguf, %s',
  (name, texts) => {
    const out = path.join(parent, name);

    test('writes a model and says what it was', async () => {
      const { stdout, stderr, code } = await psoft(
        'import-gguf',
        path.join(FIXTURES, `${name}.gguf`),
        '--out',
        out,
        '--dtype',
        'bf16',
      );
      expect([code, stderr]).toEqual([0, '']);
      expect(stdout).toMatch(/^\d+,\d+ parameters in \d+ \w+, \d+ \w+.* tensors\n/);
      expect(stdout).toMatch(
        /: model.safetensors, config.json, tokenizer.json, tokenizer_config.json \(.* kB\)\n$/,
      );
    });

    test('whose tokenizer gives the ids of the tokenizers library', async () => {
      const tokenizer = await loadTokenizer(out);
      for (const { text, ids } of texts)
        expect([...tokenizer.encode(text, undefined, 1000)], JSON.stringify(text)).toEqual(ids);
      expect([tokenizer.padId, tokenizer.eosId]).toEqual([2, 1]);
    });
  },
);

test('what is written can be continued with', async () => {
  const out = path.join(parent, 'llama3');
  const { stdout, code } = await psoft('generate', out, '--prompt', 'the rain', '--max-new-tokens', '3');
  expect(code).toBe(0);
  expect(stdout.startsWith('the rain')).toBe(true);
});

test('does not replace a model unasked', async () => {
  const args = ['import-gguf', path.join(FIXTURES, 'quantised.gguf'), '--out', FIXTURES];
  const { stderr, code } = await psoft(...args);
  expect([code, stderr]).toEqual([
    1,
    `psoft: ${FIXTURES} is not empty: give an empty folder, or --overwrite\n`,
  ]);
});
