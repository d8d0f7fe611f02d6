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
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { modelBytes, PIECES, type TestModel } from '../../test/sentencepiece.ts';
import { loadTokenizer } from '../tokenise.ts';
import { spmTokenizerFiles } from './debertaTokenizer.ts';

const FIXTURES = fileURLToPath(new URL('../../test/fixtures/sentencepiece', import.meta.url));
const parent = mkdtempSync(path.join(tmpdir(), 'psoft-sentencepiece-'));
afterAll(() => rmSync(parent, { recursive: true }));

/** Written by tools/reference/sentencepiece_models.py. */
interface Encodings {
  readonly config: Record<string, unknown>;
  readonly rows: readonly { readonly text: readonly [string, string?]; readonly ids: readonly number[] }[];
}

describe.each(['nmt_nfkc', 'identity', 'nmt_nfkc_cf'])('the tokenizer made of an spm.model, %s', (name) => {
  const parts = JSON.parse(readFileSync(path.join(FIXTURES, name, 'encodings.json'), 'utf8')) as Encodings[];

  test.each(parts.map((part, i) => ({ ...part, i, options: JSON.stringify(part.config) })))(
    "gives transformers 4's ids: $options",
    async ({ config, rows, i }) => {
      const folder = path.join(parent, `${name}-${i}`);
      mkdirSync(folder);
      copyFileSync(path.join(FIXTURES, name, 'spm.model'), path.join(folder, 'spm.model'));
      writeFileSync(path.join(folder, 'tokenizer_config.json'), JSON.stringify(config));
      const tokenizer = await loadTokenizer(folder);
      expect(rows.length).toBeGreaterThan(60);
      const ours = rows.map(({ text }) => ({ text, ids: [...tokenizer.encode(text[0], text[1], 1000)] }));
      expect(ours).toEqual(rows.map(({ text, ids }) => ({ text, ids })));
      expect(tokenizer.padId).toBe(0);
      expect(readdirSync(folder)).toHaveLength(2);
    },
  );

  test('gives them as a tokenizer.json too, which goes before an spm.model', async () => {
    const folder = path.join(parent, `${name}-json`);
    mkdirSync(folder);
    const { tokenizerJson, tokenizerConfig } = await spmTokenizerFiles(path.join(FIXTURES, name));
    writeFileSync(path.join(folder, 'tokenizer.json'), JSON.stringify(tokenizerJson));
    writeFileSync(path.join(folder, 'tokenizer_config.json'), JSON.stringify(tokenizerConfig));
    writeFileSync(path.join(folder, 'spm.model'), 'none');
    const tokenizer = await loadTokenizer(folder);
    for (const { text, ids } of parts[0]!.rows)
      expect([...tokenizer.encode(text[0], text[1], 1000)], JSON.stringify(text)).toEqual(ids);
  });
});

describe('a folder without tokenizer.json', () => {
  let folders = 0;
  const load = (model: Uint8Array, config: unknown = {}, name = 'spm.model') => {
    const folder = path.join(parent, `folder-${folders++}`);
    mkdirSync(folder);
    writeFileSync(path.join(folder, name), model);
    const text = typeof config === 'string' ? config : JSON.stringify(config);
    writeFileSync(path.join(folder, 'tokenizer_config.json'), text);
    return loadTokenizer(folder);
  };
  const refused = (model: TestModel, config?: unknown) => expect(load(modelBytes(model), config)).rejects;

  test.each(['spiece.model', 'sentencepiece.bpe.model'])('may call its model %s', async (name) => {
    const tokenizer = await load(modelBytes({}), {}, name);
    expect([...tokenizer.encode('ab q[MASK]', undefined, 20)]).toEqual([1, 4, 5, 6, 4, 3, 7, 2]);
  });
  test('keeps [MASK] where the model has it', async () => {
    const tokenizer = await load(modelBytes({ pieces: [...PIECES, ['[MASK]', 0, 3], ['c', -1, 1]] }));
    expect([...tokenizer.encode('[MASK]c', undefined, 20)]).toEqual([1, 7, 4, 8, 2]);
  });
  test('cuts what is too long and never the special tokens', async () => {
    const tokenizer = await load(modelBytes({}));
    expect([...tokenizer.encode('abab', 'b', 6)]).toEqual([1, 4, 5, 2, 4, 2]);
    expect([...tokenizer.encode('abab', '', 5)]).toEqual([1, 4, 5, 2, 2]);
  });
  test('is refused when its model is none, BPE, or cut off', async () => {
    await refused({ pieces: [] }).toThrow(/spm\.model holds no pieces/);
    await refused({ modelType: 2 }).toThrow(/spm\.model is a SentencePiece model of type BPE: only Unigram/);
    await expect(load(modelBytes({}).subarray(0, 30))).rejects.toThrow(
      /spm\.model cannot be read .*30 bytes/,
    );
  });
  test("is refused when it is another model's", async () => {
    await refused({}, { tokenizer_class: 'T5Tokenizer' }).toThrow(
      /wants a "T5Tokenizer" and has no tokenizer\.json/,
    );
    await refused({}, { cls_token: '<s>' }).toThrow(/has cls_token "<s>": it must be \[CLS\]/);
    await refused({ pieces: PIECES.slice(1) }).toThrow(/has no piece \[PAD\]/);
  });
  test('is refused when its model has no piece for a space', async () => {
    await refused({ pieces: PIECES.filter(([text]) => text !== '▁') }).toThrow(/has no piece for a space/);
  });
  test('is read where bytes stand for characters without a piece, which are unknown all the same', async () => {
    const bytes = Array.from(
      { length: 256 },
      (_, i) => [`<0x${i.toString(16).toUpperCase().padStart(2, '0')}>`, 0, 6] as const,
    );
    const tokenizer = await load(modelBytes({ byteFallback: true, pieces: [...PIECES, ...bytes] }));
    expect([...tokenizer.encode('a\u4000\u4001', undefined, 20)]).toEqual([1, 4, 5, 3, 2]);
  });
  test('is refused when its replacements cannot be read', async () => {
    await refused({ charsmap: new Uint8Array(7) }).toThrow(
      /the tokenizer in .* cannot be read: the charsmap of 7 bytes/,
    );
  });
  test('is refused without a readable tokenizer_config.json', async () => {
    await refused({}, '[]').toThrow(/tokenizer_config\.json cannot be read: it is no object/);
    await refused({}, '{').toThrow(/tokenizer_config\.json cannot be read: /);
    const folder = mkdtempSync(path.join(parent, 'bare-'));
    writeFileSync(path.join(folder, 'spm.model'), modelBytes({}));
    await expect(loadTokenizer(folder)).rejects.toThrow(/no tokenizer_config\.json in /);
  });
});
