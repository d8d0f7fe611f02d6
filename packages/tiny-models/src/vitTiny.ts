import { PRETRAINING_CLASSES } from '@psoft/datasets';

/** The tiny ViT: the architecture of google/vit-base-patch16-224 at about a two-hundredth of its size. */
export const VIT_TINY = {
  model_type: 'vit',
  architectures: ['ViTForImageClassification'],
  hidden_size: 96,
  num_hidden_layers: 4,
  num_attention_heads: 3,
  intermediate_size: 384,
  hidden_act: 'gelu',
  hidden_dropout_prob: 0,
  attention_probs_dropout_prob: 0,
  initializer_range: 0.02,
  layer_norm_eps: 1e-12,
  image_size: 32,
  patch_size: 8,
  num_channels: 3,
  qkv_bias: true,
} as const;

/** Its preprocessor_config.json: that of google/vit-base-patch16-224-in21k but for the size. */
export const VIT_TINY_PROCESSOR = {
  do_normalize: true,
  do_rescale: true,
  do_resize: true,
  image_mean: [0.5, 0.5, 0.5],
  image_processor_type: 'ViTImageProcessor',
  image_std: [0.5, 0.5, 0.5],
  resample: 2,
  rescale_factor: 1 / 255,
  size: { height: VIT_TINY.image_size, width: VIT_TINY.image_size },
} as const;

/** With the head of pre-training, whose weights the checkpoint leaves out. */
export function pretrainingConfig() {
  const names = Array.from({ length: PRETRAINING_CLASSES }, (_, i) => [i, `LABEL_${i}`] as const);
  return {
    ...VIT_TINY,
    id2label: Object.fromEntries(names),
    label2id: Object.fromEntries(names.map(([i, name]) => [name, i])),
  };
}
