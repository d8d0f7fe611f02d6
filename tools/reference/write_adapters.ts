/**
 * Writes what check_interchange.py compares: the fixtures' small network under every method that PEFT has, randomly
 * trained, saved in PEFT's form, and every method whose update allows it also as LoRA; with the outputs computed here.
 * Run: npx tsx tools/reference/write_adapters.ts FOLDER [BASIS.json]
 * A second run with BASIS.json, which psoft_basis.py makes of FOLDER/psoft, also writes PSOFT in the terms of torch's basis.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { getPeftModel, methodNamed, type PeftModel } from '../../packages/adapter/src/index.ts';
import { logitsOf, perturb, plainLogits, toyInput, toyModel } from '../../packages/adapter/test/toy.ts';
import { type Model, readSafetensorsHeader, tf } from '../../packages/engine/src/index.ts';

/** Folder, method and settings. */
const ADAPTERS: readonly [string, string, Record<string, unknown>][] = [
  ['lora', 'lora', { r: 4, loraAlpha: 6 }],
  ['lora-rank-stabilised', 'lora', { r: 4, loraAlpha: 6, useRslora: true }],
  ['lora-patterns', 'lora', { r: 4, rankPattern: { query_proj: 2 }, alphaPattern: { 'output.dense': 3 } }],
  ['dora', 'dora', { r: 3, loraAlpha: 6 }],
  ['pissa', 'pissa', { r: 4, loraAlpha: 4 }],
  ['vera', 'vera', { r: 8 }],
  ['vera-key-only', 'vera', { r: 8, saveProjection: false, projectionPrngKey: 7 }],
  ['oft', 'oft', { oftBlockSize: 4 }],
  ['oft-exact', 'oft', { oftBlockSize: 4, useCayleyNeumann: false }],
  ['oft-shared', 'oft', { oftBlockSize: 2, blockShare: true }],
  ['boft', 'boft', { boftBlockSize: 2, boftNButterflyFactor: 2 }],
  ['psoft', 'psoft', { r: 4, psoftAlpha: 6 }],
];
/** Not in PEFT, but the update is a thin product. */
const OTHERS: readonly [string, string, Record<string, unknown>][] = [
  ['lora-xs', 'lora-xs', { r: 4, loraAlpha: 6 }],
];

const [folder, basis] = process.argv.slice(2);
if (folder === undefined) throw new Error('give the folder to write to');
const weights = path.join(import.meta.dirname, '../../packages/adapter/test/fixtures/peft/base.safetensors');
await tf.setBackend('cpu');
const base = toyModel({ given: (await readSafetensorsHeader(weights)).tensors });
const x = toyInput();

async function trained(method: string, settings: Record<string, unknown>): Promise<PeftModel> {
  const config = methodNamed(method).configure({ ...settings, targetModules: ['query_proj', 'dense'] });
  const model = await getPeftModel(base, config, { seed: 1 });
  perturb(model);
  return model;
}

async function writeExpected(target: string, model: PeftModel, plain: Model): Promise<void> {
  const expected = {
    x: [...x.dataSync()],
    logits: [...logitsOf(model, x)],
    baseLogits: [...plainLogits(plain, x)],
  };
  await mkdir(target, { recursive: true });
  await writeFile(path.join(target, 'expected.json'), JSON.stringify(expected));
}

for (const [name, method, settings] of [...ADAPTERS, ...OTHERS]) {
  const model = await trained(method, settings);
  if (ADAPTERS.some(([one]) => one === name)) {
    await model.savePretrained(path.join(folder, name));
    await writeExpected(path.join(folder, name), model, base);
  }
  if (method !== 'lora' && model.layers.lowRankDeltas !== undefined) {
    await model.exportLora(path.join(folder, `${name}-as-lora`));
    await writeExpected(path.join(folder, `${name}-as-lora`), model, base);
  }
  if (method === 'psoft' && basis !== undefined) {
    const target = path.join(folder, 'psoft-in-torch-basis');
    await model.savePretrained(target, { basis });
    await writeExpected(target, model, base);
  }
}
