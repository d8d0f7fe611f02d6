/** Several adapters on one model. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { tf } from '@psoft/engine';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { getPeftModel, LoraConfig, PeftModel, PsoftConfig } from '../src/index.ts';
import { largestDifference, logitsOf, perturb, plainLogits, toyInput, toyModel } from './toy.ts';

const targetModules = ['query_proj', 'dense'];
const psoft = (options = {}) => new PsoftConfig({ r: 4, psoftAlpha: 4, targetModules, ...options });
const lora = (options = {}) => new LoraConfig({ r: 3, loraAlpha: 6, targetModules, ...options });

let folder: string;
beforeAll(async () => {
  await tf.setBackend('cpu');
  folder = await mkdtemp(path.join(tmpdir(), 'adapters-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A PSOFT adapter "default", a LoRA "second", both with random values; the first is active. */
async function twoAdapters(): Promise<PeftModel> {
  const model = await getPeftModel(toyModel(), psoft());
  perturb(model, 3);
  await model.addAdapter('second', lora(), { seed: 5 });
  model.setAdapter('second');
  perturb(model, 4);
  model.setAdapter('default');
  return model;
}

describe('switching', () => {
  test('every adapter computes what it computes alone', async () => {
    const alone = await getPeftModel(toyModel(), psoft());
    perturb(alone, 3);
    const model = await twoAdapters();
    expect(model.adapterNames).toEqual(['default', 'second']);
    const first = logitsOf(model, toyInput());
    expect(first).toEqual(logitsOf(alone, toyInput()));
    model.setAdapter('second');
    expect(model.activeAdapter).toBe('second');
    expect(model.config.method).toBe('lora');
    expect(largestDifference(logitsOf(model, toyInput()), first)).toBeGreaterThan(0.05);
    model.setAdapter('default');
    expect(logitsOf(model, toyInput())).toEqual(first);
  });

  test('wrong use is refused, and nothing changes', async () => {
    const model = await twoAdapters();
    await expect(model.addAdapter('second', lora())).rejects.toThrow('there is an adapter "second" already');
    await expect(model.addAdapter('', lora())).rejects.toThrow('an adapter needs a name');
    await expect(model.addAdapter('third', lora({ targetModules: ['quer'] }))).rejects.toThrow('quer');
    expect(() => model.setAdapter('third')).toThrow('no adapter "third"; there are default, second');
    expect(() => model.deleteAdapter('third')).toThrow('no adapter "third"');
    expect(() => model.deleteAdapter('default')).toThrow('adapter "default" is active');
    await expect(model.loadAdapter(folder, 'second')).rejects.toThrow('already');
    await model.merge();
    expect(() => model.setAdapter('second')).toThrow('adapter "default" is merged: unmerge');
    model.unmerge();
    model.setAdapter('second');
    model.deleteAdapter('default');
    expect(model.adapterNames).toEqual(['second']);
  });

  test('a name is taken once, also by two at a time', async () => {
    const model = await twoAdapters();
    const both = await Promise.allSettled([1, 2].map((seed) => model.addAdapter('third', lora(), { seed })));
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  });

  test('disabling gives the base model whichever is active', async () => {
    const model = await twoAdapters();
    model.disableAdapter();
    for (const name of model.adapterNames) {
      model.setAdapter(name);
      expect(logitsOf(model, toyInput())).toEqual(plainLogits(toyModel(), toyInput()));
    }
  });

  test('saves one that is not active, and loads it under another name', async () => {
    const model = await twoAdapters();
    const target = path.join(folder, 'second');
    await model.savePretrained(target, { adapter: 'second' });
    const other = await getPeftModel(toyModel(), psoft(), { seed: 9 });
    await other.loadAdapter(target, 'loaded', { seed: 17 });
    model.setAdapter('second');
    other.setAdapter('loaded');
    expect(logitsOf(other, toyInput())).toEqual(logitsOf(model, toyInput()));
    await expect(PeftModel.fromPretrained(toyModel({ seed: 8 }), target)).rejects.toThrow(
      'trained on other base weights',
    );
  });
});

