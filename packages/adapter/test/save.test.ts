import { copyFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import {
  type Model,
  readSafetensorsHeader,
  readWeight,
  tf,
  type WeightData,
  writeSafetensors,
} from '@psoft/engine';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { getPeftModel, LoraConfig, PeftModel, PsoftConfig } from '../src/index.ts';
import { largestDifference, logitsOf, perturb, toyInput, toyModel } from './toy.ts';

beforeAll(() => tf.setBackend('cpu'));

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'adapter-'));
});
afterEach(() => rm(folder, { recursive: true }));

const targetModules = ['query_proj', 'output.dense'];

async function trained(options: object = {}, base: Model = toyModel()): Promise<PeftModel> {
  const model = await getPeftModel(base, new PsoftConfig({ r: 4, psoftAlpha: 4, targetModules, ...options }));
  perturb(model);
  return model;
}

async function editConfig(change: (config: Record<string, unknown>) => void): Promise<void> {
  const file = path.join(folder, 'adapter_config.json');
  const config = JSON.parse(await readFile(file, 'utf8'));
  change(config);
  await writeFile(file, JSON.stringify(config));
}

/** Writes the weights file again after `change`. */
async function editWeights(
  change: (tensors: Map<string, WeightData>, metadata: Record<string, string>) => void,
): Promise<void> {
  const file = path.join(folder, 'adapter_model.safetensors');
  const { tensors, metadata } = await readSafetensorsHeader(file);
  const data = new Map<string, WeightData>();
  for (const [name, source] of tensors)
    data.set(name, { kind: 'data', data: await readWeight(source), shape: source.shape });
  const kept = { ...metadata };
  change(data, kept);
  await writeSafetensors(file, data, { metadata: kept });
}

