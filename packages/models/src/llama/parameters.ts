import { ParameterList } from '../parameters.ts';
import type { LlamaConfig } from './config.ts';

export const EMBEDDINGS = 'model.embed_tokens';
export const FINAL_NORM = 'model.norm';

export function layerNames(index: number) {
  const layer = `model.layers.${index}`;
  return {
    normBefore: `${layer}.input_layernorm`,
    query: `${layer}.self_attn.q_proj`,
    key: `${layer}.self_attn.k_proj`,
    value: `${layer}.self_attn.v_proj`,
    attentionOutput: `${layer}.self_attn.o_proj`,
    normAfter: `${layer}.post_attention_layernorm`,
    gate: `${layer}.mlp.gate_proj`,
    up: `${layer}.mlp.up_proj`,
    down: `${layer}.mlp.down_proj`,
  };
}

/** The module whose weight multiplies the last hidden states. */
export const wordHeadName = ({ isTied }: LlamaConfig): string => (isTied ? EMBEDDINGS : 'lm_head');

/** Every parameter, in forward order, named as in transformers. The word head is no linear module to adapt: PEFT's rule. */
export function llamaParameters(config: LlamaConfig): ParameterList {
  const { vocabulary, hiddenSize, heads, kvHeads, headSize, intermediateSize } = config;
  const { attentionBias, mlpBias } = config;
  const list = new ParameterList([], config.initializerRange);
  list.embedding(EMBEDDINGS, vocabulary, hiddenSize);
  for (let i = 0; i < config.layers; i++) {
    const names = layerNames(i);
    list.parameter(`${names.normBefore}.weight`, [hiddenSize], 1);
    list.linear(names.query, hiddenSize, heads * headSize, attentionBias);
    list.linear(names.key, hiddenSize, kvHeads * headSize, attentionBias);
    list.linear(names.value, hiddenSize, kvHeads * headSize, attentionBias);
    list.linear(names.attentionOutput, heads * headSize, hiddenSize, attentionBias);
    list.parameter(`${names.normAfter}.weight`, [hiddenSize], 1);
    list.linear(names.gate, hiddenSize, intermediateSize, mlpBias);
    list.linear(names.up, hiddenSize, intermediateSize, mlpBias);
    list.linear(names.down, intermediateSize, hiddenSize, mlpBias);
  }
  list.parameter(`${FINAL_NORM}.weight`, [hiddenSize], 1);
  if (!config.isTied) list.parameter('lm_head.weight', [vocabulary, hiddenSize], 'normal');
  return list;
}
