/** Group 7: adapters on one model do not know of each other. */
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { Model } from '@psoft/engine';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LoraConfig, type PeftModel } from '../../src/index.ts';
import { largestDifference, perturb } from '../toy.ts';
import { adapted, baseOf, configOf, inputsOf, MODULE, PLAIN_ROWS, type Row, titled } from './rows.ts';
import { descend, distance, type Outputs, outputsOf, trainerOf } from './run.ts';

let scratch: string;
beforeAll(async () => {
  scratch = await mkdtemp(path.join(os.tmpdir(), 'conformance-'));
});
afterAll(() => rm(scratch, { recursive: true }));

/** Overlaps with the rows' modules in part: it has no query_proj. */
const lora = (): LoraConfig => new LoraConfig({ r: 3, loraAlpha: 6, targetModules: ['dense'] });

/** One that both have, one that the LoRA lacks. */
const MODULES = ['toy.encoder.layer.0.query_proj', MODULE];

/** Names that are parts of one another, of a module and of a tensor's key. */
const NAMES = ['default', 'def', 'query_proj', 'weight'] as const;

/** The row's adapter as "default" and "query_proj", with other values, a LoRA as "def" and "weight"; all random. */
async function four(row: Row): Promise<PeftModel> {
  const model = await adapted(row);
  for (const [i, name] of NAMES.slice(1).entries()) {
    await model.addAdapter(name, name === 'query_proj' ? configOf(row) : lora(), { seed: 20 + i });
    model.setAdapter(name);
    perturb(model, 30 + i);
  }
  model.setAdapter('default');
  return model;
}

