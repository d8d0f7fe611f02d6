/** Group 8: bases stored in 16 bits, adapters in 32; updates as ordinary LoRA adapters. */
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import {
  fingerprintWeights,
  type Model,
  readSafetensorsHeader,
  readWeight,
  type WeightDtype,
  type WeightSource,
  writeSafetensors,
} from '@psoft/engine';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { getPeftModel, PeftModel } from '../../src/index.ts';
import { perturb } from '../toy.ts';
import { adapted, baseOf, configOf, inputsOf, type ModelName, PLAIN_ROWS, ROWS, titled } from './rows.ts';
import { distance, type Outputs, outputsOf, Probe, scaleOf, trainerOf } from './run.ts';

/** Relative rounding of the storage types, with room for what the network makes of it. */
const NEAR: Readonly<Record<'F16' | 'BF16', number>> = { F16: 0.01, BF16: 0.08 };

let scratch: string;
/** What the float32 bases compute. */
const precise = new Map<ModelName, Outputs>();
const stored = new Map<string, { readonly halves: Model; readonly widened: Model }>();
beforeAll(async () => {
  scratch = await mkdtemp(path.join(os.tmpdir(), 'conformance-'));
  for (const model of ['toy', 'deberta'] as const)
    for (const dtype of ['F16', 'BF16'] as const)
      stored.set(`${model} ${dtype}`, await inHalves(model, dtype));
});
beforeAll(async () => {
  for (const model of ['toy', 'deberta'] as const)
    precise.set(model, await outputsOf(baseOf({ model }), inputsOf({ model })));
});
afterAll(() => rm(scratch, { recursive: true }));

/** A base model in a file of that type, and the same values as float32 in memory. */
async function inHalves(model: ModelName, dtype: WeightDtype): Promise<{ halves: Model; widened: Model }> {
  const base = baseOf({ model });
  const file = path.join(scratch, `${model}.${dtype}.safetensors`);
  await writeSafetensors(file, base.weights, { dtype });
  const { tensors } = await readSafetensorsHeader(file);
  const widened = new Map<string, WeightSource>();
  for (const [name, source] of tensors)
    widened.set(name, { kind: 'data', data: await readWeight(source), shape: source.shape });
  return { halves: { ...base, weights: tensors }, widened: { ...base, weights: widened } };
}

/** On DeBERTa-v3 the base alone reads more from its file: one method that stands on its weights' norms, and one not. */
const rows = ROWS.filter(
  (row) => PLAIN_ROWS.includes(row) || (row.model === 'deberta' && ['psoft', 'dora'].includes(row.method)),
);

describe.each(titled(rows))('%s', (_, row) => {
  test.each(['F16', 'BF16'] as const)('on a base in %s', async (dtype) => {
    const { halves, widened } = stored.get(`${row.model} ${dtype}`)!;
    const inputs = inputsOf(row);
    const model = await getPeftModel(halves, configOf(row), { seed: 1 });
    const same = await getPeftModel(widened, configOf(row), { seed: 1 });
    const [probe, expected] = [await Probe.open(model, inputs), await Probe.open(same, inputs, ['cpu'])];
    const start = await probe.outputs();
    const base = precise.get(row.model)!;
    const scale = Math.max(...[...base.values()].map(scaleOf));
    expect(distance(start, base)).toBeLessThan(NEAR[dtype] * scale);
    expect(distance(start, base)).toBeGreaterThan(0);
    // The storage type is all that differs.
    expect(distance(await expected.outputs(), start)).toBeLessThanOrEqual(1e-6);
    perturb(model);
    perturb(same);
    expect(distance(await expected.outputs(), await probe.outputs())).toBeLessThanOrEqual(1e-6);
    await probe.dispose();
    await expected.dispose();

    for (const { name, data } of model.parameters) expect(data, name).toBeInstanceOf(Float32Array);
    for (const [name, source] of model.layers.weights) expect(source.kind, name).toBe('data');
    // Random bits below the halves' own: nothing rounds the values of the adapter.
    const values = new Uint32Array(Float32Array.from(model.parameters[0]!.data).buffer);
    expect(values.some((bits) => bits & 0x1fff)).toBe(true);
  });
});

describe.each(titled(PLAIN_ROWS))('%s', (_, row) => {
  const compiled = (model: PeftModel) => outputsOf(model, inputsOf(row), ['cpu']);

  test('trains and saves on a base in BF16; its file loads on the float32 copy', async () => {
    const { halves, widened } = stored.get('toy BF16')!;
    const model = await getPeftModel(halves, configOf(row), { seed: 1 });
    perturb(model);
    const base = await fingerprintWeights(halves.weights);
    const trainer = await trainerOf(model, inputsOf(row), 'cpu');
    for (const [name, gradient] of (await trainer.gradient()).gradients)
      expect(gradient.every(Number.isFinite), name).toBe(true);
    await trainer.dispose();
    expect(await fingerprintWeights(halves.weights)).toBe(base);
    const folder = path.join(scratch, row.title);
    await model.savePretrained(folder);
    const { tensors } = await readSafetensorsHeader(path.join(folder, 'adapter_model.safetensors'));
    for (const [name, { dtype }] of tensors) expect(dtype, name).toBe('F32');
    const loaded = await PeftModel.fromPretrained(widened, folder, { seed: 78 });
    const [once, again] = [await compiled(model), await compiled(loaded)];
    expect(distance(once, again)).toBeLessThanOrEqual(1e-6);
    await expect(PeftModel.fromPretrained(baseOf(row), folder)).rejects.toThrow(
      'trained on other base weights',
    );
  });
});

describe.each(titled(ROWS))('%s', (_, row) => {
  const compiled = (model: PeftModel) => outputsOf(model, inputsOf(row), ['cpu']);

  test('exported as LoRA it is the same model, or it says that it has no such form', async () => {
    const model = await adapted(row);
    const folder = path.join(scratch, `${row.title} as LoRA`);
    if (model.layers.lowRankDeltas === undefined) {
      await expect(model.exportLora(folder)).rejects.toThrow(`${row.method} cannot be exported as LoRA`);
      return;
    }
    await model.exportLora(folder);
    const loaded = await PeftModel.fromPretrained(baseOf(row), folder, { seed: 79 });
    expect(loaded.config.method).toBe('lora');
    expect(loaded.targetModules).toEqual(model.targetModules);
    const [own, exported] = [await compiled(model), await compiled(loaded)];
    expect(distance(own, exported)).toBeLessThan(1e-5);
  });
});
