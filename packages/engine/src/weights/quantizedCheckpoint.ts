/** Weights in 4 bits inside a checkpoint: how their parts are named, and what config.json says of them. */
import { shown } from '../errors.ts';
import { WeightFileError } from './error.ts';
import { BLOCK_SIZES, type ScaleDtype } from './quantize.ts';
import type { OtherTensor } from './safetensors.ts';
import type { QuantizedWeight, StoredWeight, WeightReference } from './source.ts';

/** What `quantization_config` of config.json holds, beside the sizes: transformers' key for who wrote the weights. */
const METHOD = 'psoft';

/** Names of a weight's parts: "model.layers.0.mlp.up_proj.weight.packed". */
export const PARTS = { packed: '.packed', scales: '.scales', zeroPoints: '.zero_points' } as const;

export interface QuantizationSettings {
  readonly blockSize: number;
  readonly scaleDtype: ScaleDtype;
}

/** `quantization_config` of a checkpoint written by this package. */
export function quantizationConfig({ blockSize, scaleDtype }: QuantizationSettings) {
  return {
    quant_method: METHOD,
    bits: 4,
    block_size: blockSize,
    scale_dtype: scaleDtype === 'F16' ? 'float16' : 'float32',
  };
}

/** Shapes of the parts of a weight [rows, columns]. */
export function partShapes([rows, columns]: readonly [number, number], blockSize: number) {
  const blocks = columns / blockSize;
  return {
    packed: [rows, blocks, blockSize / 2],
    scales: [rows, blocks],
    zeroPoints: [rows, blocks / 2],
  };
}

/** A checkpoint's tensors as its files list them. */
interface Stored {
  readonly tensors: Map<string, WeightReference>;
  readonly others: Map<string, OtherTensor>;
}

/**
 * Puts parts together to weights.
 * @param configFile for messages
 * @param quantization `quantization_config` of config.json; undefined in a checkpoint that is not quantised
 * @throws WeightFileError for another method's checkpoint, and for parts that are missing or do not fit
 */
export function joinQuantized(
  configFile: string,
  quantization: unknown,
  { tensors, others }: Stored,
): { weights: Map<string, StoredWeight>; others: Map<string, OtherTensor> } {
  const weights = new Map<string, StoredWeight>(tensors);
  if (quantization === undefined || quantization === null) return { weights, others };
  const fail = (problem: string): never => {
    throw new WeightFileError(configFile, problem);
  };
  const { quant_method: method, bits, block_size: blockSize } = Object(quantization);
  if (method !== METHOD)
    fail(
      `the weights are quantised by ${shown(method ?? quantization)}, which cannot be read: take the model's ` +
        'unquantised checkpoint, and `psoft quantize` for 4 bits',
    );
  if (bits !== 4 || !BLOCK_SIZES.includes(blockSize))
    fail(
      `quantization_config must have bits 4 and block_size ${BLOCK_SIZES.join(', ')}, got ${shown(quantization)}`,
    );
  const rest = new Map(others);
  for (const [key, { shape, place }] of others) {
    if (!key.endsWith(PARTS.packed) || place === undefined) continue;
    const name = key.slice(0, -PARTS.packed.length);
    const scales = tensors.get(name + PARTS.scales);
    const zeroPoints = others.get(name + PARTS.zeroPoints);
    const [rows = 0, blocks = 0] = shape;
    const full = [rows, blocks * blockSize] as const;
    const expected = partShapes(full, blockSize);
    const fits =
      blocks % 2 === 0 &&
      String(shape) === String(expected.packed) &&
      String(scales?.shape) === String(expected.scales) &&
      scales?.dtype !== 'BF16' &&
      zeroPoints?.place !== undefined &&
      String(zeroPoints.shape) === String(expected.zeroPoints);
    if (!fits)
      fail(
        `the parts of ${shown(name)} do not fit: ${shown(shape)}, scales ${shown(scales?.shape ?? 'missing')}, zero points ` +
          `${shown(zeroPoints?.shape ?? 'missing')} with block_size ${blockSize}; quantise the model again`,
      );
    const weight: QuantizedWeight = {
      kind: 'quantized',
      shape: full,
      blockSize,
      packed: place,
      scales: scales!,
      zeroPoints: zeroPoints!.place!,
    };
    weights.set(name, weight);
    weights.delete(name + PARTS.scales);
    rest.delete(key);
    rest.delete(name + PARTS.zeroPoints);
  }
  return { weights, others: rest };
}
