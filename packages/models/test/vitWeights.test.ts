/** Which weights a vision model wants, how new ones are made, and which images it takes. */
import { plainScope, tf, useBackend, type WeightSource } from '@psoft/engine';
import {
  initialiseHeads,
  initialiseModel,
  ModelConfigError,
  ModelWeightsError,
  modelFor,
  type Task,
} from '@psoft/models';
import { beforeAll, describe, expect, test } from 'vitest';
import { scopeOf } from './parity.ts';
import { vitCases, vitWeights } from './vitFixture.ts';

const TASK = 'image-classification';
const vit = vitCases.find(({ config }) => config.model_type === 'vit')!;
const dinov2 = vitCases.find(({ config }) => config.model_type === 'dinov2')!;

beforeAll(() => useBackend('eager-cpu'));

const without = (weights: ReadonlyMap<string, WeightSource>, prefix: string) =>
  new Map([...weights].filter(([name]) => !name.startsWith(prefix)));

describe('modelFor', () => {
  test('lists six linear layers of each encoder layer and the head, not the patches', () => {
    const model = modelFor(TASK, vit.config, vitWeights(vit));
    const layer = (i: number) =>
      ['attention.attention.query', 'attention.attention.key', 'attention.attention.value']
        .concat('attention.output.dense', 'intermediate.dense', 'output.dense')
        .map((name) => `vit.encoder.layer.${i}.${name}`);
    expect(model.linears.map(({ name }) => name)).toEqual([...layer(0), ...layer(1), 'classifier']);
    expect(model.linears[4]).toMatchObject({ inFeatures: 24, outFeatures: 48, hasBias: true });
    expect(model.headModules).toEqual(['classifier']);
  });

  test('passes over weights that the model does not read', () => {
    const extra = { kind: 'data', data: new Float32Array(1), shape: [1] } as const;
    const weights = new Map([...vitWeights(vit), ['vit.pooler.dense.bias', extra] as const]);
    expect(modelFor(TASK, vit.config, weights).weights.has('vit.pooler.dense.bias')).toBe(false);
  });

  test('names missing weights as a checkpoint of this model has them', () => {
    const weights = without(vitWeights(vit), 'vit.embeddings.');
    expect(() => modelFor(TASK, vit.config, weights)).toThrow(ModelWeightsError);
    expect(() => modelFor(TASK, vit.config, weights)).toThrow(
      'weights do not fit the model: missing vit.embeddings.cls_token, vit.embeddings.position_embeddings, ' +
        'vit.embeddings.patch_embeddings.projection.weight, vit.embeddings.patch_embeddings.projection.bias: ' +
        'check that config and checkpoint belong together',
    );
  });

  test('names misshapen weights', () => {
    expect(() => modelFor(TASK, { ...vit.config, image_size: 20 }, vitWeights(vit))).toThrow(
      'vit.embeddings.position_embeddings is [1,17,24], expected [1,26,24]',
    );
  });

  test.each(['sequence-classification', 'masked-lm'] as Task[])('says that it is not for %s', (task) => {
    const error = new ModelConfigError(
      `config: model_type "vit" has no model for ${task}, it has: image-classification`,
    );
    expect(() => modelFor(task, vit.config, vitWeights(vit))).toThrow(error);
    expect(() => initialiseHeads(task, vit.config, new Map(), 1)).toThrow(error);
    expect(() => initialiseModel(task, vit.config, 1)).toThrow(error);
  });
});

describe('new weights', () => {
  test('of the head, for a bare encoder', () => {
    const bare = new Map(
      [...without(vitWeights(vit), 'classifier.')].map(([name, weight]) => [
        name.replace(/^vit\./, ''),
        weight,
      ]),
    );
    expect(() => modelFor(TASK, vit.config, bare)).toThrow('create the new head with initialiseHeads');
    const made = initialiseHeads(TASK, vit.config, bare, 7);
    expect([...made.keys()]).toEqual(['classifier.weight', 'classifier.bias']);
    expect(made.get('classifier.weight')!.data).not.toEqual(
      initialiseHeads(TASK, vit.config, bare, 8).get('classifier.weight')!.data,
    );
    expect(made.get('classifier.bias')!.data).toEqual(new Float32Array(5));
    expect(() => modelFor(TASK, vit.config, new Map([...bare, ...made]))).not.toThrow();
    expect(initialiseHeads(TASK, vit.config, vitWeights(vit), 7).size).toBe(0);
  });

  test.each([vit, dinov2])('$name: of the whole model, as transformers starts it', ({ config }) => {
    const weights = initialiseModel(TASK, config, 1);
    const model = modelFor(TASK, config, weights);
    expect([...weights.keys()]).toEqual([...model.weights.keys()]);
    const prefix = config.model_type;
    const deviation = (name: string) => {
      const { data } = weights.get(name)!;
      return Math.sqrt(data.reduce((sum, x) => sum + x * x, 0) / data.length);
    };
    // 408 and 1,152 draws: standard errors of 3.5 and 2.1 %.
    for (const name of ['position_embeddings', 'patch_embeddings.projection.weight'])
      expect(Math.abs(deviation(`${prefix}.embeddings.${name}`) / 0.02 - 1)).toBeLessThan(0.12);
    expect(weights.get(`${prefix}.layernorm.weight`)!.data).toEqual(new Float32Array(24).fill(1));
    expect(weights.get(`${prefix}.embeddings.patch_embeddings.projection.bias`)!.data).toEqual(
      new Float32Array(24),
    );
    expect(weights.get('dinov2.encoder.layer.1.layer_scale2.lambda1')?.data).toEqual(
      prefix === 'dinov2' ? new Float32Array(24).fill(0.5) : undefined,
    );
    tf.tidy(() => {
      const tensors = Object.fromEntries(
        [...weights].map(([name, { data, shape }]) => [name, tf.tensor(data, [...shape])]),
      );
      const { logits } = model.forward(scopeOf(model, tensors), { pixelValues: tf.ones([2, 3, 16, 16]) });
      expect(logits!.shape).toEqual([2, 5]);
      expect([...logits!.dataSync()].every(Number.isFinite)).toBe(true);
    });
  });
});

describe('forward', () => {
  const scope = plainScope({ weights: {}, parameters: {} }, () => true);
  const { forward } = modelFor(TASK, vit.config, vitWeights(vit));

  test.each([[[2, 3, 16, 20]], [[2, 3, 20, 16]], [[2, 1, 16, 16]], [[3, 16, 16]]])(
    'refuses an image of %j',
    (shape) => {
      tf.tidy(() => {
        expect(() => forward(scope, { pixelValues: tf.zeros(shape) })).toThrow(
          `pixelValues must be [batch, 3, 16, 16] (num_channels and image_size of the config), got [${shape}]`,
        );
      });
    },
  );

  test('says which input is absent', () => {
    expect(() => forward(scope, {})).toThrow('(num_channels and image_size of the config), got nothing');
  });

  test('of DINOv2 refuses parts of patches', () => {
    const model = modelFor(TASK, dinov2.config, vitWeights(dinov2));
    tf.tidy(() => {
      expect(() => model.forward(scope, { pixelValues: tf.zeros([1, 3, 16, 18]) })).toThrow(
        'pixelValues must be [batch, 3, height, width] with a size that is a multiple of patch_size 4 x 4, ' +
          'got [1,3,16,18]',
      );
    });
  });
});
