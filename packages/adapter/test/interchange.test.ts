/** Adapters that PEFT saved, on the small network: fixtures by tools/reference/adapters.py. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Model, readSafetensorsHeader, readWeight, tf } from '@psoft/engine';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PeftModel } from '../src/index.ts';
import { drawProjections } from '../src/methods/vera/projections.ts';
import { largestDifference, logitsOf, plainLogits, tensorOf, toyModel } from './toy.ts';

const FIXTURES = path.join(import.meta.dirname, 'fixtures');
const ADAPTERS = path.join(FIXTURES, 'peft-adapters');
const names = (await readdir(ADAPTERS)).sort();

let base: Model;
let scratch: string;
beforeAll(async () => {
  await tf.setBackend('cpu');
  base = toyModel({
    given: (await readSafetensorsHeader(path.join(FIXTURES, 'peft', 'base.safetensors'))).tensors,
  });
  scratch = await mkdtemp(path.join(tmpdir(), 'interchange-'));
});
afterAll(() => rm(scratch, { recursive: true }));

describe.each(names)('%s', (name) => {
  const folder = path.join(ADAPTERS, name);

  test("loads to PEFT's outputs, under any seed, and saved again gives the same", async () => {
    const { x, logits } = JSON.parse(await readFile(path.join(folder, 'expected.json'), 'utf8'));
    const input = tensorOf({ shape: [5, 12], data: Float32Array.from(x) });
    const model = await PeftModel.fromPretrained(base, folder, { seed: 11 });
    expect(model.targetModules).toHaveLength(6);
    expect(largestDifference(logitsOf(model, input), logits)).toBeLessThan(1e-5);
    expect(largestDifference(logitsOf(model, input), plainLogits(base, input))).toBeGreaterThan(0.1);
    await model.savePretrained(path.join(scratch, name));
    const again = await PeftModel.fromPretrained(base, path.join(scratch, name), { seed: 12 });
    expect(logitsOf(again, input)).toEqual(logitsOf(model, input));
    const keys = async (where: string) =>
      [...(await readSafetensorsHeader(path.join(where, 'adapter_model.safetensors'))).tensors.keys()].sort();
    expect(await keys(path.join(scratch, name))).toEqual(await keys(folder));
  });
});

test("VeRA's projections are PEFT's, bit for bit", async () => {
  const { tensors } = await readSafetensorsHeader(path.join(ADAPTERS, 'vera', 'adapter_model.safetensors'));
  const { a, b } = drawProjections(8, 20, 20, 0);
  expect(a.data).toEqual(await readWeight(tensors.get('base_model.vera_A')!));
  expect(b.data).toEqual(await readWeight(tensors.get('base_model.vera_B')!));
});

test('a key beyond 32 bits means its low 32 bits, as in torch', () => {
  expect(drawProjections(2, 3, 3, 2 ** 32 + 5)).toEqual(drawProjections(2, 3, 3, 5));
});
