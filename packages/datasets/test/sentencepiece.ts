/** SentencePiece model files for tests, field by field. */
import { PbfWriter } from 'pbf';

export type TestPiece = readonly [text: string, score: number, type: number];

export const PIECES: readonly TestPiece[] = [
  ['[PAD]', 0, 3],
  ['[CLS]', 0, 3],
  ['[SEP]', 0, 3],
  ['[UNK]', 0, 2],
  ['▁', -2, 1],
  ['a', -3, 1],
  ['b', -4, 1],
];

export interface TestModel {
  readonly pieces?: readonly TestPiece[];
  readonly modelType?: number;
  readonly byteFallback?: boolean;
  readonly charsmap?: Uint8Array;
  /** false: without that specification. */
  readonly trainer?: false;
  readonly normalizer?: false;
}

export function modelBytes(model: TestModel): Uint8Array {
  const pbf = new PbfWriter();
  for (const piece of model.pieces ?? PIECES) pbf.writeMessage(1, writePiece, piece);
  if (model.trainer !== false) pbf.writeMessage(2, writeTrainer, model);
  if (model.normalizer !== false) pbf.writeMessage(3, writeNormalizer, model);
  return pbf.finish();
}

function writePiece([text, score, type]: TestPiece, pbf: PbfWriter): void {
  pbf.writeStringField(1, text);
  pbf.writeFloatField(2, score);
  pbf.writeVarintField(3, type);
}

function writeTrainer({ modelType = 1, byteFallback = false }: TestModel, pbf: PbfWriter): void {
  pbf.writeVarintField(3, modelType);
  pbf.writeBooleanField(35, byteFallback);
  pbf.writeVarintField(40, 3);
}

function writeNormalizer({ charsmap }: TestModel, pbf: PbfWriter): void {
  pbf.writeStringField(1, charsmap ? 'nmt_nfkc' : 'identity');
  if (charsmap) pbf.writeBytesField(2, charsmap);
}
