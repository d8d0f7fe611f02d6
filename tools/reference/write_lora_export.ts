/**
 * Writes what check_lora_export.py compares: the fixture's small network with a randomly trained PSOFT adapter, saved
 * as LoRA and as PSOFT, and its outputs.
 * Run: npx tsx tools/reference/write_lora_export.ts FOLDER
 */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { getPeftModel, PsoftConfig } from '../../packages/adapter/src/index.ts';
import { logitsOf, perturb, plainLogits, toyInput, toyModel } from '../../packages/adapter/test/toy.ts';
import { readSafetensorsHeader, tf } from '../../packages/engine/src/index.ts';

const folder = process.argv[2];
if (folder === undefined) throw new Error('give the folder to write to');
const weights = path.join(import.meta.dirname, '../../packages/adapter/test/fixtures/peft/base.safetensors');
await tf.setBackend('cpu');
const base = toyModel({ given: (await readSafetensorsHeader(weights)).tensors });
const model = await getPeftModel(
  base,
  new PsoftConfig({ r: 4, psoftAlpha: 6, targetModules: ['query_proj', 'dense'] }),
);
perturb(model);
await mkdir(folder, { recursive: true });
await model.exportLora(path.join(folder, 'lora'));
await model.savePretrained(path.join(folder, 'psoft'));
const x = toyInput();
const expected = {
  x: [...x.dataSync()],
  logits: [...logitsOf(model, x)],
  baseLogits: [...plainLogits(base, x)],
};
await writeFile(path.join(folder, 'expected.json'), JSON.stringify(expected));
