/** Group 5: merging changes where the numbers stand and nothing else, and leaves no trace. */
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import {
  fingerprintWeights,
  type Model,
  readSafetensorsHeader,
  readWeight,
  type WeightData,
  type WeightDtype,
  type WeightSource,
  writeSafetensors,
} from '@psoft/engine';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { getPeftModel } from '../../src/index.ts';
import { largestDifference, perturb } from '../toy.ts';
import {
  adapted,
  baseOf,
  configOf,
  executorsFor,
  inputsOf,
  MODULE,
  onOneModule,
  PLAIN_ROWS,
  ROWS,
  titled,
} from './rows.ts';
import { distance, outputsOf } from './run.ts';

/** Float32 sums in another order. PEFT allows 1e-4, and up to 0.3 for OFT. */
const MERGED = 2e-5;

let scratch: string;
beforeAll(async () => {
  scratch = await mkdtemp(path.join(os.tmpdir(), 'conformance-'));
});
afterAll(() => rm(scratch, { recursive: true }));

/** The model with its weights in a file of that storage type. */
async function inFile<M extends Model>(model: M, dtype: WeightDtype = 'F32'): Promise<M> {
  const file = path.join(scratch, `${dtype}.safetensors`);
  await writeSafetensors(file, model.weights, { dtype });
  return { ...model, weights: (await readSafetensorsHeader(file)).tensors };
}

/** Checks that two sets of weights hold the same values. */
async function expectSame(
  weights: ReadonlyMap<string, WeightSource>,
  others: ReadonlyMap<string, WeightSource>,
): Promise<void> {
  expect([...others.keys()].sort()).toEqual([...weights.keys()].sort());
  for (const [name, source] of weights)
    expect(largestDifference(await readWeight(source), await readWeight(others.get(name)!)), name).toBe(0);
}

describe.each(titled(ROWS))('%s', (_, row) => {
  test('adapted, merged, unloaded and read again, unmerged: one model', async () => {
    const model = await adapted(row);
    const before = model.weights;
    const base = await fingerprintWeights(model.base.weights);
    const run = (one: Parameters<typeof outputsOf>[0]) => outputsOf(one, inputsOf(row), executorsFor(row));
    const outputs = await run(model);

    const report = await model.merge();
    expect(model.isMerged).toBe(true);
    expect(report.modules).toBe(model.targetModules.length);
    expect(report.largestChange).toBeGreaterThan(1e-3);
    const merged = await run(model);
    expect(distance(merged, outputs)).toBeLessThan(MERGED);
    // Once more is no more.
    const weights = model.weights;
    expect((await model.merge()).largestChange).toBe(0);
    await expectSame(model.weights, weights);

    const unloaded = await model.mergeAndUnload();
    expect(distance(await run(await inFile(unloaded)), merged)).toBeLessThanOrEqual(1e-6);

    model.unmerge();
    model.unmerge();
    expect(model.isMerged).toBe(false);
    await expectSame(model.weights, before);
    expect(await fingerprintWeights(model.base.weights)).toBe(base);
  });
});

describe.each(titled(PLAIN_ROWS.map(onOneModule)))('%s', (_, row) => {
  test('the merged weight is the weight and its update, and the same when merged again', async () => {
    const model = await adapted(row);
    const unloaded = await model.mergeAndUnload();
    expect(model.isMerged).toBe(false);
    await model.merge();
    const name = `${MODULE}.weight`;
    const weight = await readWeight(model.base.weights.get(name)!);
    const delta = await model.deltaWeight(MODULE);
    const { data, shape } = model.weights.get(name) as WeightData;
    expect(shape).toEqual(model.base.weights.get(name)!.shape);
    const sum = weight.map((value, i) => value + delta[i]!);
    expect(largestDifference(data, sum)).toBeLessThan(1e-6);
    expect(largestDifference(data, await readWeight(unloaded.weights.get(name)!))).toBe(0);
  });

  test('what is not finite is refused, and nothing merged', async () => {
    const model = await adapted(row);
    for (const { data } of model.layers.parameters) data.fill(Number.NaN, data.length - 1);
    await expect(model.merge()).rejects.toThrow(/^merging "toy.*": the merged weight holds NaN/);
    await expect(model.mergeAndUnload()).rejects.toThrow('the merged weight holds NaN');
    expect(model.isMerged).toBe(false);
    expect((await model.merge({ safeMerge: false })).modules).toBe(model.targetModules.length);
    expect(model.isMerged).toBe(true);
  });

  test.each(['F16', 'BF16'] as const)('a base in %s is merged in float32', async (dtype) => {
    const stored = await inFile(baseOf(row), dtype);
    const widened = new Map<string, WeightSource>();
    for (const [name, source] of stored.weights)
      widened.set(name, { kind: 'data', data: await readWeight(source), shape: source.shape });
    const [merged, expected] = await Promise.all(
      [stored, { ...stored, weights: widened }].map(async (base) => {
        const model = await getPeftModel(base, configOf(row), { seed: 1 });
        perturb(model);
        return model.mergeAndUnload();
      }),
    );
    await expectSame(merged!.weights, expected!.weights);
    const own = merged!.weights.get(`${MODULE}.weight`)!;
    expect(own.kind).toBe('data');
    // Rounded to the base's storage type, the lowest bits would all be 0.
    const bits = new Uint32Array(Float32Array.from(await readWeight(own)).buffer);
    expect(bits.filter((one) => one & 0x1fff).length).toBeGreaterThan(bits.length / 2);
  });
});

test('a report says how far the outputs moved, of a model that reads tokens too', async () => {
  const row = ROWS.find(({ method, model }) => method === 'psoft' && model === 'deberta')!;
  const model = await adapted(row);
  const before = await outputsOf(model, inputsOf(row), ['cpu']);
  const { logitDrift } = await model.merge({ inputs: inputsOf(row) });
  expect(logitDrift).toBeLessThan(MERGED);
  expect(
    Math.abs(logitDrift! - distance(before, await outputsOf(model, inputsOf(row), ['cpu']))),
  ).toBeLessThan(1e-6);
});
