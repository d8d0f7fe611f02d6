/** Writes adapter folders in PEFT's layout. */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import {
  fingerprintWeights,
  type Model,
  type WeightData,
  type WeightSource,
  writeSafetensors,
} from '@psoft/engine';
import { AdapterError } from './errors.ts';
import { basisRecordOf, CONFIG_FILE, readJson, WEIGHTS_FILE, writeJson } from './files.ts';
import type { InstalledAdapter } from './installed.ts';
import type { AdapterLayers } from './method.ts';
import { ALL_LINEAR, savedModules } from './target.ts';

/** What PEFT puts before the module path. */
export const KEY_PREFIX = 'base_model.model.';
/** Metadata entry with the fingerprint of the base weights that the adapter was made for. */
export const BASE_KEY = 'psoft.base';
/** Metadata entry that says what the values refer to. */
export const BASIS_KEY = 'psoft.basis';

/** The weights that an adapter was made for: changed ones make its values meaningless. */
export function baseFingerprint({ targets }: AdapterLayers): Promise<string> {
  return fingerprintWeights(
    new Map(targets.map(({ name, weight }): [string, WeightSource] => [`${name}.weight`, weight])),
  );
}

export interface SaveOptions {
  /**
   * A basis file of the machine that will load the adapter with PEFT, made there by tools/reference/psoft_basis.py: the
   * values are written in its terms, and PEFT computes the same update from them.
   */
  readonly basis?: string;
}

/**
 * adapter_model.safetensors (trained values, the head among them, under PEFT's keys) and adapter_config.json. The basis
 * that the values refer to stands in the safetensors file's metadata, so that the two cannot be parted.
 */
export async function saveAdapter(
  model: Model,
  adapter: InstalledAdapter,
  folder: string,
  options: SaveOptions = {},
): Promise<void> {
  const { layers } = adapter;
  const base = await baseFingerprint(layers);
  const { state, basis: modules } = await stateAndBasis(adapter, base, options);
  const tensors = new Map<string, WeightSource>();
  for (const [key, value] of state) tensors.set(KEY_PREFIX + key, value);
  for (const [key, value] of layers.savedWeights ?? []) tensors.set(key, value);
  addHeads(adapter, tensors);
  const basis = modules && { version: 1, base, modules };
  await mkdir(folder, { recursive: true });
  await writeSafetensors(path.join(folder, WEIGHTS_FILE), tensors, {
    metadata: { format: 'pt', [BASE_KEY]: base, ...(basis ? { [BASIS_KEY]: JSON.stringify(basis) } : {}) },
  });
  await writeJson(path.join(folder, CONFIG_FILE), {
    ...adapter.config.toPeft(),
    ...moduleNames(model, adapter),
  });
}

async function stateAndBasis(
  { config, layers }: InstalledAdapter,
  base: string,
  { basis: file }: SaveOptions,
): Promise<{ state: Map<string, WeightData>; basis: Record<string, unknown> | undefined }> {
  if (file === undefined) return { state: layers.state(), basis: layers.basis?.() };
  if (layers.stateIn === undefined)
    throw new AdapterError(`${config.method} refers to no basis: leave \`basis\` (${file}) out`);
  const record = basisRecordOf(await readJson(file), file);
  if (record.base !== base)
    throw new AdapterError(
      `${file}: is the basis of other base weights (fingerprint ${record.base.slice(0, 12)}...) than this adapter's (${base.slice(0, 12)}...)`,
    );
  return layers.stateIn(record.modules, file);
}

/**
 * The same update as an ordinary LoRA adapter of rank r: lora_A = A and lora_B = B C, alpha = r. It refers to no basis
 * and to no SVD, and every PEFT loads it alike. The base weights must be the same all the same.
 * @throws AdapterError when the method's update has no such form
 */
export async function exportLora(model: Model, adapter: InstalledAdapter, folder: string): Promise<void> {
  const { layers, config } = adapter;
  if (layers.lowRankDeltas === undefined)
    throw new AdapterError(
      `${config.method} cannot be exported as LoRA: its update is not a product of thin matrices`,
    );
  const tensors = new Map<string, WeightSource>();
  const ranks = new Map<string, number>();
  for await (const [module, { a, b }] of layers.lowRankDeltas()) {
    ranks.set(module, a.shape[0]!);
    tensors.set(`${KEY_PREFIX}${module}.lora_A.weight`, a);
    tensors.set(`${KEY_PREFIX}${module}.lora_B.weight`, b);
  }
  addHeads(adapter, tensors);
  const rank = Math.max(...ranks.values());
  const others = Object.fromEntries([...ranks].filter(([, one]) => one !== rank));
  await mkdir(folder, { recursive: true });
  await writeSafetensors(path.join(folder, WEIGHTS_FILE), tensors, {
    metadata: { format: 'pt', [BASE_KEY]: await baseFingerprint(layers) },
  });
  await writeJson(path.join(folder, CONFIG_FILE), {
    alpha_pattern: others,
    base_model_name_or_path: config.baseModelNameOrPath ?? null,
    bias: 'none',
    fan_in_fan_out: false,
    inference_mode: true,
    init_lora_weights: true,
    lora_alpha: rank,
    lora_dropout: 0,
    modules_to_save: moduleNames(model, adapter).modules_to_save,
    peft_type: 'LORA',
    r: rank,
    rank_pattern: others,
    revision: config.revision ?? null,
    target_modules: layers.targets.map(({ name }) => name),
    task_type: config.taskType ?? null,
    use_rslora: false,
  });
}

function addHeads({ heads }: InstalledAdapter, tensors: Map<string, WeightSource>): void {
  for (const { name, data, shape } of heads) tensors.set(KEY_PREFIX + name, { kind: 'data', data, shape });
}

/** Settings that PEFT needs spelt out: its own defaults and its reading of "all-linear" may differ from ours. */
function moduleNames(
  model: Model,
  { config, layers }: InstalledAdapter,
): { modules_to_save: string[] | null; target_modules: string | string[] } {
  const { targetModules } = config;
  const saved = savedModules(model, config);
  const names =
    targetModules === undefined || targetModules === ALL_LINEAR
      ? layers.targets.map(({ name }) => name)
      : typeof targetModules === 'string'
        ? targetModules
        : [...targetModules];
  return { modules_to_save: saved.length === 0 ? null : saved, target_modules: names };
}
