export {
  type BatchOptions,
  evaluationBatches,
  labelledTextSpec,
  type TextBatch,
  textSpec,
  trainingBatches,
} from './batches.ts';
export {
  type AcceptabilitySizes,
  drawPair,
  generateAcceptability,
  type MinimalPair,
  PHENOMENON_NAMES,
} from './generated/acceptability.ts';
export { readCola } from './glue/cola.ts';
export * from './hub/index.ts';
export { accuracy, f1, METRICS, type MetricName, matthewsCorrelation, pearson, spearman } from './metrics.ts';
export { readParquetRows } from './parquet.ts';
export { validationHalves } from './splits.ts';
export { DataError, fingerprintExamples, type TextExample, type TextSplit } from './text.ts';
export { type EncodedExample, encodeExamples, loadTokenizer, type Tokenizer } from './tokenise.ts';
