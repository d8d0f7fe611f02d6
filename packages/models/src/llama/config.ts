import { ACTIVATIONS, type ActivationName } from '../activations.ts';
import { ConfigReader, ModelConfigError } from '../configReader.ts';
import { parseRope, type RopeConfig } from './rope.ts';

/** What the computation needs of a Llama config.json (LlamaConfig of transformers). */
export interface LlamaConfig {
  readonly vocabulary: number;
  readonly hiddenSize: number;
  readonly layers: number;
  readonly heads: number;
  /** Each serves a group of heads / kvHeads query heads. */
  readonly kvHeads: number;
  readonly headSize: number;
  readonly intermediateSize: number;
  readonly activation: ActivationName;
  readonly rmsNormEpsilon: number;
  readonly rope: RopeConfig;
  readonly attentionBias: boolean;
  readonly mlpBias: boolean;
  readonly attentionDropout: number;
  /** The output embeddings are the input's. */
  readonly isTied: boolean;
  readonly initializerRange: number;
}

const activationNames = Object.keys(ACTIVATIONS) as ActivationName[];

/**
 * Absent settings take the defaults of transformers, sizes are required.
 * @throws ModelConfigError naming the setting, its value and what is supported
 */
export function parseLlamaConfig(raw: Record<string, unknown>): LlamaConfig {
  const read = new ConfigReader(raw);
  const hiddenSize = read.integer('hidden_size', 1);
  const heads = read.integer('num_attention_heads', 1);
  const kvHeads = read.integer('num_key_value_heads', 1, heads);
  if (heads % kvHeads !== 0)
    throw new ModelConfigError(
      `config: num_attention_heads ${heads} is not a multiple of num_key_value_heads ${kvHeads}`,
    );
  if (read.get('head_dim') === undefined && hiddenSize % heads !== 0)
    throw new ModelConfigError(
      `config: hidden_size ${hiddenSize} is not a multiple of num_attention_heads ${heads}: give head_dim`,
    );
  const headSize = read.integer('head_dim', 2, Math.floor(hiddenSize / heads));
  if (headSize % 2 !== 0)
    throw new ModelConfigError(`config: head_dim ${headSize} must be even: its halves turn together`);
  return {
    vocabulary: read.integer('vocab_size', 1),
    hiddenSize,
    layers: read.layers('num_hidden_layers'),
    heads,
    kvHeads,
    headSize,
    intermediateSize: read.integer('intermediate_size', 1),
    activation: read.oneOf('hidden_act', activationNames, 'silu'),
    rmsNormEpsilon: read.positive('rms_norm_eps', 1e-6),
    rope: parseRope(read),
    attentionBias: read.boolean('attention_bias', false),
    mlpBias: read.boolean('mlp_bias', false),
    attentionDropout: read.rate('attention_dropout', 0),
    isTied: read.boolean('tie_word_embeddings', false),
    initializerRange: read.positive('initializer_range', 0.02),
  };
}
