import { describe, expect, it } from 'vitest';
import { ModelConfigError } from '../configReader.ts';
import { parseDebertaConfig } from './config.ts';

/** Settings as in DeBERTaV3-base's config.json. */
const base = {
  model_type: 'deberta-v2',
  attention_probs_dropout_prob: 0.1,
  hidden_act: 'gelu',
  hidden_dropout_prob: 0.1,
  hidden_size: 768,
  initializer_range: 0.02,
  intermediate_size: 3072,
  max_position_embeddings: 512,
  relative_attention: true,
  position_buckets: 256,
  norm_rel_ebd: 'layer_norm',
  share_att_key: true,
  pos_att_type: 'p2c|c2p',
  layer_norm_eps: 1e-7,
  max_relative_positions: -1,
  position_biased_input: false,
  num_attention_heads: 12,
  num_hidden_layers: 12,
  type_vocab_size: 0,
  vocab_size: 128100,
};

describe('parseDebertaConfig', () => {
  it('reads a v3 configuration', () => {
    expect(parseDebertaConfig(base)).toEqual({
      vocabSize: 128100,
      hiddenSize: 768,
      layers: 12,
      heads: 12,
      headSize: 64,
      intermediateSize: 3072,
      activation: 'gelu',
      maxPositionEmbeddings: 512,
      typeVocabSize: 0,
      positionBiasedInput: false,
      padTokenId: 0,
      relative: {
        contentToPosition: true,
        positionToContent: true,
        buckets: 256,
        maxDistance: 512,
        span: 256,
        sharedProjections: true,
        normalised: true,
      },
      attentionScaleFactor: 3,
      layerNormEpsilon: 1e-7,
      initializerRange: 0.02,
      dropout: { hidden: 0.1, attention: 0.1, pooler: 0, classifier: 0.1 },
      poolerActivation: 'gelu',
      numLabels: 2,
      legacyHead: true,
    });
  });

  it('takes the terms from a list, and null for absent', () => {
    const config = parseDebertaConfig({
      ...base,
      pos_att_type: ['c2p'],
      cls_dropout: null,
      position_buckets: null,
    });
    expect(config.attentionScaleFactor).toBe(2);
    expect(config.relative).toMatchObject({ positionToContent: false, buckets: 0, span: 512 });
    expect(config.dropout.classifier).toBe(0.1);
  });

  it('counts the labels', () => {
    expect(parseDebertaConfig({ ...base, id2label: { 0: 'a', 1: 'b', 2: 'c' } }).numLabels).toBe(3);
    expect(parseDebertaConfig({ ...base, num_labels: 5 }).numLabels).toBe(5);
  });

  it.each([
    [{ model_type: 'bert' }, 'config: model_type is "bert", supported: deberta-v2'],
    [{ hidden_size: undefined }, 'config: hidden_size is missing, it must be an integer'],
    [{ hidden_size: '768' }, 'config: hidden_size is "768", supported: an integer of at least 1'],
    [{ num_attention_heads: 7 }, 'config: hidden_size 768 is not a multiple of num_attention_heads 7'],
    [{ embedding_size: 128 }, 'config: embedding_size is 128, supported: 768'],
    [{ conv_kernel_size: 3 }, 'config: conv_kernel_size is 3, supported: 0'],
    [{ hidden_act: 'mish' }, 'config: hidden_act is "mish", supported: gelu, gelu_new, relu, silu, tanh'],
    [{ pos_att_type: 'p2c|p2p' }, 'config: pos_att_type is "p2c|p2p", supported: c2p, p2c'],
    [{ norm_rel_ebd: 'batch_norm' }, 'config: norm_rel_ebd is "batch_norm", supported: layer_norm, none'],
    [
      { hidden_dropout_prob: 1 },
      'config: hidden_dropout_prob is 1, supported: a rate of at least 0 and below 1',
    ],
    [{ layer_norm_eps: 0 }, 'config: layer_norm_eps is 0, supported: a number above 0'],
    [{ share_att_key: 'yes' }, 'config: share_att_key is "yes", supported: true or false'],
    [{ position_buckets: 1 }, 'config: position_buckets is 1, supported: -1, or at least 2'],
    [
      { position_buckets: 2000 },
      'config: position_buckets 2000 leaves no distance for the logarithmic buckets',
    ],
    [{ num_labels: 3, id2label: { 0: 'a', 1: 'b' } }, 'config: num_labels is 3, but id2label names 2 labels'],
    [{ id2label: {} }, 'config: id2label is {}, supported: an object from label numbers to names'],
  ])('refuses %j', (change, message) => {
    expect(() => parseDebertaConfig({ ...base, ...change })).toThrow(ModelConfigError);
    expect(() => parseDebertaConfig({ ...base, ...change })).toThrow(message);
  });
});
