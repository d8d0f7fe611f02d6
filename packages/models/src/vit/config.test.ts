import { describe, expect, it } from 'vitest';
import { ModelConfigError } from '../configReader.ts';
import { parseVitConfig } from './config.ts';

/** Settings as in config.json of ViT-B/16. */
const vit = {
  model_type: 'vit',
  attention_probs_dropout_prob: 0,
  encoder_stride: 16,
  hidden_act: 'gelu',
  hidden_dropout_prob: 0,
  hidden_size: 768,
  image_size: 224,
  initializer_range: 0.02,
  intermediate_size: 3072,
  layer_norm_eps: 1e-12,
  num_attention_heads: 12,
  num_channels: 3,
  num_hidden_layers: 12,
  patch_size: 16,
  pooler_act: 'tanh',
  pooler_output_size: 768,
  qkv_bias: true,
};

/** Settings as in config.json of DINOv2 giant, the one with a gate. */
const dinov2 = {
  model_type: 'dinov2',
  hidden_size: 1536,
  num_hidden_layers: 40,
  num_attention_heads: 24,
  mlp_ratio: 4,
  image_size: 518,
  patch_size: 14,
  layerscale_value: 1,
  drop_path_rate: 0,
  use_swiglu_ffn: true,
};

describe('parseVitConfig', () => {
  it('reads a ViT configuration', () => {
    expect(parseVitConfig(vit)).toEqual({
      family: 'vit',
      imageSize: { height: 224, width: 224 },
      patchSize: { height: 16, width: 16 },
      channels: 3,
      hiddenSize: 768,
      layers: 12,
      heads: 12,
      headSize: 64,
      intermediateSize: 3072,
      activation: 'gelu',
      gated: false,
      qkvBias: true,
      layerNormEpsilon: 1e-12,
      initializerRange: 0.02,
      dropout: { hidden: 0, attention: 0 },
      numLabels: 2,
    });
  });

  it('reads a DINOv2 configuration, with the defaults of that type', () => {
    expect(parseVitConfig(dinov2)).toMatchObject({
      family: 'dinov2',
      intermediateSize: 4096,
      gated: true,
      layerScale: 1,
      layerNormEpsilon: 1e-6,
    });
    expect(parseVitConfig({ ...dinov2, use_swiglu_ffn: false }).intermediateSize).toBe(6144);
  });

  it('takes sizes as [height, width], and counts the labels', () => {
    const config = parseVitConfig({
      ...vit,
      image_size: [32, 48],
      patch_size: [16, 8],
      id2label: { 0: 'a', 1: 'b', 2: 'c' },
    });
    expect(config.imageSize).toEqual({ height: 32, width: 48 });
    expect(config.patchSize).toEqual({ height: 16, width: 8 });
    expect(config.numLabels).toBe(3);
  });

  it.each([
    [{ model_type: 'deit' }, 'config: model_type is "deit", supported: vit, dinov2'],
    [{ intermediate_size: undefined }, 'config: intermediate_size is missing, it must be an integer'],
    [{ image_size: undefined }, 'config: image_size is missing, it must be an integer or [height, width]'],
    [
      { patch_size: [16] },
      'config: patch_size is [16], supported: an integer of at least 1, or [height, width] of such',
    ],
    [
      { image_size: 0 },
      'config: image_size is 0, supported: an integer of at least 1, or [height, width] of such',
    ],
    [{ image_size: 225 }, 'config: image_size 225 x 225 is not a multiple of patch_size 16 x 16'],
    [{ num_attention_heads: 7 }, 'config: hidden_size 768 is not a multiple of num_attention_heads 7'],
    [{ head_dim: 32 }, 'config: head_dim is 32, supported: 64'],
    [{ num_channels: 0 }, 'config: num_channels is 0, supported: an integer of at least 1'],
    [
      { hidden_act: 'quick_gelu' },
      'config: hidden_act is "quick_gelu", supported: gelu, gelu_new, relu, silu, tanh',
    ],
    [{ qkv_bias: 1 }, 'config: qkv_bias is 1, supported: true or false'],
  ])('refuses %j', (change, message) => {
    expect(() => parseVitConfig({ ...vit, ...change })).toThrow(ModelConfigError);
    expect(() => parseVitConfig({ ...vit, ...change })).toThrow(message);
  });

  it.each([
    [{ drop_path_rate: 0.1 }, 'config: drop_path_rate is 0.1, supported: 0'],
    [{ mlp_ratio: 2.5 }, 'config: mlp_ratio is 2.5, supported: an integer of at least 1'],
    [
      { image_size: [28, 42] },
      'config: image_size is [28,42], supported: one with as many rows of patches as columns',
    ],
  ])('refuses %j for DINOv2', (change, message) => {
    expect(() => parseVitConfig({ ...dinov2, ...change })).toThrow(message);
  });
});
