import { readFile } from 'node:fs/promises';
import { loadTokenizer } from '@psoft/datasets';
import { beforeAll, describe, expect, test } from 'vitest';
import { checkpointFolder } from '../src/checkpoints.ts';
import { readCorpus } from '../src/corpus.ts';
import { CorpusEncoder } from '../src/tokenizer/encoder.ts';

const folder = checkpointFolder('deberta-tiny');
/** Made by tools/reference/tiny_tokenizer.py. */
const reference: { text: [string, string?]; maxLength?: number; ids: number[] }[] = JSON.parse(
  await readFile(new URL('fixtures/tokenizer.json', import.meta.url), 'utf8'),
);

describe('the tiny tokenizer', () => {
  let encoder: CorpusEncoder;
  let tokenizer: Awaited<ReturnType<typeof loadTokenizer>>;
  beforeAll(async () => {
    encoder = await CorpusEncoder.load(folder);
    tokenizer = await loadTokenizer(folder);
  });

  test.each(reference)(
    'transformers.js agrees with the Python libraries: $maxLength $text',
    ({ text, maxLength = 512, ids }) => {
      expect([...tokenizer.encode(text[0], text[1], maxLength)]).toEqual(ids);
    },
  );

  test('the corpus encoder agrees with the Python libraries', () => {
    for (const { text, maxLength, ids } of reference) {
      if (maxLength !== undefined || text[1] !== undefined || text[0].includes('[MASK]')) continue;
      expect([encoder.clsId, ...encoder.encode(text[0]), encoder.sepId], text[0]).toEqual(ids);
    }
  });

  test('the corpus encoder agrees with transformers.js on the corpus, which has no unknown token', async () => {
    const sentences = (await readCorpus()).flatMap((document) => document.sentences);
    for (let i = 0; i < sentences.length; i += 97) {
      const text = sentences[i]!;
      const ids = encoder.encode(text);
      expect([encoder.clsId, ...ids, encoder.sepId], text).toEqual([
        ...tokenizer.encode(text, undefined, 4096),
      ]);
      expect(ids).not.toContain(encoder.unkId);
    }
  });

  test('padding is token 0', () => {
    expect(tokenizer.padId).toBe(encoder.padId);
    expect(encoder.vocabSize).toBe(4096);
  });
});
