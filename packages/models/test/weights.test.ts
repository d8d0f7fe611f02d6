/** Which weights a model wants, and how new ones are made. */
import { plainScope, type Tensor, tf, useBackend, type WeightSource } from '@psoft/engine';
import {
  initialiseHeads,
  initialiseModel,
  ModelConfigError,
  ModelWeightsError,
  modelFor,
  type Task,
} from '@psoft/models';
import { beforeAll, describe, expect, test } from 'vitest';
import { fixture, fixtureWeights } from './fixture.ts';

const one = fixture.cases[0]!;
const { config } = one;

beforeAll(() => useBackend('eager-cpu'));

function without(weights: ReadonlyMap<string, WeightSource>, ...prefixes: string[]) {
  return new Map([...weights].filter(([name]) => !prefixes.some((prefix) => name.startsWith(prefix))));
}

describe('modelFor', () => {
  test('passes over weights that the model does not read', () => {
    const extra = { kind: 'data', data: new Float32Array(1), shape: [1] } as const;
    const model = modelFor(
      one.task,
      config,
      new Map([...fixtureWeights(one), ['mask_predictions.bias', extra]]),
    );
    expect(model.weights.has('mask_predictions.bias')).toBe(false);
    expect(model.architecture).toBe('DebertaV2ForSequenceClassification');
    expect(model.headModules).toEqual(['pooler', 'classifier']);
  });

  test('lists linear layers in forward order', () => {
    const layer = (i: number) =>
      [
        'attention.self.query_proj',
        'attention.self.key_proj',
        'attention.self.value_proj',
        'attention.output.dense',
      ]
        .concat('intermediate.dense', 'output.dense')
        .map((name) => `deberta.encoder.layer.${i}.${name}`);
    const model = modelFor(one.task, config, fixtureWeights(one));
    expect(model.linears.map(({ name }) => name)).toEqual([
      ...layer(0),
      ...layer(1),
      'pooler.dense',
      'classifier',
    ]);
    expect(model.linears[4]).toMatchObject({ inFeatures: 32, outFeatures: 48, hasBias: true });
  });

  test('names missing weights', () => {
    const weights = without(fixtureWeights(one), 'deberta.encoder.layer.1.');
    expect(() => modelFor(one.task, config, weights)).toThrow(ModelWeightsError);
    expect(() => modelFor(one.task, config, weights)).toThrow(
      'weights do not fit the model: missing deberta.encoder.layer.1.attention.self.query_proj.weight, ' +
        'deberta.encoder.layer.1.attention.self.query_proj.bias, deberta.encoder.layer.1.attention.self.key_proj.weight, ' +
        'deberta.encoder.layer.1.attention.self.key_proj.bias, deberta.encoder.layer.1.attention.self.value_proj.weight ' +
        'and 11 more: check that config and checkpoint belong together',
    );
  });

  test('tells how to make a missing head', () => {
    const weights = without(fixtureWeights(one), 'pooler.', 'classifier.');
    expect(() => modelFor(one.task, config, weights)).toThrow('create the new head with initialiseHeads');
  });

  test('names misshapen weights', () => {
    expect(() => modelFor(one.task, { ...config, num_labels: 2 }, fixtureWeights(one))).toThrow(
      'classifier.weight is [3,32], expected [2,32]; classifier.bias is [3], expected [2]',
    );
  });

  test('refuses unknown types and tasks', () => {
    expect(() => modelFor(one.task, { ...config, model_type: 'toString' }, new Map())).toThrow(
      new ModelConfigError(
        'config: model_type is "toString", supported: deberta-v2, vit, dinov2, llama, opt',
      ),
    );
    expect(() => modelFor('translation' as Task, config, new Map())).toThrow(
      'unknown task "translation", known: sequence-classification, masked-lm, image-classification',
    );
    expect(() => modelFor('image-classification', config, fixtureWeights(one))).toThrow(
      new ModelConfigError(
        'config: model_type "deberta-v2" has no model for image-classification, it has: sequence-classification, masked-lm',
      ),
    );
    expect(() => initialiseModel('image-classification', config, 1)).toThrow('has no model for');
  });
});

