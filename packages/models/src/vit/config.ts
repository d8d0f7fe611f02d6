import { ACTIVATIONS, type ActivationName } from '../activations.ts';
import { ConfigReader, ModelConfigError, type Size } from '../configReader.ts';

/** Model types of the family: they share the patches and the attention, not the layers' names. */
export const VIT_FAMILIES = ['vit', 'dinov2'] as const;

export type VitFamily = (typeof VIT_FAMILIES)[number];

/** What the computation needs of a ViT or DINOv2 config.json (ViTConfig and Dinov2Config of transformers). */
export interface VitConfig {
  readonly family: VitFamily;
  /** Of the images, in pixels; a multiple of the patch. DINOv2 takes others too, with interpolated positions. */
  readonly imageSize: Size;
  readonly patchSize: Size;
  readonly channels: number;
  readonly hiddenSize: number;
  readonly layers: number;
  readonly heads: number;
  readonly headSize: number;
  /** Of the feed-forward layer; with a gate, of each of its halves. */
  readonly intermediateSize: number;
  readonly activation: ActivationName;
  /** silu(first half) · second half in place of the activation (SwiGLU, Shazeer 2020, equation 6). */
  readonly gated: boolean;
  /** Whether query, key and value have a bias. */
  readonly qkvBias: boolean;
  /** What each branch is multiplied with at the start, by channel; absent: branches are not scaled. */
  readonly layerScale?: number;
  readonly layerNormEpsilon: number;
  readonly initializerRange: number;
  readonly dropout: { readonly hidden: number; readonly attention: number };
  readonly numLabels: number;
}

const activationNames = Object.keys(ACTIVATIONS) as ActivationName[];

/**
 * Absent settings take the defaults of transformers, sizes are required. What belongs to other tasks (encoder_stride,
 * pooler_output_size, pooler_act, use_mask_token, and a backbone's outputs) is not read.
 * @throws ModelConfigError naming the setting, its value and what is supported
 */
export function parseVitConfig(raw: Record<string, unknown>): VitConfig {
  const read = new ConfigReader(raw);
  const family = read.oneOf('model_type', VIT_FAMILIES, 'vit');
  const hiddenSize = read.integer('hidden_size', 1);
  const heads = read.integer('num_attention_heads', 1);
  if (hiddenSize % heads !== 0) {
    throw new ModelConfigError(
      `config: hidden_size ${hiddenSize} is not a multiple of num_attention_heads ${heads}`,
    );
  }
  read.only('head_dim', hiddenSize / heads);
  return {
    family,
    ...parseSizes(read, family),
    channels: read.integer('num_channels', 1, 3),
    hiddenSize,
    layers: read.layers('num_hidden_layers'),
    heads,
    headSize: hiddenSize / heads,
    ...(family === 'dinov2' ? parseDinov2(read, hiddenSize) : parseVit(read)),
    activation: read.oneOf('hidden_act', activationNames, 'gelu'),
    qkvBias: read.boolean('qkv_bias', true),
    initializerRange: read.positive('initializer_range', 0.02),
    dropout: {
      hidden: read.rate('hidden_dropout_prob', 0),
      attention: read.rate('attention_probs_dropout_prob', 0),
    },
    numLabels: read.labelCount(),
  };
}

type OfFamily = Pick<VitConfig, 'intermediateSize' | 'gated' | 'layerScale' | 'layerNormEpsilon'>;

function parseVit(read: ConfigReader): OfFamily {
  return {
    intermediateSize: read.integer('intermediate_size', 1),
    gated: false,
    layerNormEpsilon: read.positive('layer_norm_eps', 1e-12),
  };
}

function parseDinov2(read: ConfigReader, hiddenSize: number): OfFamily {
  // Dropping whole branches by example is not implemented; published checkpoints have it off.
  read.only('drop_path_rate', 0);
  const gated = read.boolean('use_swiglu_ffn', false);
  const size = hiddenSize * read.integer('mlp_ratio', 1, 4);
  return {
    // Two thirds keep the number of parameters of a layer without a gate, rounded up to a multiple of 8.
    intermediateSize: gated ? Math.ceil(Math.floor((size * 2) / 3) / 8) * 8 : size,
    gated,
    layerScale: read.positive('layerscale_value', 1),
    layerNormEpsilon: read.positive('layer_norm_eps', 1e-6),
  };
}

function parseSizes(read: ConfigReader, family: VitFamily): Pick<VitConfig, 'imageSize' | 'patchSize'> {
  const imageSize = read.size('image_size');
  const patchSize = read.size('patch_size');
  if (imageSize.height % patchSize.height !== 0 || imageSize.width % patchSize.width !== 0) {
    throw new ModelConfigError(
      `config: image_size ${sizeText(imageSize)} is not a multiple of patch_size ${sizeText(patchSize)}`,
    );
  }
  const { rows, columns } = gridOf(imageSize, patchSize);
  // transformers takes the table of positions for a square whatever the image.
  if (family === 'dinov2' && rows !== columns)
    throw read.refuse('image_size', 'one with as many rows of patches as columns');
  return { imageSize, patchSize };
}

/** Rows and columns of patches in an image. */
export interface Grid {
  readonly rows: number;
  readonly columns: number;
}

export function gridOf(image: Size, patch: Size): Grid {
  return { rows: image.height / patch.height, columns: image.width / patch.width };
}

/**
 * Tokens that the encoder makes of an image: its patches and the class token.
 * @param raw the parsed config.json
 * @throws ModelConfigError as {@link parseVitConfig}
 */
export function imageTokens(raw: Record<string, unknown>): number {
  const { imageSize, patchSize } = parseVitConfig(raw);
  const { rows, columns } = gridOf(imageSize, patchSize);
  return rows * columns + 1;
}

export function sizeText({ height, width }: Size): string {
  return `${height} x ${width}`;
}
