import { readFile } from 'node:fs/promises';
import { evaluationPrompt, loadTokenizer } from '@psoft/datasets';
import { RandomStream } from '@psoft/engine';
import { beforeAll, describe, expect, test } from 'vitest';
import { BpeEncoder } from '../src/bpe/encoder.ts';
import { checkpointFolder } from '../src/checkpoints.ts';
import { readCorpus } from '../src/corpus.ts';
import { LlamaCorpus } from '../src/llamaCorpus.ts';

const folder = checkpointFolder('llama-tiny');
/** Made by tools/reference/bpe_tokenizer.py. */
const reference: { text: string; ids: number[] }[] = JSON.parse(
  await readFile(new URL('fixtures/bpeTokenizer.json', import.meta.url), 'utf8'),
);
const ANY_LENGTH = 1e6;

describe('the tiny Llama’s tokenizer', () => {
  let encoder: BpeEncoder;
  let tokenizer: Awaited<ReturnType<typeof loadTokenizer>>;
  beforeAll(async () => {
    encoder = await BpeEncoder.load(folder);
    tokenizer = await loadTokenizer(folder);
  });

  test.each(reference)('agrees with the Python libraries: $text', ({ text, ids }) => {
    expect([...tokenizer.encode(text, undefined, ANY_LENGTH)]).toEqual(ids);
    if (!text.includes('<|')) expect([encoder.beginId, ...encoder.encode(text)]).toEqual(ids);
  });

  test('decodes what it encoded: any character, alone and in company', () => {
    const rng = RandomStream.from(1, 'characters');
    const character = () => {
      for (;;) {
        const code = rng.integer(rng.integer(2) === 0 ? 0x250 : 0x110000);
        // Halves of a pair are no characters.
        if (code < 0xd800 || code > 0xdfff) return String.fromCodePoint(code);
      }
    };
    for (let i = 0; i < 300; i++) {
      const text = Array.from({ length: 1 + rng.integer(20) }, character).join('');
      const ids = encoder.encode(text);
      expect(tokenizer.decode(ids, { specialTokens: true }), JSON.stringify(text)).toBe(text);
      expect([...tokenizer.encode(text, undefined, ANY_LENGTH)].slice(1), JSON.stringify(text)).toEqual(ids);
    }
  });

  test('the corpus encoder agrees with transformers.js on the corpus', async () => {
    const corpus = new LlamaCorpus(await readCorpus());
    for (const text of corpus.texts(9, 0, 300)) {
      const ids = encoder.encode(text);
      expect([encoder.beginId, ...ids]).toEqual([...tokenizer.encode(text, undefined, ANY_LENGTH)]);
      expect(tokenizer.decode(ids)).toBe(text);
    }
  });

  test('digits stand alone; a text begins with its token; ends and padding are named', () => {
    const pieces = [...tokenizer.encode('16+5=21 1234', undefined, ANY_LENGTH)].map((id) =>
      tokenizer.decode([id], { specialTokens: true }),
    );
    expect(pieces[0]).toBe('<|begin_of_text|>');
    expect(pieces.filter((piece) => /\d\d/.test(piece))).toEqual([]);
    expect(encoder.vocabSize).toBe(1024);
    expect(tokenizer.eosId).toBe(encoder.endId);
    expect(tokenizer.padId).toBe(1023);
  });

  test('the template costs little room', () => {
    expect(tokenizer.encode(evaluationPrompt(''), undefined, ANY_LENGTH).length).toBeLessThan(40);
  });
});
