/**
 * Reads SentencePiece model files: one protobuf message, ModelProto. Field numbers and defaults are those of
 * sentencepiece_model.proto (https://github.com/google/sentencepiece). Only what a tokenizer needs is kept.
 */

import { reasonOf } from '@psoft/engine/errors';
import { PbfReader } from 'pbf';
import { DataError } from '../text.ts';

/** What a piece is for. */
export const PieceType = { NORMAL: 1, UNKNOWN: 2, CONTROL: 3, USER_DEFINED: 4, UNUSED: 5, BYTE: 6 } as const;

export interface Piece {
  readonly text: string;
  /** Log probability. */
  readonly score: number;
  /** One of {@link PieceType}. */
  readonly type: number;
}

export interface TrainerSpec {
  /** 1 Unigram, 2 BPE, 3 word, 4 char. */
  readonly modelType: number;
  /** Ids of pieces; -1: there is none. */
  readonly unkId: number;
  readonly bosId: number;
  readonly eosId: number;
  readonly padId: number;
  readonly unkPiece: string;
  /** Characters without a piece become pieces of bytes. */
  readonly byteFallback: boolean;
}

export interface NormalizerSpec {
  /** "nmt_nfkc", "identity" and so on. */
  readonly name: string;
  /** Replacements of characters, see charsmap.ts; empty: none. */
  readonly precompiledCharsmap: Uint8Array;
  readonly addDummyPrefix: boolean;
  readonly removeExtraWhitespaces: boolean;
  readonly escapeWhitespaces: boolean;
}

/** A Unigram model; a piece's place is its id. */
export interface UnigramModel {
  readonly pieces: readonly Piece[];
  /** Id of the one piece of type UNKNOWN. */
  readonly unknownId: number;
  readonly trainer: TrainerSpec;
  readonly normalizer: NormalizerSpec;
}

const MODEL_TYPES = ['', 'Unigram', 'BPE', 'word', 'char'];
/** Wire types of protobuf. */
const Wire = { VARINT: 0, BYTES: 2, FIXED32: 5 } as const;

type Mutable<T> = { -readonly [key in keyof T]: T[key] };

interface Message {
  readonly pieces: Mutable<Piece>[];
  trainer?: Mutable<TrainerSpec>;
  normalizer?: Mutable<NormalizerSpec>;
}

/**
 * @param file for messages
 * @throws DataError for bytes that are no such message or end early, a model that is not Unigram, and one without
 *   pieces, with an empty or a double one, or without exactly one unknown piece
 */
export function readUnigramModel(bytes: Uint8Array, file: string): UnigramModel {
  const { pieces, trainer, normalizer } = readMessage(bytes, file);
  if (pieces.length === 0) throw new DataError(`${file} holds no pieces: it is no SentencePiece model`);
  // Both follow the pieces.
  if (!trainer || !normalizer)
    throw new DataError(
      `${file} has no ${trainer ? 'normalizer' : 'trainer'} specification after its ${pieces.length} pieces: it is cut off`,
    );
  if (trainer.modelType !== 1)
    throw new DataError(
      `${file} is a SentencePiece model of type ${MODEL_TYPES[trainer.modelType] ?? trainer.modelType}: only Unigram is supported`,
    );
  const seen = new Map<string, number>();
  pieces.forEach(({ text, score }, id) => {
    if (text === '') throw new DataError(`${file}: piece ${id} is empty`);
    if (!Number.isFinite(score))
      throw new DataError(`${file}: piece ${id}, "${text}", has the score ${score}`);
    if (seen.has(text)) throw new DataError(`${file}: pieces ${seen.get(text)} and ${id} are both "${text}"`);
    seen.set(text, id);
  });
  const unknown = pieces.flatMap(({ type }, id) => (type === PieceType.UNKNOWN ? [id] : []));
  if (unknown.length !== 1)
    throw new DataError(
      `${file} needs one piece of type UNKNOWN and has ${unknown.length === 0 ? 'none' : `${unknown.length}, the first with ids ${unknown.slice(0, 5).join(', ')}`}`,
    );
  return { pieces, unknownId: unknown[0]!, trainer, normalizer };
}

