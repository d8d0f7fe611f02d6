import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { readCharsmap } from './charsmap.ts';
import { readUnigramModel } from './modelProto.ts';

const bytesOf = (name: string): Uint8Array => {
  const file = fileURLToPath(new URL(`../../test/fixtures/sentencepiece/${name}/spm.model`, import.meta.url));
  return readUnigramModel(readFileSync(file), file).normalizer.precompiledCharsmap;
};
const nmt = bytesOf('nmt_nfkc');

describe("SentencePiece's character replacements", () => {
  const replace = readCharsmap(nmt);
  test.each([
    ['plain ASCII, [MASK] ~', 'plain ASCII, [MASK] ~'],
    ['tab\there\r\n', 'tab here '],
    ['ﬁne… ½', 'fine... 1⁄2'],
    ['cafe\u0301', 'caf\u00e9'],
    // NFKC would take the full-width tilde; the map keeps it.
    ['Ｆｕｌｌ～', 'Full～'],
    ['zero\u200bwidth\ufeff\u00a0', 'zero width  '],
    ['con\u0001trol\u007f', 'control'],
    ['👍🏽 नमस्ते 你', '👍🏽 नमस्ते 你'],
  ])('make %j %j', (text, replaced) => {
    expect(replace(text)).toBe(replaced);
  });
  test('take the shortest key for a whole short grapheme, as the tokenizers library does', () => {
    expect(replace('\u00bd\u0301')).toBe('1⁄2');
    expect(replace('\ufb01\u0301')).toBe('fi');
  });
  test('fold case where the model was trained so', () => {
    expect(readCharsmap(bytesOf('nmt_nfkc_cf'))('ＡBC Éa ΣΑΣ')).toBe('abc éa σασ');
  });
  test('lie anywhere in a buffer', () => {
    expect(readCharsmap(new Uint8Array([1, 2, 3, ...nmt]).subarray(3))('ﬁ')).toBe('fi');
  });
});

describe('bytes that are no replacements', () => {
  test('are refused', () => {
    expect(() => readCharsmap(new Uint8Array(2))).toThrow(/the charsmap of 2 bytes names a trie of -1 bytes/);
    expect(() => readCharsmap(new Uint8Array(8))).toThrow('names a trie of 0 bytes');
    expect(() => readCharsmap(nmt.subarray(0, 1000))).toThrow(
      /the charsmap of 1000 bytes names a trie of \d{6} bytes/,
    );
  });
  test('are refused when the trie refers behind them', () => {
    const trie = new DataView(nmt.buffer, nmt.byteOffset).getUint32(0, true);
    expect(() => readCharsmap(nmt.subarray(0, 4 + trie))('ﬁ')).toThrow(/refers to byte \d+ of 0 bytes/);
  });
});
