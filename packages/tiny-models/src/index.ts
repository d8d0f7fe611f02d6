export { type CheckpointName, checkpointFolder } from './checkpoints.ts';
export { type CorpusDocument, countWords, readCorpus } from './corpus.ts';
export { type MaskedBatch, maskedBatch, type PackedCorpus, packCorpus, packDocuments } from './mlmData.ts';
export { CorpusEncoder } from './tokenizer/encoder.ts';
export { type TokenizerFile, tokenizerFile, writeTokenizer } from './tokenizer/files.ts';
export { type Piece, trainUnigram, type UnigramOptions } from './tokenizer/train.ts';
export { countUnits } from './tokenizer/units.ts';
