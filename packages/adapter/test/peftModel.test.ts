import { compile, tf } from '@psoft/engine';
import { beforeAll, describe, expect, test } from 'vitest';
import { getPeftModel, PsoftConfig } from '../src/index.ts';
import { largestDifference, logitsOf, perturb, plainLogits, toyInput, toyModel } from './toy.ts';

beforeAll(() => tf.setBackend('cpu'));

const targetModules = ['query_proj', 'intermediate.dense', 'output.dense'];
const config = (options = {}) => new PsoftConfig({ r: 4, psoftAlpha: 8, targetModules, ...options });

describe('an adapted model', () => {
  test('computes what the base model computes, at first', async () => {
    const base = toyModel();
    const model = await getPeftModel(base, config());
    expect(logitsOf(model, toyInput())).toEqual(plainLogits(base, toyInput()));
  });

  test('differs once trained, and its merged model agrees with it', async () => {
    const base = toyModel();
    const model = await getPeftModel(base, config());
    perturb(model);
    const adapted = logitsOf(model, toyInput());
    expect(largestDifference(adapted, plainLogits(base, toyInput()))).toBeGreaterThan(0.05);
    expect(largestDifference(adapted, plainLogits(await model.mergeAndUnload(), toyInput()))).toBeLessThan(
      2e-6,
    );
  });

  test('merges in place and unmerges without a trace', async () => {
    const model = await getPeftModel(toyModel(), config());
    perturb(model);
    const before = logitsOf(model, toyInput());
    await model.merge();
    await model.merge();
    expect(model.isMerged).toBe(true);
    expect(largestDifference(logitsOf(model, toyInput()), before)).toBeLessThan(2e-6);
    model.unmerge();
    expect(logitsOf(model, toyInput())).toEqual(before);
  });

  test('computes the base model, head included, while disabled', async () => {
    const base = toyModel();
    const model = await getPeftModel(base, config());
    perturb(model);
    const before = logitsOf(model, toyInput());
    model.disableAdapter();
    expect(logitsOf(model, toyInput())).toEqual(plainLogits(base, toyInput()));
    await model.merge();
    expect(logitsOf(model, toyInput())).toEqual(plainLogits(base, toyInput()));
    model.unmerge();
    model.enableAdapter();
    expect(logitsOf(model, toyInput())).toEqual(before);
  });

  test('does the same compiled, with gradients for every parameter', async () => {
    const model = await getPeftModel(toyModel(), config());
    perturb(model);
    const x = toyInput();
    const inputs = Object.fromEntries(
      model.parameters.map(({ name, shape }) => [name, { shape, dtype: 'float32' as const }]),
    );
    const names = model.parameters.map(({ name }) => name);
    const program = await compile(
      ({ x, ...parameters }, weight) => {
        const weights = new Proxy({}, { get: (_, name) => weight(String(name)) });
        const loss = (...values: unknown[]) => {
          const bound = Object.fromEntries(names.map((name, i) => [name, values[i]]));
          const { logits } = model.forward({ weights, parameters: bound as never }, { x: x! });
          return tf.sum(tf.square(logits!));
        };
        const { value, grads } = tf.valueAndGrads(loss as never)(
          names.map((name) => parameters[name]!) as never,
        );
        return { value, ...Object.fromEntries(names.map((name, i) => [name, grads[i]!])) };
      },
      { inputs: { x: { shape: [5, 12], dtype: 'float32' }, ...inputs }, weights: model.weights },
    );
    const result = await program.run({
      x: x.dataSync() as Float32Array,
      ...Object.fromEntries(model.parameters.map(({ name, data }) => [name, data])),
    });
    const eager = logitsOf(model, x).reduce((sum, value) => sum + value * value, 0);
    expect(result.value!.data[0]).toBeCloseTo(eager, 4);
    for (const name of names)
      expect(Math.max(...Array.from(result[name]!.data as Float32Array, Math.abs)), name).toBeGreaterThan(
        1e-4,
      );
    await program.dispose();
  });
});
