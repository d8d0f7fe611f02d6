import type { WeightSource } from '@psoft/engine';
import { ParameterList } from '../parameters.ts';
import type { OptConfig } from './config.ts';

const DECODER = 'model.decoder';
export const WORDS = `${DECODER}.embed_tokens`;
export const POSITIONS = `${DECODER}.embed_positions`;
export const PROJECT_IN = `${DECODER}.project_in`;
export const PROJECT_OUT = `${DECODER}.project_out`;
export const FINAL_NORM = `${DECODER}.final_layer_norm`;

/** Rows of the position embeddings that stand before that of the first token; the second is padding's. */
export const POSITION_OFFSET = 2;

export function layerNames(index: number) {
  const layer = `${DECODER}.layers.${index}`;
  return {
    attentionNorm: `${layer}.self_attn_layer_norm`,
    query: `${layer}.self_attn.q_proj`,
    key: `${layer}.self_attn.k_proj`,
    value: `${layer}.self_attn.v_proj`,
    attentionOutput: `${layer}.self_attn.out_proj`,
    innerNorm: `${layer}.final_layer_norm`,
    inner: `${layer}.fc1`,
    outer: `${layer}.fc2`,
  };
}

/** The module whose weight multiplies the last hidden states. */
export const wordHeadName = ({ isTied }: OptConfig): string => (isTied ? WORDS : 'lm_head');

/** Every parameter, in forward order, named as in transformers. The word head is no linear module to adapt: PEFT's rule. */
export function optParameters(config: OptConfig): ParameterList {
  const { vocabulary, hiddenSize, embeddingSize, innerSize, hasBias } = config;
  const list = new ParameterList([], config.initializerRange);
  const norm = (name: string) => {
    if (config.hasNormWeights) list.layerNorm(name, hiddenSize);
  };
  list.embedding(WORDS, vocabulary, embeddingSize, config.padId);
  list.embedding(POSITIONS, config.maxPositions + POSITION_OFFSET, hiddenSize);
  if (embeddingSize !== hiddenSize) list.linear(PROJECT_IN, embeddingSize, hiddenSize, false);
  for (let i = 0; i < config.layers; i++) {
    const names = layerNames(i);
    norm(names.attentionNorm);
    for (const name of [names.query, names.key, names.value, names.attentionOutput])
      list.linear(name, hiddenSize, hiddenSize, hasBias);
    norm(names.innerNorm);
    list.linear(names.inner, hiddenSize, innerSize, hasBias);
    list.linear(names.outer, innerSize, hiddenSize, hasBias);
  }
  if (config.hasFinalNorm) norm(FINAL_NORM);
  if (embeddingSize !== hiddenSize) list.linear(PROJECT_OUT, hiddenSize, embeddingSize, false);
  if (!config.isTied) list.parameter('lm_head.weight', [vocabulary, embeddingSize], 'normal');
  return list;
}

/**
 * The weights under the names of the language model: some published checkpoints are of the bare decoder, whose names
 * lack "model.".
 */
export function prefixed(
  list: ParameterList,
  weights: ReadonlyMap<string, WeightSource>,
): ReadonlyMap<string, WeightSource> {
  const found = new Map<string, WeightSource>();
  for (const name of list.parameters.keys()) {
    const source = weights.get(name) ?? weights.get(name.replace(/^model\./, ''));
    if (source !== undefined) found.set(name, source);
  }
  return found;
}
