/** PSOFT on a Llama in 4 bits against PSOFT on the float32 model that those 4 bits stand for. */
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { getPeftModel, PeftModel, PsoftConfig } from '@psoft/adapter';
import {
  type CompileOptions,
  type Model,
  moveToFile,
  openCheckpoint,
  quantizationConfig,
  quantizeInto,
  RandomStream,
  readWeight,
  type WeightData,
  type WeightReference,
  type WeightSource,
} from '@psoft/engine';
import { modelFor } from '@psoft/models';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { AdamW } from '../src/optimiser.ts';
import { ParameterVector } from '../src/parameters.ts';
import { compileTrainStep } from '../src/programs.ts';
import { freeze } from '../src/trainable.ts';

const TINY = path.join(import.meta.dirname, '../../tiny-models/checkpoints/llama-tiny');
const folder = mkdtempSync(path.join(tmpdir(), 'psoft-quantised-'));
afterAll(() => rmSync(folder, { recursive: true }));

let quantised: Model;
/** The same values in float32. */
let float: Model;
beforeAll(async () => {
  const { config, weights } = await openCheckpoint(TINY);
  const { linears } = modelFor('causal-lm', { ...config }, weights);
  const names = new Set(linears.map(({ name }) => `${name}.weight`));
  const dir = path.join(folder, 'model');
  mkdirSync(dir);
  const settings = { blockSize: 32, scaleDtype: 'F16' as const };
  await quantizeInto(path.join(dir, 'model.safetensors'), weights as Map<string, WeightReference>, {
    ...settings,
    chosen: (name) => names.has(name),
  });
  const written = { ...config, quantization_config: quantizationConfig(settings) };
  writeFileSync(path.join(dir, 'config.json'), JSON.stringify(written));
  copyFileSync(path.join(TINY, 'tokenizer.json'), path.join(dir, 'tokenizer.json'));
  const stored = await openCheckpoint(dir);
  quantised = modelFor('causal-lm', { ...stored.config }, stored.weights);
  const floats = new Map<string, WeightSource>();
  for (const [name, source] of stored.weights)
    floats.set(name, { kind: 'data', shape: source.shape, data: await readWeight(source) });
  float = modelFor('causal-lm', { ...config }, floats);
});

const adapter = () =>
  new PsoftConfig({
    r: 16,
    psoftAlpha: 16,
    taskType: 'CAUSAL_LM',
    targetModules: ['q_proj', 'k_proj', 'v_proj', 'up_proj', 'down_proj'],
  });

const shape = [2, 24];
const rng = RandomStream.from(1, 'quantised training');
const ids = Int32Array.from({ length: 48 }, () => rng.integer(1000));
const batch = { inputIds: ids, labels: ids, lossScale: Float32Array.of(1 / 46) };

/** Losses of so many steps, and the parameters at the end. */
async function train(model: PeftModel, steps: number, options: CompileOptions = {}, rate = 0.01) {
  const vector = new ParameterVector(model.parameters);
  const step = await compileTrainStep(
    model,
    vector,
    (outputs) => outputs.loss!,
    {
      inputIds: { shape, dtype: 'int32' },
      labels: { shape, dtype: 'int32' },
      lossScale: { shape: [], dtype: 'float32' },
    },
    options,
  );
  const adamw = new AdamW(vector.size, { weightDecay: 0 });
  const losses: number[] = [];
  for (let i = 0; i < steps; i++) {
    const { loss, gradient } = await step.run(vector.values, batch, Int32Array.of(0, 0));
    losses.push(loss);
    adamw.update(vector.values, gradient, vector.ranges, () => rate);
  }
  await step.program.dispose();
  vector.writeThrough();
  return { losses, values: Float32Array.from(vector.values) };
}

/** Loss of the model as it is. */
async function lossOf(model: PeftModel): Promise<number> {
  return (await train(model, 1, {}, 0)).losses[0]!;
}

const close = (actual: readonly number[], expected: readonly number[]) =>
  actual.forEach((loss, i) => {
    expect(Math.abs(loss - expected[i]!), `step ${i + 1}`).toBeLessThan(1e-4);
  });

test('A and B are those of the values that the 4 bits stand for', async () => {
  const [one, other] = [await getPeftModel(quantised, adapter()), await getPeftModel(float, adapter())];
  expect(one.layers.weights.size).toBe(2 * 4 * 5);
  for (const [name, { data }] of one.layers.weights)
    expect(data, name).toEqual(other.layers.weights.get(name)!.data);
});

test.each<[string, CompileOptions]>([
  ['packed', {}],
  ['not packed', { packWeights: false, halfWeights: 'inPlace' }],
  ['recomputed', { recompute: true, packWeights: false }],
  ['eagerly', { executor: 'eager-wasm' }],
])('three steps, %s', async (_, options) => {
  const { losses: expected } = await train(await getPeftModel(float, adapter()), 3);
  expect(expected[2]).toBeLessThan(expected[0]! - 0.05);
  close((await train(await getPeftModel(quantised, adapter()), 3, options)).losses, expected);
});

test('a saved adapter means the same on the opened model, and merges into a float model', async () => {
  const model = await getPeftModel(quantised, adapter());
  await train(model, 3);
  const trained = await lossOf(model);
  const saved = path.join(folder, 'adapter');
  await model.savePretrained(saved);
  expect(await lossOf(await PeftModel.fromPretrained(quantised, saved))).toBe(trained);

  const merged = await (await PeftModel.fromPretrained(quantised, saved)).mergeAndUnload();
  const adapted = new Set(model.targetModules.map((name) => `${name}.weight`));
  for (const [name, { kind }] of merged.weights)
    if (adapted.has(name)) expect(kind, name).toBe('data');
    else expect(kind, name).toBe(quantised.weights.get(name)!.kind);
  const whole = await freeze(merged);
  expect(whole.parameters).toEqual([]);
  const report = await (await PeftModel.fromPretrained(quantised, saved)).merge({
    inputs: { inputIds: { data: ids, shape } },
  });
  expect(report.logitDrift).toBeLessThan(1e-4);
  expect(report.largestChange).toBeGreaterThan(1e-4);
});

test('A and B in a file: the same numbers in f32, nearly the same in bf16', async () => {
  const plain = await train(await getPeftModel(quantised, adapter()), 3);
  const stored = async (dtype: 'F32' | 'BF16') => {
    const model = await getPeftModel(quantised, adapter());
    await moveToFile(
      path.join(folder, `${dtype}.safetensors`),
      model.layers.weights as Map<string, WeightData>,
      dtype,
    );
    return { model, ...(await train(model, 3)) };
  };
  const exact = await stored('F32');
  expect([exact.losses, exact.values]).toEqual([plain.losses, plain.values]);
  const rounded = await stored('BF16');
  const gained = plain.losses[0]! - plain.losses[2]!;
  // At the start the adapter adds nothing, whatever A and B are.
  expect(rounded.losses[0]).toBe(plain.losses[0]);
  for (const i of [1, 2]) {
    const difference = Math.abs(rounded.losses[i]! - plain.losses[i]!);
    expect(difference).toBeGreaterThan(0);
    expect(difference).toBeLessThan(0.01 * gained);
  }
  const saved = path.join(folder, 'rounded');
  const trained = await lossOf(rounded.model);
  await rounded.model.savePretrained(saved);
  // A reader rebuilds A and B unrounded: the same basis, within what rounding moved.
  expect(Math.abs((await lossOf(await PeftModel.fromPretrained(quantised, saved))) - trained)).toBeLessThan(
    0.01 * gained,
  );
});
