export {
  type BatchOptions,
  evaluationBatches,
  type LabelKind,
  type LabelledInputs,
  labelledTextSpec,
  type TextBatch,
  type TextInputs,
  textSpec,
  trainingBatches,
} from './batches.ts';
export * from './commonsense/index.ts';
export {
  drawPair,
  generateAcceptability,
  type MinimalPair,
  PHENOMENON_NAMES,
} from './generated/acceptability.ts';
export {
  type CommonsenseSizes,
  type GeneratedCommonsense,
  type GeneratedQuestions,
  generateCommonsense,
} from './generated/commonsense/index.ts';
export type { SplitSizes } from './generated/draw.ts';
export {
  type GeneratedMath,
  generateGsm,
  generateMathProblems,
  type MathSizes,
  mathTexts,
} from './generated/math/index.ts';
export * from './generated/pairs.ts';
export { generateSentiment } from './generated/sentiment.ts';
export { PRETRAINING_CLASSES, pretrainingImages } from './generated/vision/pretraining.ts';
export {
  classNames,
  generateImages,
  type LabelledImage,
  VISION_GROUPS,
  VISION_TASK_NAMES,
  VISION_TASKS,
  type VisionTaskName,
} from './generated/vision/tasks.ts';
export { type HubData, readGlueFromHub } from './glue/hub.ts';
export { NO_LABEL, readGlue } from './glue/official.ts';
export * from './glue/tasks.ts';
export * from './hub/index.ts';
export {
  FittedImages,
  type ImageBatch,
  type ImageBatchOptions,
  imageEvaluationBatches,
  imageSpec,
  imageTrainingBatches,
  labelledImageSpec,
} from './images/batches.ts';
export { cachedImages, type EncodedImage, imageCacheFolder } from './images/cache.ts';
export { type ImageSplit, imagesInMemory, joinImages } from './images/dataset.ts';
export { decodeImage } from './images/decode.ts';
export { IMAGE_ENDINGS, isImageFile, listImages } from './images/files.ts';
export type { Image } from './images/pixels.ts';
export { type ImageProcessor, imageProcessor, loadImageProcessor } from './images/processor.ts';
export { type Resample, resize } from './images/resize.ts';
export * from './instruction.ts';
export * from './math/index.ts';
export { accuracy, f1, METRICS, type MetricName, matthewsCorrelation, pearson, spearman } from './metrics.ts';
export {
  holdOut,
  type InstructionOptions,
  type LabelledOptions,
  type LabelledTexts,
  loadInstructions,
  loadLabelled,
} from './ownData.ts';
export { readParquetRows } from './parquet.ts';
export { validationHalves } from './splits.ts';
export { DataError, fingerprintExamples, type TextExample, type TextSplit } from './text.ts';
export { loadTextColumn, type TextColumnOptions } from './textColumn.ts';
export { readTexts, TEXT_FORMATS, type TextFormat, writePredictions } from './texts.ts';
export { type EncodedExample, encodeExamples, loadTokenizer, type Tokenizer } from './tokenise.ts';
export { readVtabFolder, type VtabOptions, type VtabSplit } from './vtab/folder.ts';
export { readVtabFromHub } from './vtab/hub.ts';
export { classFolders } from './vtab/listed.ts';