describe('initialiseHeads', () => {
  const body = without(fixtureWeights(one), 'pooler.', 'classifier.');

  test('makes what is missing, and only that', () => {
    const made = initialiseHeads(one.task, config, body, 7);
    expect([...made.keys()]).toEqual([
      'pooler.dense.weight',
      'pooler.dense.bias',
      'classifier.weight',
      'classifier.bias',
    ]);
    expect(() => modelFor(one.task, config, new Map([...body, ...made]))).not.toThrow();
    const rest = new Map([...body, ['classifier.bias', made.get('classifier.bias')!]]);
    expect([...initialiseHeads(one.task, config, rest, 7).keys()]).not.toContain('classifier.bias');
    expect(initialiseHeads(one.task, config, fixtureWeights(one), 7).size).toBe(0);
  });

  test('draws from normal(0, initializer_range), by the seed', () => {
    const made = (seed: number) =>
      initialiseHeads(one.task, config, body, seed).get('pooler.dense.weight')!.data;
    expect(made(7)).toEqual(made(7));
    expect(made(7)).not.toEqual(made(8));
    const deviation = Math.sqrt(made(7).reduce((sum, x) => sum + x * x, 0) / made(7).length);
    // 1,024 draws: the standard error of the deviation is 2.2 %.
    expect(Math.abs(deviation / 0.02 - 1)).toBeLessThan(0.1);
    expect(
      initialiseHeads(one.task, config, body, 7)
        .get('pooler.dense.bias')!
        .data.every((x) => x === 0),
    ).toBe(true);
  });
});

describe('initialiseModel', () => {
  test('makes a model that runs, every weight as transformers starts it', () => {
    const weights = initialiseModel('masked-lm', config, 1);
    const model = modelFor('masked-lm', config, weights);
    expect([...weights.keys()]).toEqual([...model.weights.keys()]);
    expect(weights.get('deberta.encoder.LayerNorm.weight')!.data.every((x) => x === 1)).toBe(true);
    const words = weights.get('deberta.embeddings.word_embeddings.weight')!.data;
    expect([...words.subarray(0, 32)].every((x) => x === 0)).toBe(true);
    expect([...words.subarray(32)].some((x) => x === 0)).toBe(false);
    tf.tidy(() => {
      const tensors = Object.fromEntries(
        [...weights].map(([name, w]) => [name, tf.tensor(w.data, [...w.shape])]),
      );
      const inputs = {
        inputIds: tf.tensor2d([[3, 4, 5]], [1, 3], 'int32'),
        attentionMask: tf.ones([1, 3], 'int32'),
      };
      const scope = plainScope({ weights: tensors, parameters: {} }, () => true);
      const all = model.forward(scope, inputs).logits!;
      expect(all.shape).toEqual([3, 40]);
      const some = model.forward(scope, { ...inputs, labelRows: tf.tensor1d([2, 0], 'int32') }).logits!;
      const picked = tf.gather(all, tf.tensor1d([2, 0], 'int32'));
      expect(Math.max(...tf.abs(tf.sub(some, picked)).dataSync())).toBeLessThan(1e-6);
    });
  });
});

describe('forward', () => {
  const weights = fixtureWeights(one);
  const model = modelFor(one.task, config, weights);
  const logits = (ids: number[][], mask: number[][]): Tensor => {
    const tensors = Object.fromEntries(
      [...weights].map(([name, w]) => [name, tf.tensor(w.data, [...w.shape])]),
    );
    const inputs = { inputIds: tf.tensor2d(ids, undefined, 'int32'), attentionMask: tf.tensor2d(mask) };
    return model.forward(
      plainScope({ weights: tensors, parameters: {} }, () => true),
      inputs,
    ).logits!;
  };

  test('does not depend on padding, nor on its tokens', () => {
    tf.tidy(() => {
      const short = logits([[5, 6, 7]], [[1, 1, 1]]);
      const padded = logits([[5, 6, 7, 9, 0, 0]], [[1, 1, 1, 0, 0, 0]]);
      expect(Math.max(...tf.abs(tf.sub(short, padded)).dataSync())).toBeLessThan(1e-5);
    });
  });

  test('stays finite for a row of nothing but padding', () => {
    tf.tidy(() => {
      expect([...logits([[0, 0, 0]], [[0, 0, 0]]).dataSync()].every(Number.isFinite)).toBe(true);
    });
  });

  test('says what shapes it wants', () => {
    tf.tidy(() => {
      expect(() => logits([[5, 6, 7]], [[1, 1]])).toThrow(
        'attentionMask must have the shape of inputIds, [1,3], got [1,2]',
      );
    });
  });

  test('refuses more tokens than there are absolute positions', () => {
    const biased = fixture.cases.find((other) => other.config.position_biased_input === true)!;
    const inputs = { inputIds: tf.zeros([1, 33], 'int32'), attentionMask: tf.ones([1, 33]) };
    const scope = plainScope({ weights: {}, parameters: {} }, () => true);
    const { forward } = modelFor(biased.task, biased.config, fixtureWeights(biased));
    expect(() => forward(scope, inputs)).toThrow(
      "a sequence of 33 tokens is longer than the model's max_position_embeddings 32",
    );
  });
});
