/** Group 4: saved adapters load to the same model, under any seed; files and models that do not fit are refused. */
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import {
  encodeSafetensors,
  readSafetensorsHeader,
  readWeight,
  type SafetensorsFile,
  type WeightData,
} from '@psoft/engine';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PeftModel } from '../../src/index.ts';
import { perturb } from '../toy.ts';
import { adapted, baseOf, executorsFor, inputsOf, PLAIN_ROWS, ROWS, type Row, titled } from './rows.ts';
import { distance, type Outputs, outputsOf, Probe } from './run.ts';

const CONFIG_FILE = 'adapter_config.json';
const WEIGHTS_FILE = 'adapter_model.safetensors';
/** What saved adapters are made under another seed than. */
const OTHER_SEED = 77;

let scratch: string;
beforeAll(async () => {
  scratch = await mkdtemp(path.join(os.tmpdir(), 'conformance-'));
});
afterAll(() => rm(scratch, { recursive: true }));

const folderOf = (row: Row, name: string): string => path.join(scratch, row.title, name);
const headerOf = (folder: string): Promise<SafetensorsFile> =>
  readSafetensorsHeader(path.join(folder, WEIGHTS_FILE));
const load = (row: Row, name: string): Promise<PeftModel> =>
  PeftModel.fromPretrained(baseOf(row), folderOf(row, name), { seed: OTHER_SEED });

describe.each(titled(ROWS))('%s', (_, row) => {
  const outputs = new Map<string, Outputs>();
  beforeAll(async () => {
    const model = await adapted(row, 'initial');
    const probe = await Probe.open(model, inputsOf(row), executorsFor(row));
    for (const values of ['initial', 'random']) {
      if (values === 'random') perturb(model);
      await model.savePretrained(folderOf(row, values));
      outputs.set(values, await probe.outputs());
    }
    await probe.dispose();
  });

  test.each(['initial', 'random'])('%s values load to the same outputs and bytes', async (values) => {
    const loaded = await load(row, values);
    const loadedOutputs = await outputsOf(loaded, inputsOf(row), executorsFor(row));
    expect(distance(loadedOutputs, outputs.get(values)!)).toBeLessThanOrEqual(1e-6);
    await loaded.savePretrained(folderOf(row, 'again'));
    for (const file of [CONFIG_FILE, WEIGHTS_FILE]) {
      const [once, twice] = [values, 'again'].map((name) => readFile(path.join(folderOf(row, name), file)));
      expect((await twice!).equals(await once!), file).toBe(true);
    }
  });

  test('all values are float32, under names of PEFT', async () => {
    const { tensors, others, metadata } = await headerOf(folderOf(row, 'random'));
    expect(metadata.format).toBe('pt');
    expect(others.size).toBe(0);
    for (const [name, { dtype }] of tensors) {
      expect(dtype, name).toBe('F32');
      expect(name).toMatch(/^base_model\./);
    }
  });
});

describe.each(titled(PLAIN_ROWS))('%s', (_, row) => {
  /** The adapter with its file's tensors changed. */
  async function broken(change: (tensors: Map<string, WeightData>, key: string) => void): Promise<PeftModel> {
    const folder = folderOf(row, 'broken');
    await cp(folderOf(row, 'random'), folder, { recursive: true });
    const { tensors, metadata } = await headerOf(folder);
    const data = new Map<string, WeightData>();
    for (const [name, source] of tensors)
      data.set(name, { kind: 'data', data: await readWeight(source), shape: source.shape });
    const key = [...tensors.keys()].find((name) => name.includes('.encoder.layer.0.'))!;
    change(data, key);
    await writeFile(path.join(folder, WEIGHTS_FILE), encodeSafetensors(data, { metadata }));
    return load(row, 'broken');
  }

  test('loads from a copy', async () => {
    await expect(broken(() => undefined)).resolves.toBeInstanceOf(PeftModel);
  });

  test.each<[string, string, (tensors: Map<string, WeightData>, key: string) => unknown]>([
    ['a missing tensor', 'has no tensor', (tensors, key) => tensors.delete(key)],
    [
      'a missing head',
      'the trained head is part of an adapter',
      (tensors) => tensors.delete('base_model.model.classifier.bias'),
    ],
    ['a tensor too many', 'has no place', (tensors, key) => tensors.set(`${key}.more`, tensors.get(key)!)],
    [
      'a misshapen tensor',
      'the model needs',
      (tensors, key) => tensors.set(key, { ...tensors.get(key)!, shape: [1, ...tensors.get(key)!.shape] }),
    ],
  ])('is refused with %s', async (_, message, change) => {
    await expect(broken(change)).rejects.toThrow(message);
  });

  test('is refused on other base weights', async () => {
    const other = PeftModel.fromPretrained(baseOf(row, 8), folderOf(row, 'random'));
    await expect(other).rejects.toThrow('trained on other base weights');
  });

  test('is refused with the settings of another method', async () => {
    const other = PLAIN_ROWS.find(({ method }) => method !== row.method && method !== 'pissa')!;
    const folder = folderOf(row, 'mixed');
    await cp(folderOf(row, 'random'), folder, { recursive: true });
    await cp(path.join(folderOf(other, 'random'), CONFIG_FILE), path.join(folder, CONFIG_FILE));
    await expect(load(row, 'mixed')).rejects.toThrow();
  });
});
