/** PSOFT on DeBERTa-v3: the modules that names mean, PEFT's counts, merging, files. */
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { type Model, type Tensor, tf } from '@psoft/engine';
import { initialiseModel, modelFor } from '@psoft/models';
import { beforeAll, expect, test } from 'vitest';
import { getPeftModel, PeftModel, PsoftConfig } from '../src/index.ts';
import { bindingsOf, largestDifference, perturb } from './toy.ts';

beforeAll(() => tf.setBackend('cpu'));

function deberta(layers: number): Model {
  const config = {
    model_type: 'deberta-v2',
    vocab_size: 50,
    hidden_size: 16,
    num_hidden_layers: layers,
    num_attention_heads: 2,
    intermediate_size: 32,
    hidden_act: 'gelu',
    hidden_dropout_prob: 0.1,
    attention_probs_dropout_prob: 0.1,
    max_position_embeddings: 32,
    max_relative_positions: -1,
    relative_attention: true,
    position_buckets: 8,
    share_att_key: true,
    pos_att_type: 'p2c|c2p',
    norm_rel_ebd: 'layer_norm',
    position_biased_input: false,
    type_vocab_size: 0,
    layer_norm_eps: 1e-7,
    initializer_range: 0.2,
    pad_token_id: 0,
    pooler_dropout: 0,
    pooler_hidden_act: 'gelu',
    pooler_hidden_size: 16,
    num_labels: 2,
  };
  return modelFor('sequence-classification', config, initialiseModel('sequence-classification', config, 1));
}

function logits(model: PeftModel): Float32Array {
  return tf.tidy(() => {
    const inputIds = tf.tensor2d(
      [
        [1, 7, 9, 3, 2],
        [1, 8, 4, 2, 0],
      ],
      [2, 5],
      'int32',
    ) as Tensor;
    const attentionMask = tf.tensor2d([
      [1, 1, 1, 1, 1],
      [1, 1, 1, 1, 0],
    ]) as Tensor;
    return model.forward(bindingsOf(model), { inputIds, attentionMask }).logits!.dataSync() as Float32Array;
  });
}

test("the paper's module names are the 72 linear layers of a 12-layer encoder, as is all-linear", async () => {
  const base = deberta(12);
  const names = [
    'query_proj',
    'key_proj',
    'value_proj',
    'attention.output.dense',
    'intermediate.dense',
    'output.dense',
  ];
  const named = await getPeftModel(base, new PsoftConfig({ r: 2, psoftAlpha: 2, targetModules: names }));
  const all = await getPeftModel(base, new PsoftConfig({ r: 2, psoftAlpha: 2, targetModules: 'all-linear' }));
  expect(named.targetModules).toHaveLength(72);
  expect(all.targetModules).toEqual(named.targetModules);
});

test('counts as PEFT does', async () => {
  const config = new PsoftConfig({
    r: 4,
    psoftAlpha: 4,
    taskType: 'SEQ_CLS',
    targetModules: ['query_proj', 'attention.output.dense'],
  });
  const model = await getPeftModel(deberta(2), config);
  // What PEFT 0.21.2 prints for this model and modules_to_save=['pooler'].
  expect(model.printTrainableParameters(() => undefined)).toBe(
    'trainable params: 362 || all params: 6,236 || trainable%: 5.8050',
  );
});

test('merged, saved and loaded models compute the same', async () => {
  const config = new PsoftConfig({
    r: 4,
    psoftAlpha: 4,
    targetModules: 'all-linear',
    useCayleyNeumann: true,
  });
  const model = await getPeftModel(deberta(2), config);
  perturb(model);
  const adapted = logits(model);
  const folder = await mkdtemp(path.join(os.tmpdir(), 'adapter-'));
  try {
    await model.savePretrained(folder);
    expect(logits(await PeftModel.fromPretrained(deberta(2), folder))).toEqual(adapted);
  } finally {
    await rm(folder, { recursive: true });
  }
  await model.merge();
  expect(largestDifference(logits(model), adapted)).toBeLessThan(2e-5);
  model.unmerge();
  expect(logits(model)).toEqual(adapted);
  model.disableAdapter();
  expect(largestDifference(logits(model), adapted)).toBeGreaterThan(1e-2);
});
