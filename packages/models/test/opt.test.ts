/** What OPT has beside the other decoders; its numbers are compared in causal.test.ts. */
import { tf, useBackend } from '@psoft/engine';
import { initialiseModel, ModelConfigError, modelFor, parseOptConfig } from '@psoft/models';
import { beforeAll, describe, expect, test } from 'vitest';
import { cases, causalWeights } from './causalFixture.ts';
import { scopeOf } from './parity.ts';

const one = cases.find(({ name }) => name.startsWith('opt: norms before'))!;
const weights = causalWeights(one);

beforeAll(() => useBackend('eager-cpu'));

test('checkpoints of the bare decoder, and those with tied output embeddings as well', () => {
  const bare = new Map([...weights].map(([name, source]) => [name.replace('model.', ''), source]));
  expect([...bare.keys()][0]).toBe('decoder.embed_positions.weight');
  expect(modelFor('causal-lm', one.config, bare).weights).toEqual(
    modelFor('causal-lm', one.config, weights).weights,
  );
  const tied = new Map([...weights, ['lm_head.weight', weights.get('model.decoder.embed_tokens.weight')!]]);
  expect(modelFor('causal-lm', one.config, tied).weights.has('lm_head.weight')).toBe(false);
});

test('more tokens than positions are refused', () => {
  const model = modelFor('causal-lm', one.config, weights);
  tf.tidy(() => {
    const tensors = Object.fromEntries(
      [...weights].map(([name, { data, shape }]) => [name, tf.tensor(data, [...shape])]),
    );
    const run = (length: number) =>
      model.forward(scopeOf(model, tensors), { inputIds: tf.ones([1, length], 'int32') });
    expect(run(32).logits!.shape).toEqual([1, 32, 40]);
    expect(() => run(33)).toThrow(
      'texts of 33 tokens with padding, the model has 32 positions (max_position_embeddings): shorten',
    );
  });
});

test('a new model: the embedding of padding is zero', () => {
  const made = initialiseModel('causal-lm', one.config, 3);
  const words = made.get('model.decoder.embed_tokens.weight')!.data;
  expect([...words.slice(32, 64)]).toEqual(new Array(32).fill(0));
  expect(Math.hypot(...words) / Math.sqrt(39 * 32)).toBeCloseTo(0.02, 3);
  expect(Object.fromEntries([...made].map(([name, { shape }]) => [name, shape]))).toEqual(one.parameters);
});

describe('config', () => {
  test('sizes alone: the rest as in transformers', () => {
    const sizes = {
      vocab_size: 50272,
      hidden_size: 768,
      num_hidden_layers: 12,
      num_attention_heads: 12,
      ffn_dim: 3072,
    };
    expect(parseOptConfig(sizes)).toMatchObject({
      embeddingSize: 768,
      activation: 'relu',
      maxPositions: 2048,
      normsFirst: true,
      hasFinalNorm: true,
      isTied: true,
      dropout: 0.1,
      attentionDropout: 0,
    });
  });

  test.each([
    [{ num_attention_heads: 5 }, 'config: hidden_size 32 is not a multiple of num_attention_heads 5'],
    [{ layerdrop: 0.1 }, 'config: layerdrop is 0.1, supported: 0'],
    [{ ffn_dim: null }, 'config: ffn_dim is missing'],
    [{ activation_function: 'gelu_fast' }, 'config: activation_function is "gelu_fast", supported: gelu,'],
  ])('%o is refused', (changes, message) => {
    expect(() => parseOptConfig({ ...one.config, ...changes })).toThrow(ModelConfigError);
    expect(() => parseOptConfig({ ...one.config, ...changes })).toThrow(message);
  });
});
