/** Writes adapter folders in PEFT's layout. */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { fingerprintWeights, type WeightSource, writeSafetensors } from '@psoft/engine';
import { AdapterError } from './errors.ts';
import { CONFIG_FILE, WEIGHTS_FILE, writeJson } from './files.ts';
import type { PeftModel } from './peftModel.ts';
import { ALL_LINEAR, savedModules } from './target.ts';

/** What PEFT puts before the module path. */
export const KEY_PREFIX = 'base_model.model.';
/** Metadata entry that says what the values refer to. */
export const BASIS_KEY = 'psoft.basis';

/** The weights that an adapter was made for: changed ones make its values meaningless. */
export function baseFingerprint(model: PeftModel): Promise<string> {
  return fingerprintWeights(
    new Map(
      model.layers.targets.map(({ name, weight }): [string, WeightSource] => [`${name}.weight`, weight]),
    ),
  );
}

/**
 * adapter_model.safetensors (trained values, the head among them, under PEFT's keys) and adapter_config.json. The basis
 * that the values refer to stands in the safetensors file's metadata, so that the two cannot be parted.
 */
export async function saveAdapter(model: PeftModel, folder: string): Promise<void> {
  const { layers } = model;
  const tensors = new Map<string, WeightSource>();
  for (const [key, value] of layers.state()) tensors.set(KEY_PREFIX + key, value);
  addHeads(model, tensors);
  const basis = layers.basis && { version: 1, base: await baseFingerprint(model), modules: layers.basis() };
  await mkdir(folder, { recursive: true });
  await writeSafetensors(path.join(folder, WEIGHTS_FILE), tensors, {
    metadata: { format: 'pt', ...(basis ? { [BASIS_KEY]: JSON.stringify(basis) } : {}) },
  });
  await writeJson(path.join(folder, CONFIG_FILE), { ...model.config.toPeft(), ...moduleNames(model) });
}

/**
 * The same update as an ordinary LoRA adapter of rank r: lora_A = A and lora_B = B C, alpha = r. It refers to no basis
 * and to no SVD, and every PEFT loads it alike. The base weights must be the same all the same.
 * @throws AdapterError when the method's update has no such form
 */
export async function exportLora(model: PeftModel, folder: string): Promise<void> {
  const { layers, config } = model;
  if (layers.lowRankDeltas === undefined)
    throw new AdapterError(
      `${config.peftType} cannot be exported as LoRA: its update is not a product of thin matrices`,
    );
  const tensors = new Map<string, WeightSource>();
  let rank = 0;
  for await (const [module, { a, b }] of layers.lowRankDeltas()) {
    rank = a.shape[0]!;
    tensors.set(`${KEY_PREFIX}${module}.lora_A.weight`, a);
    tensors.set(`${KEY_PREFIX}${module}.lora_B.weight`, b);
  }
  addHeads(model, tensors);
  await mkdir(folder, { recursive: true });
  await writeSafetensors(path.join(folder, WEIGHTS_FILE), tensors, { metadata: { format: 'pt' } });
  await writeJson(path.join(folder, CONFIG_FILE), {
    base_model_name_or_path: config.baseModelNameOrPath ?? null,
    bias: 'none',
    fan_in_fan_out: false,
    inference_mode: true,
    init_lora_weights: true,
    lora_alpha: rank,
    lora_dropout: 0,
    modules_to_save: moduleNames(model).modules_to_save,
    peft_type: 'LORA',
    r: rank,
    revision: config.revision ?? null,
    target_modules: [...model.targetModules],
    task_type: config.taskType ?? null,
    use_rslora: false,
  });
}

function addHeads({ heads }: PeftModel, tensors: Map<string, WeightSource>): void {
  for (const { name, data, shape } of heads) tensors.set(KEY_PREFIX + name, { kind: 'data', data, shape });
}

/** Settings that PEFT needs spelt out: its own defaults and its reading of "all-linear" may differ from ours. */
function moduleNames(model: PeftModel): {
  modules_to_save: string[] | null;
  target_modules: string | string[];
} {
  const { targetModules } = model.config;
  const saved = savedModules(model.base, model.config);
  const names =
    targetModules === undefined || targetModules === ALL_LINEAR
      ? [...model.targetModules]
      : typeof targetModules === 'string'
        ? targetModules
        : [...targetModules];
  return { modules_to_save: saved.length === 0 ? null : saved, target_modules: names };
}