describe.each(titled(PLAIN_ROWS))('%s', (_, row) => {
  // Which adapter is at work is decided before any executor is.
  const run = (model: PeftModel | Model): Promise<Outputs> => outputsOf(model, inputsOf(row), ['cpu']);

  test('each computes what it computes alone, whichever came and went between', async () => {
    const alone = await run(await adapted(row));
    const base = await run(baseOf(row));
    const model = await four(row);
    expect(model.adapterNames).toEqual(NAMES);
    const seen: Outputs[] = [];
    for (const name of NAMES) {
      model.setAdapter(name);
      expect(model.activeAdapter).toBe(name);
      expect(model.config.method).toBe(name === 'def' || name === 'weight' ? 'lora' : row.method);
      seen.push(await run(model));
    }
    expect(distance(seen[0]!, alone)).toBe(0);
    for (const [i, one] of seen.entries())
      for (const other of seen.slice(i + 1)) expect(distance(one, other)).toBeGreaterThan(1e-2);

    model.disableAdapter();
    expect(distance(await run(model), base)).toBe(0);
    model.enableAdapter();

    model.setAdapter('query_proj');
    model.deleteAdapter('def');
    model.deleteAdapter('weight');
    expect(model.adapterNames).toEqual(['default', 'query_proj']);
    expect(distance(await run(model), seen[2]!)).toBe(0);
    await model.merge();
    model.unmerge();
    model.setAdapter('default');
    expect(distance(await run(model), alone)).toBe(0);
    // The name is free again, and means the new one.
    await model.addAdapter('def', configOf(row), { seed: 40 });
    model.setAdapter('def');
    expect(distance(await run(model), seen[1]!)).toBeGreaterThan(1e-2);
  });

  test('training one leaves the others and their heads as they are', async () => {
    const model = await four(row);
    const valuesOf = (name: string) => {
      model.setAdapter(name);
      return model.parameters.map(({ data }) => data.slice());
    };
    const before = NAMES.map(valuesOf);
    model.setAdapter('query_proj');
    const trainer = await trainerOf(model, inputsOf(row), 'cpu');
    await descend(model, trainer, 2, 0.05);
    await trainer.dispose();
    for (const [i, name] of NAMES.entries()) {
      const moved = valuesOf(name).map((data, k) => largestDifference(data, before[i]![k]!));
      if (name === 'query_proj') expect(Math.min(...moved), name).toBeGreaterThan(0);
      else expect(Math.max(...moved), name).toBe(0);
    }
  });

  test('one is saved alone and loads as a further one, under another seed', async () => {
    const model = await four(row);
    const folder = path.join(scratch, row.title);
    await model.savePretrained(folder, { adapter: 'query_proj' });
    expect(model.activeAdapter).toBe('default');
    model.setAdapter('query_proj');
    const other = await adapted(PLAIN_ROWS.find(({ method }) => method !== row.method)!);
    await other.loadAdapter(folder, 'loaded', { seed: 60 });
    expect(other.activeAdapter).toBe('default');
    other.setAdapter('loaded');
    expect(other.config).toEqual({ ...model.config, modulesToSave: ['pooler', 'classifier'] });
    expect(other.config.method).toBe(row.method);
    expect(distance(await run(other), await run(model))).toBeLessThanOrEqual(1e-6);
    await expect(model.savePretrained(folder, { adapter: 'no' })).rejects.toThrow('no adapter "no"');
  });

  test('wrong use is refused before anything happens', async () => {
    const model = await four(row);
    const worked: string[] = [];
    const onProgress = ({ module }: { module: string }) => void worked.push(module);
    const add = (name: string) => model.addAdapter(name, configOf(row), { onProgress });
    await expect(add('def')).rejects.toThrow('there is an adapter "def" already');
    await expect(add('')).rejects.toThrow('an adapter needs a name');
    await expect(model.loadAdapter('/nowhere', 'def', { onProgress })).rejects.toThrow('already');
    await expect(model.loadAdapter('/nowhere', 'new', { onProgress })).rejects.toThrow('/nowhere: has no');
    await expect(model.addWeightedAdapter('def', { adapters: ['default'], weights: [1] })).rejects.toThrow(
      'already',
    );
    expect(() => model.setAdapter('no')).toThrow(
      'no adapter "no"; there are default, def, query_proj, weight',
    );
    expect(() => model.deleteAdapter('no')).toThrow('no adapter "no"');
    expect(() => model.deleteAdapter('default')).toThrow('adapter "default" is active');
    await model.merge();
    expect(() => model.setAdapter('def')).toThrow('adapter "default" is merged: unmerge');
    expect(() => model.deleteAdapter('default')).toThrow('is active');
    expect(worked).toEqual([]);
    expect(model.adapterNames).toEqual(NAMES);
    expect(model.activeAdapter).toBe('default');

    // What concerns only others is allowed, and the merged one does not notice.
    const merged = await run(model);
    await model.addAdapter('late', lora());
    model.deleteAdapter('def');
    model.setAdapter('default');
    expect(model.isMerged).toBe(true);
    expect(distance(await run(model), merged)).toBe(0);
  });

  test('a weighted sum is the sum of the updates, or says why it cannot be', async () => {
    const model = await four(row);
    const asked = { adapters: ['query_proj', 'def'], weights: [0.5, -2] };
    const deltas = async (name: string) => {
      model.setAdapter(name);
      const all = new Map<string, Float32Array>();
      for (const module of model.targetModules.filter((one) => MODULES.includes(one)))
        all.set(module, await model.deltaWeight(module));
      return all;
    };
    const [first, second] = [await deltas('query_proj'), await deltas('def')];
    const isThin = (await adapted(row)).layers.lowRankDeltas !== undefined;
    if (isThin) await model.addWeightedAdapter('sum', asked);
    else {
      await expect(model.addWeightedAdapter('sum', asked)).rejects.toThrow(
        'no update that is a thin product',
      );
      await model.addWeightedAdapter('sum', { ...asked, combination: 'svd', rank: 12 });
    }
    const sums = await deltas('sum');
    expect([...sums.keys()]).toEqual(MODULES);
    expect([...second.keys()]).toEqual(MODULES.slice(1));
    for (const [module, sum] of sums) {
      const other = second.get(module);
      const expected = first.get(module)!.map((value, i) => 0.5 * value - 2 * (other?.[i] ?? 0));
      expect(largestDifference(sum, expected), module).toBeLessThan(1e-5);
    }
    expect(model.config.method).toBe('lora');
    model.setAdapter('query_proj');
    const heads = model.heads.map(({ data }) => data.slice());
    model.setAdapter('sum');
    model.heads.forEach(({ data }, i) => {
      expect(data).toEqual(heads[i]);
    });
  });
});