describe('save and load', () => {
  test.each([
    ['orthogonal', {}],
    ['unconstrained, no vectors', { psoftOrth: false, psoftMagA: false, psoftMagB: false }],
    ['paper Neumann terms', { useCayleyNeumann: true, neumannConvention: 'paper', cayleyNeumannEps: 0.9 }],
    ['one paper term', { useCayleyNeumann: true, neumannConvention: 'paper', numCayleyNeumannTerms: 1 }],
    ['every linear, pissa', { targetModules: 'all-linear', abSvdInit: 'pissa_init', psoftAlpha: 8 }],
    ['rank 1', { r: 1, psoftAlpha: 1 }],
    ['lowrank from a seed', { psoftSvd: 'lowrank', psoftSvdLowrankNiter: 2, randomSeed: 5 }],
    ['one layer', { layersToTransform: 1, layersPattern: 'layer' }],
  ])('keeps outputs and bytes: %s', async (_, options) => {
    const model = await trained(options);
    await model.savePretrained(folder);
    const loaded = await PeftModel.fromPretrained(toyModel(), folder, { seed: 99 });
    expect(logitsOf(loaded, toyInput())).toEqual(logitsOf(model, toyInput()));
    const again = path.join(folder, 'again');
    await loaded.savePretrained(again);
    for (const file of ['adapter_model.safetensors', 'adapter_config.json'])
      expect(await readFile(path.join(again, file))).toEqual(await readFile(path.join(folder, file)));
    expect(await readdir(again)).toHaveLength(2);
  });

  test("uses PEFT's keys", async () => {
    await (await trained({ taskType: 'SEQ_CLS' })).savePretrained(folder);
    const { tensors, metadata } = await readSafetensorsHeader(path.join(folder, 'adapter_model.safetensors'));
    const module = 'base_model.model.toy.encoder.layer.0.query_proj.psoft_R';
    expect([...tensors.keys()].filter((key) => key.startsWith(module))).toEqual([
      `${module}.vector_a`,
      `${module}.vector_b`,
      `${module}.weight`,
    ]);
    expect(tensors.get(`${module}.weight`)!.shape).toEqual([6]);
    expect(tensors.get('base_model.model.classifier.weight')!.shape).toEqual([2, 12]);
    expect(metadata.format).toBe('pt');
    const config = JSON.parse(await readFile(path.join(folder, 'adapter_config.json'), 'utf8'));
    expect(config).toMatchObject({
      peft_type: 'PSOFT',
      task_type: 'SEQ_CLS',
      r: 4,
      modules_to_save: ['pooler', 'classifier'],
      target_modules: targetModules,
      layers_to_transform: null,
    });
    expect(config).not.toHaveProperty('neumann_convention');
  });

  test('refuses other base weights', async () => {
    await (await trained()).savePretrained(folder);
    await expect(PeftModel.fromPretrained(toyModel({ seed: 8 }), folder)).rejects.toThrow(
      /trained on other base weights \(fingerprint [0-9a-f]{12}/,
    );
  });

  test('refuses a file without a head, or with tensors too many or misshapen', async () => {
    await (await trained()).savePretrained(folder);
    const file = path.join(folder, 'adapter_model.safetensors');
    await copyFile(file, `${file}.kept`);
    await editWeights((tensors) => tensors.delete('base_model.model.classifier.bias'));
    await expect(PeftModel.fromPretrained(toyModel(), folder)).rejects.toThrow(
      'no tensor "base_model.model.classifier.bias": the trained head is part of an adapter',
    );
    await copyFile(`${file}.kept`, file);
    await editWeights((tensors) =>
      tensors.set('extra', { kind: 'data', data: new Float32Array(1), shape: [1] }),
    );
    await expect(PeftModel.fromPretrained(toyModel(), folder)).rejects.toThrow('tensor "extra" has no place');
    await copyFile(`${file}.kept`, file);
    await editConfig((config) => {
      config.psoft_orth = false;
    });
    await expect(PeftModel.fromPretrained(toyModel(), folder)).rejects.toThrow(
      'is [6], the model needs [4,4]',
    );
  });

  test('refuses a file that does not say its basis, as PEFT leaves it', async () => {
    await (await trained()).savePretrained(folder);
    await editWeights((_, metadata) => delete metadata['psoft.basis']);
    await expect(PeftModel.fromPretrained(toyModel(), folder)).rejects.toThrow(
      'run tools/reference/psoft_basis.py where the adapter was trained',
    );
  });

  test('follows recorded signs and refuses another basis', async () => {
    const model = await trained();
    await model.savePretrained(folder);
    const record = JSON.parse(
      (await readSafetensorsHeader(path.join(folder, 'adapter_model.safetensors'))).metadata['psoft.basis']!,
    );
    const module = 'toy.encoder.layer.0.query_proj';
    const probes = new Float32Array(
      new Uint8Array(Buffer.from(record.modules[module].probes, 'base64')).buffer,
    );
    const write = (values: Float32Array): Promise<void> => {
      record.modules[module] = { probes: Buffer.from(values.buffer).toString('base64') };
      return writeFile(path.join(folder, 'basis.json'), JSON.stringify(record));
    };
    const load = () =>
      PeftModel.fromPretrained(toyModel(), folder, { basis: path.join(folder, 'basis.json') });

    // The second of four vectors, with its sign turned: both of its probes.
    await write(probes.map((value, i) => (i % 4 === 1 ? -value : value)));
    const flipped = await load();
    const [own, theirs] = [model, flipped].map((m) => m.layers.weights.get(`${module}.psoft_A`)!.data);
    expect(theirs).toEqual(own!.map((value, i) => (Math.floor(i / 12) === 1 ? -value : value)));
    expect(largestDifference(logitsOf(flipped, toyInput()), logitsOf(model, toyInput()))).toBeGreaterThan(
      1e-3,
    );
    // A save of that keeps its signs.
    const again = path.join(folder, 'again');
    await flipped.savePretrained(again);
    expect(logitsOf(await PeftModel.fromPretrained(toyModel(), again), toyInput())).toEqual(
      logitsOf(flipped, toyInput()),
    );

    await write(probes.map((value, i) => (i === 2 ? value + 0.5 : value)));
    await expect(load()).rejects.toThrow(`singular vector 2 of "${module}" cannot be rebuilt here`);
    await write(probes.slice(1));
    await expect(load()).rejects.toThrow(`basis of "${module}" must have 8 probes, got 7`);
  });

  test('says what is wrong with a folder', async () => {
    await expect(PeftModel.fromPretrained(toyModel(), folder)).rejects.toThrow(
      'has no adapter_model.safetensors',
    );
    await writeFile(path.join(folder, 'adapter_model.bin'), '');
    await expect(PeftModel.fromPretrained(toyModel(), folder)).rejects.toThrow(
      'save the adapter again with safetensors',
    );
    await (await trained()).savePretrained(folder);
    await editConfig((config) => {
      config.peft_type = 'PSOFTY';
    });
    await expect(PeftModel.fromPretrained(toyModel(), folder)).rejects.toThrow(
      /unknown adapter method "PSOFTY"; did you mean .*psoft/,
    );
    await editConfig((config) => {
      config.peft_type = 'PSOFT';
      config.psoft_alpa = 3;
    });
    await expect(PeftModel.fromPretrained(toyModel(), folder)).rejects.toThrow(
      'unknown setting "psoftAlpa"; did you mean psoftAlpha',
    );
    await writeFile(path.join(folder, 'adapter_config.json'), '{');
    await expect(PeftModel.fromPretrained(toyModel(), folder)).rejects.toThrow(
      'adapter_config.json: is not JSON',
    );
  });

  test("passes over PEFT's usual head names that the model lacks", async () => {
    const model = await trained();
    await model.savePretrained(folder);
    await editConfig((config) => {
      config.modules_to_save = ['pooler', 'classifier', 'score'];
    });
    expect(logitsOf(await PeftModel.fromPretrained(toyModel(), folder), toyInput())).toEqual(
      logitsOf(model, toyInput()),
    );
  });
});

test('exports the same update as LoRA', async () => {
  const model = await trained({ psoftAlpha: 6 });
  await model.exportLora(folder);
  const { tensors } = await readSafetensorsHeader(path.join(folder, 'adapter_model.safetensors'));
  const config = JSON.parse(await readFile(path.join(folder, 'adapter_config.json'), 'utf8'));
  expect(config).toMatchObject({ peft_type: 'LORA', r: 4, lora_alpha: 4, bias: 'none' });
  expect(config.target_modules).toEqual([...model.targetModules]);
  const module = 'toy.encoder.layer.1.output.dense';
  const a = await readWeight(tensors.get(`base_model.model.${module}.lora_A.weight`)!);
  const b = await readWeight(tensors.get(`base_model.model.${module}.lora_B.weight`)!);
  const product = tf.tidy(() => tf.matMul(tf.tensor2d(b, [12, 4]), tf.tensor2d(a, [4, 20])).dataSync());
  expect(largestDifference(product, await model.deltaWeight(module))).toBeLessThan(1e-6);
  expect(tensors.has('base_model.model.pooler.dense.weight')).toBe(true);
});

describe("in terms of PEFT's own basis", () => {
  const fixtures = path.join(import.meta.dirname, 'fixtures', 'peft');
  const basis = path.join(fixtures, 'basis.json');

  test.each([{}, { psoftOrth: false }])('the values change and the update does not: %j', async (options) => {
    const { tensors } = await readSafetensorsHeader(path.join(fixtures, 'base.safetensors'));
    const base = toyModel({ given: tensors });
    const targetModules = ['query_proj', 'dense'];
    const model = await getPeftModel(
      base,
      new PsoftConfig({ r: 4, psoftAlpha: 8, targetModules, ...options }),
    );
    perturb(model);
    const outputs = logitsOf(model, toyInput());
    await model.savePretrained(path.join(folder, 'own'));
    await model.savePretrained(path.join(folder, 'peft'), { basis });
    const bytes = async (name: string) => readFile(path.join(folder, name, 'adapter_model.safetensors'));
    expect((await bytes('own')).equals(await bytes('peft'))).toBe(false);
    // As PEFT reads it: nothing but the values, A and B with the signs that torch's decomposition has there.
    const asPeft = await PeftModel.fromPretrained(base, path.join(folder, 'peft'), { basis });
    expect(largestDifference(logitsOf(asPeft, toyInput()), outputs)).toBeLessThan(1e-6);
    const own = await PeftModel.fromPretrained(base, path.join(folder, 'peft'));
    expect(largestDifference(logitsOf(own, toyInput()), outputs)).toBeLessThan(1e-6);
    const wrong = await PeftModel.fromPretrained(base, path.join(folder, 'own'), { basis });
    expect(largestDifference(logitsOf(wrong, toyInput()), outputs)).toBeGreaterThan(1e-2);
  });

  test('is refused where it is not that of the base weights, or where there is none', async () => {
    const targetModules = ['query_proj'];
    const other = await getPeftModel(toyModel(), new PsoftConfig({ r: 4, psoftAlpha: 8, targetModules }));
    await expect(other.savePretrained(folder, { basis })).rejects.toThrow(
      'is the basis of other base weights',
    );
    const lora = await getPeftModel(toyModel(), new LoraConfig({ targetModules }));
    await expect(lora.savePretrained(folder, { basis })).rejects.toThrow('lora refers to no basis');
  });
});
