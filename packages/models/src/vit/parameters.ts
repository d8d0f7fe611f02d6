import type { WeightSource } from '@psoft/engine';
import { ParameterList } from '../parameters.ts';
import { gridOf, type VitConfig } from './config.ts';

/** Names of the parts outside the layers; the model type is the prefix. */
export function vitNames({ family }: VitConfig) {
  const embeddings = `${family}.embeddings`;
  return {
    classToken: `${embeddings}.cls_token`,
    positions: `${embeddings}.position_embeddings`,
    projection: `${embeddings}.patch_embeddings.projection`,
    finalNorm: `${family}.layernorm`,
  };
}

/** Modules of one layer, and the parameters that scale its branches. */
export interface LayerNames {
  readonly normBefore: string;
  readonly query: string;
  readonly key: string;
  readonly value: string;
  readonly attentionOutput: string;
  readonly attentionScale: string;
  readonly normAfter: string;
  readonly inner: string;
  readonly outer: string;
  readonly outerScale: string;
}

export function layerNames({ family, gated }: VitConfig, index: number): LayerNames {
  const layer = `${family}.encoder.layer.${index}`;
  const attention = {
    query: `${layer}.attention.attention.query`,
    key: `${layer}.attention.attention.key`,
    value: `${layer}.attention.attention.value`,
    attentionOutput: `${layer}.attention.output.dense`,
    attentionScale: `${layer}.layer_scale1.lambda1`,
    outerScale: `${layer}.layer_scale2.lambda1`,
  };
  if (family === 'vit') {
    return {
      ...attention,
      normBefore: `${layer}.layernorm_before`,
      normAfter: `${layer}.layernorm_after`,
      inner: `${layer}.intermediate.dense`,
      outer: `${layer}.output.dense`,
    };
  }
  return {
    ...attention,
    normBefore: `${layer}.norm1`,
    normAfter: `${layer}.norm2`,
    inner: `${layer}.mlp.${gated ? 'weights_in' : 'fc1'}`,
    outer: `${layer}.mlp.${gated ? 'weights_out' : 'fc2'}`,
  };
}

/**
 * Every parameter that image classification reads, in forward order, named as in the checkpoints that transformers
 * publishes and writes (in memory its version 5 calls them otherwise).
 */
export function vitParameters(config: VitConfig): ParameterList {
  const { hiddenSize, channels, imageSize, patchSize } = config;
  const names = vitNames(config);
  const list = new ParameterList(['classifier'], config.initializerRange);
  const { rows, columns } = gridOf(imageSize, patchSize);
  list.parameter(names.classToken, [1, 1, hiddenSize], 'normal');
  list.parameter(names.positions, [1, rows * columns + 1, hiddenSize], 'normal');
  // A convolution in transformers: no linear layer to adapt.
  list.parameter(
    `${names.projection}.weight`,
    [hiddenSize, channels, patchSize.height, patchSize.width],
    'normal',
  );
  list.bias(`${names.projection}.bias`, hiddenSize);
  for (let i = 0; i < config.layers; i++) addLayer(list, config, layerNames(config, i));
  list.layerNorm(names.finalNorm, hiddenSize);
  list.linear('classifier', classifierInputs(config), config.numLabels);
  return list;
}

/** Features of the classifier: the class token's, for DINOv2 joined by the mean of the patches'. */
function classifierInputs({ family, hiddenSize }: VitConfig): number {
  return family === 'dinov2' ? 2 * hiddenSize : hiddenSize;
}

function addLayer(list: ParameterList, config: VitConfig, names: LayerNames): void {
  const { hiddenSize, intermediateSize, qkvBias, gated, layerScale } = config;
  list.layerNorm(names.normBefore, hiddenSize);
  for (const name of [names.query, names.key, names.value])
    list.linear(name, hiddenSize, hiddenSize, qkvBias);
  list.linear(names.attentionOutput, hiddenSize, hiddenSize);
  if (layerScale !== undefined) list.parameter(names.attentionScale, [hiddenSize], layerScale);
  list.layerNorm(names.normAfter, hiddenSize);
  list.linear(names.inner, hiddenSize, gated ? 2 * intermediateSize : intermediateSize);
  list.linear(names.outer, intermediateSize, hiddenSize);
  if (layerScale !== undefined) list.parameter(names.outerScale, [hiddenSize], layerScale);
}

/**
 * The weights under the names of the classification model: a checkpoint of the bare encoder (ViTModel, as
 * google/vit-base-patch16-224-in21k) has them without the prefix.
 */
export function prefixed(
  { family }: VitConfig,
  list: ParameterList,
  weights: ReadonlyMap<string, WeightSource>,
): ReadonlyMap<string, WeightSource> {
  const found = new Map<string, WeightSource>();
  for (const name of list.parameters.keys()) {
    const bare = name.startsWith(`${family}.`) ? name.slice(family.length + 1) : name;
    const source = weights.get(name) ?? weights.get(bare);
    if (source !== undefined) found.set(name, source);
  }
  return found;
}
