import { ParameterList } from '../parameters.ts';
import type { Task } from '../tasks.ts';
import type { DebertaConfig } from './config.ts';

export const EMBEDDINGS = 'deberta.embeddings';
export const ENCODER = 'deberta.encoder';

/** Names of the masked word head's parts, old and new. */
export function maskedHeadNames(config: DebertaConfig) {
  return config.legacyHead
    ? { module: 'cls', transform: 'cls.predictions.transform', bias: 'cls.predictions.bias' }
    : { module: 'lm_predictions', transform: 'lm_predictions.lm_head', bias: 'lm_predictions.lm_head.bias' };
}

/** Every parameter that the model for `task` reads, named as in transformers, in forward order. */
export function debertaParameters(config: DebertaConfig, task: Task): ParameterList {
  const head = maskedHeadNames(config);
  const heads = task === 'masked-lm' ? [head.module] : ['pooler', 'classifier'];
  const list = new ParameterList(heads, config.initializerRange);
  const { hiddenSize } = config;
  list.embedding(`${EMBEDDINGS}.word_embeddings`, config.vocabSize, hiddenSize, config.padTokenId);
  if (config.positionBiasedInput)
    list.embedding(`${EMBEDDINGS}.position_embeddings`, config.maxPositionEmbeddings, hiddenSize);
  if (config.typeVocabSize > 0)
    list.embedding(`${EMBEDDINGS}.token_type_embeddings`, config.typeVocabSize, hiddenSize);
  list.layerNorm(`${EMBEDDINGS}.LayerNorm`, hiddenSize);
  if (config.relative) {
    list.embedding(`${ENCODER}.rel_embeddings`, 2 * config.relative.span, hiddenSize);
    if (config.relative.normalised) list.layerNorm(`${ENCODER}.LayerNorm`, hiddenSize);
  }
  for (let i = 0; i < config.layers; i++) addLayer(list, config, `${ENCODER}.layer.${i}`);
  if (task === 'masked-lm') {
    list.linear(`${head.transform}.dense`, hiddenSize, hiddenSize);
    list.layerNorm(`${head.transform}.LayerNorm`, hiddenSize);
    list.bias(head.bias, config.vocabSize);
  } else {
    list.linear('pooler.dense', hiddenSize, hiddenSize);
    list.linear('classifier', hiddenSize, config.numLabels);
  }
  return list;
}

function addLayer(list: ParameterList, config: DebertaConfig, name: string): void {
  const { hiddenSize, intermediateSize, relative } = config;
  const attention = `${name}.attention.self`;
  for (const projection of ['query_proj', 'key_proj', 'value_proj'])
    list.linear(`${attention}.${projection}`, hiddenSize, hiddenSize);
  if (relative && !relative.sharedProjections) {
    if (relative.contentToPosition) list.linear(`${attention}.pos_key_proj`, hiddenSize, hiddenSize);
    if (relative.positionToContent) list.linear(`${attention}.pos_query_proj`, hiddenSize, hiddenSize);
  }
  list.linear(`${name}.attention.output.dense`, hiddenSize, hiddenSize);
  list.layerNorm(`${name}.attention.output.LayerNorm`, hiddenSize);
  list.linear(`${name}.intermediate.dense`, hiddenSize, intermediateSize);
  list.linear(`${name}.output.dense`, intermediateSize, hiddenSize);
  list.layerNorm(`${name}.output.LayerNorm`, hiddenSize);
}
