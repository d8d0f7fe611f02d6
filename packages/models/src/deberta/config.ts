import { ACTIVATIONS, type ActivationName } from '../activations.ts';
import { ConfigReader, ModelConfigError } from '../configReader.ts';

/** What the computation needs of a DeBERTa-v2 or v3 config.json (DebertaV2Config of transformers). */
export interface DebertaConfig {
  readonly vocabSize: number;
  readonly hiddenSize: number;
  readonly layers: number;
  readonly heads: number;
  readonly headSize: number;
  readonly intermediateSize: number;
  readonly activation: ActivationName;
  readonly maxPositionEmbeddings: number;
  /** 0: no token type embeddings. */
  readonly typeVocabSize: number;
  /** Whether absolute position embeddings are added to the words. */
  readonly positionBiasedInput: boolean;
  readonly padTokenId: number;
  /** The position terms of the attention; undefined when the model has none. */
  readonly relative?: RelativeAttention;
  /** Content to content, and one for each kind of position term: the d of sqrt(d · factor). */
  readonly attentionScaleFactor: number;
  readonly layerNormEpsilon: number;
  readonly initializerRange: number;
  readonly dropout: {
    readonly hidden: number;
    readonly attention: number;
    readonly pooler: number;
    readonly classifier: number;
  };
  readonly poolerActivation: ActivationName;
  readonly numLabels: number;
  /** The masked word head with the names `cls.predictions.*`; false: `lm_predictions.lm_head.*`. */
  readonly legacyHead: boolean;
}

/** Disentangled attention (He et al. 2021, section 3.1). */
export interface RelativeAttention {
  /** The content of the query looks at the relative position of the key. */
  readonly contentToPosition: boolean;
  /** The relative position of the query looks at the content of the key. */
  readonly positionToContent: boolean;
  /** Buckets to each side, exact up to the half and logarithmic beyond; 0: every distance is its own. */
  readonly buckets: number;
  /** The largest distance told apart. */
  readonly maxDistance: number;
  /** Relative embeddings to each side; the table has twice as many rows. */
  readonly span: number;
  /** Positions go through the content's query and key projections, not through their own. */
  readonly sharedProjections: boolean;
  /** Whether the table of relative embeddings is layer-normalised. */
  readonly normalised: boolean;
}

const activationNames = Object.keys(ACTIVATIONS) as ActivationName[];

/**
 * Absent settings take the defaults of transformers, sizes are required.
 * @throws ModelConfigError naming the setting, its value and what is supported
 */
export function parseDebertaConfig(raw: Record<string, unknown>): DebertaConfig {
  const read = new ConfigReader(raw);
  read.oneOf('model_type', ['deberta-v2'], 'deberta-v2');
  const hiddenSize = read.integer('hidden_size', 1);
  const heads = read.integer('num_attention_heads', 1);
  if (hiddenSize % heads !== 0) {
    throw new ModelConfigError(
      `config: hidden_size ${hiddenSize} is not a multiple of num_attention_heads ${heads}`,
    );
  }
  read.only('embedding_size', hiddenSize);
  read.only('pooler_hidden_size', hiddenSize);
  read.only('attention_head_size', hiddenSize / heads);
  read.only('conv_kernel_size', 0);
  const terms = read.names('pos_att_type', ['c2p', 'p2c']);
  const maxPositionEmbeddings = read.integer('max_position_embeddings', 1, 512);
  const hidden = read.rate('hidden_dropout_prob', 0.1);
  const relative = read.boolean('relative_attention', false)
    ? parseRelative(read, terms, maxPositionEmbeddings)
    : undefined;
  return {
    vocabSize: read.integer('vocab_size', 1),
    hiddenSize,
    layers: read.layers('num_hidden_layers'),
    heads,
    headSize: hiddenSize / heads,
    intermediateSize: read.integer('intermediate_size', 1),
    activation: read.oneOf('hidden_act', activationNames, 'gelu'),
    maxPositionEmbeddings,
    typeVocabSize: read.integer('type_vocab_size', 0, 0),
    positionBiasedInput: read.boolean('position_biased_input', true),
    padTokenId: read.integer('pad_token_id', 0, 0),
    ...(relative && { relative }),
    attentionScaleFactor: 1 + terms.size,
    layerNormEpsilon: read.positive('layer_norm_eps', 1e-7),
    initializerRange: read.positive('initializer_range', 0.02),
    dropout: {
      hidden,
      attention: read.rate('attention_probs_dropout_prob', 0.1),
      pooler: read.rate('pooler_dropout', 0),
      classifier: read.rate('cls_dropout', hidden),
    },
    poolerActivation: read.oneOf('pooler_hidden_act', activationNames, 'gelu'),
    numLabels: read.labelCount(),
    legacyHead: read.boolean('legacy', true),
  };
}

function parseRelative(
  read: ConfigReader,
  terms: ReadonlySet<'c2p' | 'p2c'>,
  maxPositionEmbeddings: number,
): RelativeAttention {
  const limit = read.integer('max_relative_positions', -1, -1);
  const maxDistance = limit < 1 ? maxPositionEmbeddings : limit;
  const buckets = Math.max(0, read.integer('position_buckets', -1, -1));
  if (buckets === 1) throw read.refuse('position_buckets', '-1, or at least 2');
  if (buckets > 0 && maxDistance - 1 <= Math.floor(buckets / 2)) {
    throw new ModelConfigError(
      `config: position_buckets ${buckets} leaves no distance for the logarithmic buckets, ` +
        `half of it must be below max_relative_positions - 1 = ${maxDistance - 1}`,
    );
  }
  return {
    contentToPosition: terms.has('c2p'),
    positionToContent: terms.has('p2c'),
    buckets,
    maxDistance,
    span: buckets > 0 ? buckets : maxDistance,
    sharedProjections: read.boolean('share_att_key', false),
    normalised: read.names('norm_rel_ebd', ['layer_norm', 'none']).has('layer_norm'),
  };
}
