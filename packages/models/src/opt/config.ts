import { ACTIVATIONS, type ActivationName } from '../activations.ts';
import { ConfigReader, ModelConfigError } from '../configReader.ts';

/** What the computation needs of an OPT config.json (OPTConfig of transformers). */
export interface OptConfig {
  readonly vocabulary: number;
  readonly hiddenSize: number;
  /** Of word embeddings; where it is not hiddenSize, projections lie between (opt-350m). */
  readonly embeddingSize: number;
  readonly layers: number;
  readonly heads: number;
  readonly innerSize: number;
  readonly activation: ActivationName;
  /** Texts may have so many tokens, padding not counted. */
  readonly maxPositions: number;
  /** Norms before attention and the inner layer; otherwise after the sums (opt-350m). */
  readonly normsFirst: boolean;
  readonly hasFinalNorm: boolean;
  readonly hasBias: boolean;
  /** Norms scale and shift. */
  readonly hasNormWeights: boolean;
  readonly dropout: number;
  readonly attentionDropout: number;
  /** The output embeddings are the input's. */
  readonly isTied: boolean;
  /** Its embedding starts at zero. */
  readonly padId: number;
  readonly initializerRange: number;
}

const activationNames = Object.keys(ACTIVATIONS) as ActivationName[];

/**
 * Absent settings take the defaults of transformers, sizes are required.
 * @throws ModelConfigError naming the setting, its value and what is supported
 */
export function parseOptConfig(raw: Record<string, unknown>): OptConfig {
  const read = new ConfigReader(raw);
  const hiddenSize = read.integer('hidden_size', 1);
  const heads = read.integer('num_attention_heads', 1);
  if (hiddenSize % heads !== 0)
    throw new ModelConfigError(
      `config: hidden_size ${hiddenSize} is not a multiple of num_attention_heads ${heads}`,
    );
  // Whole layers left out in training: published checkpoints all have 0.
  read.only('layerdrop', 0);
  const normsFirst = read.boolean('do_layer_norm_before', true);
  return {
    vocabulary: read.integer('vocab_size', 1),
    hiddenSize,
    embeddingSize: read.integer('word_embed_proj_dim', 1, hiddenSize),
    layers: read.layers('num_hidden_layers'),
    heads,
    innerSize: read.integer('ffn_dim', 1),
    activation: read.oneOf('activation_function', activationNames, 'relu'),
    maxPositions: read.integer('max_position_embeddings', 1, 2048),
    normsFirst,
    hasFinalNorm: normsFirst && !read.boolean('_remove_final_layer_norm', false),
    hasBias: read.boolean('enable_bias', true),
    hasNormWeights: read.boolean('layer_norm_elementwise_affine', true),
    dropout: read.rate('dropout', 0.1),
    attentionDropout: read.rate('attention_dropout', 0),
    isTied: read.boolean('tie_word_embeddings', true),
    padId: read.integer('pad_token_id', 0, 1),
    initializerRange: read.positive('init_std', 0.02),
  };
}
