/** What llama.cpp calls the parts of a Llama, and how it lays them out, brought back to transformers' way. */

import { shown } from '@psoft/engine/errors';
import { parseLlamaConfig } from '../llama/config.ts';
import { layerNames, llamaParameters } from '../llama/parameters.ts';
import { type RopeConfig, ropeFrequencies } from '../llama/rope.ts';
import { GgufError, type Metadata } from './metadata.ts';

/** Factors on the frequencies of a stretched rotary embedding; only Llama 3's are stored so. */
export const ROPE_FACTORS = 'rope_freqs.weight';

/**
 * config.json.
 * @param tensors names of the file's tensors
 * @param ropeFactors values of {@link ROPE_FACTORS}, where it is there
 * @throws GgufError for what LlamaForCausalLM has not
 */
export function llamaConfig(
  metadata: Metadata,
  tensors: ReadonlySet<string>,
  ropeFactors: Float32Array | undefined,
): Record<string, unknown> {
  const architecture = metadata.text('general.architecture');
  if (architecture !== 'llama')
    throw new GgufError(`GGUF: the architecture is ${shown(architecture)}, only "llama" can be imported`);
  if (metadata.number('llama.expert_count', 0) > 0)
    throw new GgufError('GGUF: a mixture of experts (llama.expert_count) is no LlamaForCausalLM');
  const hidden = metadata.number('llama.embedding_length');
  const heads = metadata.number('llama.attention.head_count');
  const headSize = metadata.number('llama.attention.key_length', hidden / heads);
  const turned = metadata.number('llama.rope.dimension_count', headSize);
  if (turned !== headSize)
    throw new GgufError(
      `GGUF: ${turned} of ${headSize} components of a head are turned (llama.rope.dimension_count), supported: all`,
    );
  const tokens = metadata.texts('tokenizer.ggml.tokens');
  const ids = ['bos', 'eos', 'pad'].flatMap((role) => {
    const key = `tokenizer.ggml.${role === 'pad' ? 'padding' : role}_token_id`;
    return metadata.has(key) ? [[`${role}_token_id`, metadata.number(key)]] : [];
  });
  const theta = metadata.number('llama.rope.freq_base', 10000);
  return {
    architectures: ['LlamaForCausalLM'],
    model_type: 'llama',
    vocab_size: metadata.number('llama.vocab_size', tokens.length),
    hidden_size: hidden,
    num_hidden_layers: metadata.number('llama.block_count'),
    num_attention_heads: heads,
    num_key_value_heads: metadata.number('llama.attention.head_count_kv', heads),
    head_dim: headSize,
    intermediate_size: metadata.number('llama.feed_forward_length'),
    hidden_act: 'silu',
    max_position_embeddings: metadata.number('llama.context_length'),
    rms_norm_eps: metadata.number('llama.attention.layer_norm_rms_epsilon'),
    rope_theta: theta,
    rope_scaling: ropeScaling(metadata, theta, headSize, ropeFactors),
    attention_bias: tensors.has('blk.0.attn_q.bias'),
    mlp_bias: tensors.has('blk.0.ffn_gate.bias'),
    tie_word_embeddings: !tensors.has('output.weight'),
    ...Object.fromEntries(ids),
  };
}

function ropeScaling(
  metadata: Metadata,
  theta: number,
  headSize: number,
  factors: Float32Array | undefined,
): Record<string, unknown> | null {
  const type = metadata.text('llama.rope.scaling.type', 'none');
  if (type === 'linear') return { rope_type: 'linear', factor: metadata.number('llama.rope.scaling.factor') };
  if (type !== 'none')
    throw new GgufError(
      `GGUF: llama.rope.scaling.type is ${shown(type)}, supported: none, linear, and Llama 3's`,
    );
  return factors === undefined ? null : llama3Scaling(theta, headSize, factors);
}

/**
 * The setting that gives these factors: the file has no other trace of it. Factor 8 is Llama 3.1's, 32 is 3.2's; the
 * rest is the same in all of them.
 */
function llama3Scaling(theta: number, headSize: number, factors: Float32Array): Record<string, unknown> {
  const scaling = {
    kind: 'llama3',
    // Of a quotient of float32 numbers.
    factor: Number(factors.reduce((a, b) => Math.max(a, b), 0).toPrecision(5)),
    lowFrequencyFactor: 1,
    highFrequencyFactor: 4,
    originalPositions: 8192,
  } satisfies RopeConfig['scaling'];
  const plain = ropeFrequencies({ theta, scaling: { kind: 'none' } }, headSize);
  const stretched = ropeFrequencies({ theta, scaling }, headSize);
  const fits =
    factors.length === plain.length &&
    factors.every((factor, i) => Math.abs(plain[i]! / stretched[i]! / factor - 1) < 1e-3);
  if (!fits)
    throw new GgufError(
      `GGUF: the factors in ${ROPE_FACTORS} are not Llama 3's (low_freq_factor 1, high_freq_factor 4, ` +
        'original_max_position_embeddings 8192): this scaling cannot be imported',
    );
  return {
    rope_type: 'llama3',
    factor: scaling.factor,
    low_freq_factor: scaling.lowFrequencyFactor,
    high_freq_factor: scaling.highFrequencyFactor,
    original_max_position_embeddings: scaling.originalPositions,
  };
}

/** A parameter of the model, and where it comes from. */
export interface TensorPlan {
  readonly name: string;
  readonly shape: readonly number[];
  readonly from: string;
  /** Heads of a query or key projection, whose rows llama.cpp keeps in another order. */
  readonly heads?: number;
}

const MODULES = {
  normBefore: 'attn_norm',
  query: 'attn_q',
  key: 'attn_k',
  value: 'attn_v',
  attentionOutput: 'attn_output',
  normAfter: 'ffn_norm',
  gate: 'ffn_gate',
  up: 'ffn_up',
  down: 'ffn_down',
} as const;

/** Every parameter of the model that config.json describes. */
export function tensorPlans(config: Record<string, unknown>): TensorPlan[] {
  const parsed = parseLlamaConfig(config);
  const from = new Map([
    ['model.embed_tokens', 'token_embd'],
    ['model.norm', 'output_norm'],
    ['lm_head', 'output'],
  ]);
  const heads = new Map<string, number>();
  for (let i = 0; i < parsed.layers; i++) {
    const names = layerNames(i);
    for (const part of Object.keys(MODULES) as (keyof typeof MODULES)[])
      from.set(names[part], `blk.${i}.${MODULES[part]}`);
    heads.set(names.query, parsed.heads);
    heads.set(names.key, parsed.kvHeads);
  }
  return [...llamaParameters(parsed).parameters].map(([name, { shape }]) => {
    const dot = name.lastIndexOf('.');
    const module = name.slice(0, dot);
    const count = heads.get(module);
    return {
      name,
      shape,
      from: from.get(module)! + name.slice(dot),
      ...(count === undefined ? {} : { heads: count }),
    };
  });
}

/**
 * Rows of a query or key projection (or elements of its bias) in transformers' order: a head's first halves of all
 * turning pairs, then the second halves. llama.cpp keeps the two of a pair together.
 */
export function unpermute(values: Float32Array, rows: number, heads: number): Float32Array {
  const width = values.length / rows;
  const size = rows / heads;
  const out = new Float32Array(values.length);
  for (let row = 0; row < rows; row++) {
    const [head, place] = [Math.floor(row / size), row % size];
    const pair = place % (size / 2);
    const second = place < size / 2 ? 0 : 1;
    const source = head * size + 2 * pair + second;
    out.set(values.subarray(source * width, (source + 1) * width), row * width);
  }
  return out;
}
