export { type Checkpoint, openCheckpoint } from './checkpoint.ts';
export { WeightFileError } from './error.ts';
export { fingerprintWeights } from './fingerprint.ts';
export { narrowBf16, narrowF16, widenBf16, widenF16 } from './half.ts';
export { moveToFile, placeOf, placesOf } from './moved.ts';
export { isOutline, outlineQuantized, outlineReference, outlineWeight } from './outline.ts';
export { BLOCK_SIZES, type ScaleDtype } from './quantize.ts';
export { quantizationConfig } from './quantizedCheckpoint.ts';
export { type QuantizeReport, type QuantizeSettings, quantizeInto } from './quantizeFile.ts';
export { readWeight, readWeightSync, storedBytes } from './read.ts';
export { type OtherTensor, readSafetensorsHeader, type SafetensorsFile } from './safetensors.ts';
export type {
  ByteRange,
  QuantizedWeight,
  StoredWeight,
  WeightData,
  WeightDtype,
  WeightReference,
  WeightSource,
} from './source.ts';
export { readTorchFile } from './torchFile.ts';
export { encodeSafetensors, type NamedWeights, type SafetensorsOptions, writeSafetensors } from './write.ts';