describe('merging by weight', () => {
  const delta = async (model: PeftModel, name: string, module: string): Promise<Float32Array> => {
    model.setAdapter(name);
    return model.deltaWeight(module);
  };

  test('cat is the weighted sum of the updates', async () => {
    const model = await twoAdapters();
    await model.addWeightedAdapter('both', { adapters: ['default', 'second'], weights: [0.5, -2] });
    for (const module of model.targetModules) {
      const [first, second] = [await delta(model, 'default', module), await delta(model, 'second', module)];
      const expected = first.map((value, i) => 0.5 * value - 2 * second[i]!);
      expect(largestDifference(await delta(model, 'both', module), expected)).toBeLessThan(1e-5);
    }
    expect((model.config as LoraConfig).r).toBe(7);
  });

  test('adapters of other modules add only there, and the head is the one asked for', async () => {
    const model = await twoAdapters();
    await model.addAdapter('part', lora({ targetModules: ['query_proj'], r: 2, useDora: true }));
    model.setAdapter('part');
    perturb(model, 6);
    const heads = model.heads.map(({ data }) => data);
    await model.addWeightedAdapter('mixed', {
      adapters: ['second', 'part'],
      weights: [1, 1],
      combination: 'svd',
      rank: 12,
      head: 'part',
    });
    const query = 'toy.encoder.layer.1.query_proj';
    const [a, b] = [await delta(model, 'second', query), await delta(model, 'part', query)];
    const sum = a.map((value, i) => value + b[i]!);
    expect(largestDifference(await delta(model, 'mixed', query), sum)).toBeLessThan(1e-5);
    const dense = 'toy.encoder.layer.1.output.dense';
    const only = await delta(model, 'second', dense);
    expect(largestDifference(await delta(model, 'mixed', dense), only)).toBeLessThan(1e-5);
    model.heads.forEach(({ data }, i) => {
      expect(data).toEqual(heads[i]);
      expect(data).not.toBe(heads[i]);
    });
  });

  test('svd is the best update of its rank', async () => {
    const model = await twoAdapters();
    const names = { adapters: ['default', 'second'], weights: [1, 1] };
    await model.addWeightedAdapter('all', { ...names, combination: 'svd', rank: 7 });
    await model.addWeightedAdapter('few', { ...names, combination: 'svd', rank: 2 });
    await model.addWeightedAdapter('exact', names);
    const module = model.targetModules[0]!;
    const exact = await delta(model, 'exact', module);
    const miss = async (name: string) => {
      const values = await delta(model, name, module);
      return Math.hypot(...values.map((value, i) => value - exact[i]!));
    };
    expect(await miss('all')).toBeLessThan(1e-5);
    const few = await miss('few');
    expect(few).toBeGreaterThan(1e-2);
    expect(few).toBeLessThan(Math.hypot(...exact));
  });

  test("linear adds A's and B's, as PEFT does", async () => {
    const model = await getPeftModel(toyModel(), lora());
    perturb(model, 3);
    await model.addAdapter('other', lora({ loraAlpha: 3 }), { seed: 2 });
    await model.addWeightedAdapter('sum', {
      adapters: ['default', 'other'],
      weights: [0.5, -4],
      combination: 'linear',
    });
    const key = `${model.targetModules[0]}.lora_A.weight`;
    const values = (name: string) => {
      model.setAdapter(name);
      return model.layers.state().get(key)!.data;
    };
    const [first, second] = [values('default'), values('other')];
    // Weight times scaling: 0.5 x 2 and -4 x 1.
    const expected = first.map((value, i) => value - 2 * second[i]!);
    expect(largestDifference(values('sum'), expected)).toBeLessThan(1e-6);
  });

  test('wrong use is refused', async () => {
    const model = await twoAdapters();
    const add = (options: object) =>
      model.addWeightedAdapter('new', { adapters: ['default', 'second'], weights: [1, 1], ...options });
    await expect(add({ weights: [1] })).rejects.toThrow('of one length');
    await expect(add({ weights: [1, Number.NaN] })).rejects.toThrow('finite weights');
    await expect(add({ adapters: ['default', 'no'] })).rejects.toThrow('no adapter "no"');
    await expect(add({ head: 'no' })).rejects.toThrow('no adapter "no"');
    await expect(add({ combination: 'linear' })).rejects.toThrow('adapter "default" is psoft');
    await expect(add({ combination: 'ties' })).rejects.toThrow('must be one of cat, svd, linear, got "ties"');
    await expect(add({ rank: 3 })).rejects.toThrow('only for combination "svd"');
    await model.addAdapter('dora', lora({ useDora: true }));
    await expect(add({ adapters: ['dora'], weights: [1] })).rejects.toThrow(
      'no update that is a thin product',
    );
    expect(model.adapterNames).toEqual(['default', 'second', 'dora']);
  });
});

describe('a merge report', () => {
  test('says how far weights and outputs moved', async () => {
    const model = await twoAdapters();
    const x = toyInput();
    const inputs = { x: { data: x.dataSync() as Float32Array, shape: x.shape } };
    const report = await model.merge({ inputs });
    expect(report.modules).toBe(6);
    const deltas = await Promise.all(model.targetModules.map((module) => model.deltaWeight(module)));
    const largest = Math.max(...deltas.map((delta) => Math.max(...delta.map(Math.abs))));
    expect(report.largestChange).toBeCloseTo(largest, 5);
    expect(report.logitDrift).toBeLessThan(1e-5);
    // Once more: nothing moves.
    expect(await model.merge({ inputs })).toEqual({ modules: 6, largestChange: 0, logitDrift: 0 });
  });

  test('shows a weight that was merged wrongly', async () => {
    const model = await twoAdapters();
    const x = toyInput();
    const { mergedWeights } = model.layers;
    Object.assign(model.layers, {
      async *mergedWeights(...given: Parameters<typeof mergedWeights>) {
        for await (const [name, data] of mergedWeights(...given)) yield [name, data.map((v) => 1.01 * v)];
      },
    });
    const report = await model.merge({
      inputs: { x: { data: x.dataSync() as Float32Array, shape: x.shape } },
    });
    expect(report.logitDrift).toBeGreaterThan(1e-3);
  });
});
