import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { modelBytes, PIECES } from '../../test/sentencepiece.ts';
import { DataError } from '../text.ts';
import { PieceType, readUnigramModel } from './modelProto.ts';

const FIXTURES = fileURLToPath(new URL('../../test/fixtures/sentencepiece', import.meta.url));
const fixture = (name: string): Buffer => readFileSync(path.join(FIXTURES, name, 'spm.model'));
const read = (bytes: Uint8Array) => () => readUnigramModel(bytes, 'a/spm.model');

describe('a model that SentencePiece trained', () => {
  test('is read with its specifications', () => {
    const model = readUnigramModel(fixture('nmt_nfkc'), 'spm.model');
    expect(model.pieces.slice(0, 4)).toEqual([
      { text: '[PAD]', score: 0, type: PieceType.CONTROL },
      { text: '[CLS]', score: 0, type: PieceType.CONTROL },
      { text: '[SEP]', score: 0, type: PieceType.CONTROL },
      { text: '[UNK]', score: 0, type: PieceType.UNKNOWN },
    ]);
    expect(model.unknownId).toBe(3);
    expect(model.trainer).toEqual({
      modelType: 1,
      padId: 0,
      bosId: 1,
      eosId: 2,
      unkId: 3,
      unkPiece: '[UNK]',
      byteFallback: true,
    });
    expect(model.normalizer).toMatchObject({
      name: 'nmt_nfkc',
      addDummyPrefix: true,
      removeExtraWhitespaces: true,
    });
    expect(model.normalizer.precompiledCharsmap.length).toBeGreaterThan(200_000);
  });
  test('keeps pieces of the user', () => {
    const { pieces } = readUnigramModel(fixture('identity'), 'spm.model');
    expect(pieces[4]).toMatchObject({ text: '<url>', type: PieceType.USER_DEFINED });
    expect(pieces.slice(5).every(({ text, score, type }) => text && score < 0 && type === 1)).toBe(true);
  });
  test('is refused at every length that is too short', () => {
    const bytes = fixture('identity');
    const messages = Array.from({ length: bytes.length }, (_, length) => {
      try {
        readUnigramModel(bytes.subarray(0, length), 'a/spm.model');
        return `${length} bytes are read`;
      } catch (error) {
        return error instanceof DataError ? error.message : `${length} bytes: ${error}`;
      }
    });
    expect(messages.filter((message) => !/^a\/spm\.model .+$/.test(message))).toEqual([]);
  });
});

describe('a file', () => {
  test('that is none is refused', () => {
    expect(read(Buffer.from('<!doctype html>'))).toThrow(
      /a\/spm\.model cannot be read as a SentencePiece model: /,
    );
    expect(read(Buffer.from('version https://git-lfs'))).toThrow(/cannot be read as a SentencePiece model/);
    expect(read(modelBytes({ pieces: [] }))).toThrow('a/spm.model holds no pieces');
  });
  test('that ends after its pieces is refused', () => {
    expect(read(modelBytes({ trainer: false }))).toThrow(
      'no trainer specification after its 7 pieces: it is cut off',
    );
    expect(read(modelBytes({ normalizer: false }))).toThrow('no normalizer specification after its 7 pieces');
  });
  test.each([
    [2, 'BPE'],
    [3, 'word'],
    [4, 'char'],
    [9, '9'],
  ])('of model type %i is refused', (modelType, name) => {
    expect(read(modelBytes({ modelType }))).toThrow(
      `a/spm.model is a SentencePiece model of type ${name}: only Unigram is supported`,
    );
  });
  test('without one unknown piece is refused', () => {
    expect(read(modelBytes({ pieces: PIECES.filter(([text]) => text !== '[UNK]') }))).toThrow(
      'a/spm.model needs one piece of type UNKNOWN and has none',
    );
    expect(read(modelBytes({ pieces: [...PIECES, ['<unk>', 0, 2]] }))).toThrow(
      'has 2, the first with ids 3, 7',
    );
  });
  test('with pieces that cannot be told apart or scored is refused', () => {
    expect(read(modelBytes({ pieces: [...PIECES, ['a', -3, 1]] }))).toThrow('pieces 5 and 7 are both "a"');
    expect(read(modelBytes({ pieces: [...PIECES, ['', -3, 1]] }))).toThrow('piece 7 is empty');
    expect(read(modelBytes({ pieces: [...PIECES, ['c', Number.NaN, 1]] }))).toThrow(
      'piece 7, "c", has the score NaN',
    );
  });
});