function readMessage(bytes: Uint8Array, file: string): Message {
  const message: Message = { pieces: [] };
  try {
    readFields(new PbfReader(bytes), bytes.length, (field, pbf) => {
      if (field === 1)
        message.pieces.push(nested(pbf, { text: '', score: 0, type: PieceType.NORMAL }, readPiece));
      else if (field === 2) message.trainer = nested(pbf, defaultTrainer(), readTrainer);
      else if (field === 3) message.normalizer = nested(pbf, defaultNormalizer(), readNormalizer);
    });
  } catch (error) {
    throw new DataError(
      `${file} cannot be read as a SentencePiece model: ${reasonOf(error)} (${bytes.length} bytes, ${message.pieces.length} pieces read)`,
    );
  }
  return message;
}

function readPiece(field: number, piece: Mutable<Piece>, pbf: PbfReader): void {
  if (field === 1) piece.text = text(pbf);
  else if (field === 2) piece.score = float(pbf);
  else if (field === 3) piece.type = integer(pbf);
}

const defaultTrainer = (): TrainerSpec => ({
  modelType: 1,
  unkId: 0,
  bosId: 1,
  eosId: 2,
  padId: -1,
  unkPiece: '<unk>',
  byteFallback: false,
});

function readTrainer(field: number, trainer: Mutable<TrainerSpec>, pbf: PbfReader): void {
  if (field === 3) trainer.modelType = integer(pbf);
  else if (field === 35) trainer.byteFallback = integer(pbf) !== 0;
  else if (field === 40) trainer.unkId = integer(pbf);
  else if (field === 41) trainer.bosId = integer(pbf);
  else if (field === 42) trainer.eosId = integer(pbf);
  else if (field === 43) trainer.padId = integer(pbf);
  else if (field === 45) trainer.unkPiece = text(pbf);
}

const defaultNormalizer = (): NormalizerSpec => ({
  name: '',
  precompiledCharsmap: new Uint8Array(),
  addDummyPrefix: true,
  removeExtraWhitespaces: true,
  escapeWhitespaces: true,
});

function readNormalizer(field: number, normalizer: Mutable<NormalizerSpec>, pbf: PbfReader): void {
  if (field === 1) normalizer.name = text(pbf);
  else if (field === 2) normalizer.precompiledCharsmap = blob(pbf);
  else if (field === 3) normalizer.addDummyPrefix = integer(pbf) !== 0;
  else if (field === 4) normalizer.removeExtraWhitespaces = integer(pbf) !== 0;
  else if (field === 5) normalizer.escapeWhitespaces = integer(pbf) !== 0;
}

/** pbf reads past the end of a message without a word, so every end is looked at here. */
function readFields(pbf: PbfReader, end: number, read: (field: number, pbf: PbfReader) => void): void {
  pbf.readFields((field) => read(field, pbf), undefined, end);
  if (pbf.pos !== end) throw new Error(`a field ends at byte ${pbf.pos}, its message at byte ${end}`);
}

function nested<T>(pbf: PbfReader, result: T, read: (field: number, result: T, pbf: PbfReader) => void): T {
  readFields(pbf, endOf(pbf), (field) => read(field, result, pbf));
  return result;
}

/** Where the contents of a field of bytes end. */
function endOf(pbf: PbfReader): number {
  expectWire(pbf, Wire.BYTES);
  const end = pbf.readVarint() + pbf.pos;
  if (end > pbf.length) throw new Error(`a field ends at byte ${end}, the file at byte ${pbf.length}`);
  return end;
}

function blob(pbf: PbfReader): Uint8Array {
  const end = endOf(pbf);
  const bytes = pbf.buf.subarray(pbf.pos, end);
  pbf.pos = end;
  return bytes;
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const text = (pbf: PbfReader): string => utf8.decode(blob(pbf));

function float(pbf: PbfReader): number {
  expectWire(pbf, Wire.FIXED32);
  return pbf.readFloat();
}

function integer(pbf: PbfReader): number {
  expectWire(pbf, Wire.VARINT);
  return pbf.readVarint(true);
}

function expectWire(pbf: PbfReader, wire: number): void {
  if (pbf.type !== wire)
    throw new Error(`a field before byte ${pbf.pos} has wire type ${pbf.type} for ${wire}`);
}
