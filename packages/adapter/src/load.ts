/** Reads adapter folders in PEFT's layout onto a model. */
import { access } from 'node:fs/promises';
import path from 'node:path';
import {
  fingerprintWeights,
  type Model,
  type Parameter,
  readSafetensorsHeader,
  readWeight,
  type SafetensorsFile,
  type WeightSource,
} from '@psoft/engine';
import type { AdapterConfig } from './config.ts';
import { AdapterConfigError, AdapterError } from './errors.ts';
import {
  type BasisRecord,
  basisRecordOf,
  CONFIG_FILE,
  parseObject,
  readJson,
  WEIGHTS_FILE,
} from './files.ts';
import { type InstalledAdapter, installAdapter, type PeftOptions } from './installed.ts';
import { type AuthorsRotation, convertAuthorsAdapter, isAuthorsFile } from './methods/psoft/authors.ts';
import { configFromPeft, methodNamed } from './registry.ts';
import { BASE_KEY, BASIS_KEY, KEY_PREFIX } from './save.ts';
import { findTargets, isWithin } from './target.ts';

export interface LoadOptions extends PeftOptions {
  /** A basis file for an adapter that PEFT saved, made by tools/reference/psoft_basis.py. */
  readonly basis?: string;
  /** How R was computed, for an adapter of the paper's released code, whose files do not say. */
  readonly rotation?: AuthorsRotation;
}

/**
 * The adapter in `folder` on `model`, with its trained head.
 * @throws AdapterError when a file is missing or malformed, tensors are missing, left over or misshapen, the base weights
 *   are not those the adapter was trained on, or the basis that its values refer to is unknown or cannot be rebuilt
 */
export async function loadAdapter(
  model: Model,
  folder: string,
  options: LoadOptions = {},
): Promise<InstalledAdapter> {
  const configFile = path.join(folder, CONFIG_FILE);
  const file = await openWeights(folder);
  const json = await readJson(configFile);
  const { basis: _, rotation, ...peftOptions } = options;
  if (isAuthorsFile(file))
    return inFile(configFile, () =>
      convertAuthorsAdapter(model, json, file, KEY_PREFIX, rotation, peftOptions),
    );
  const config = await inFile(configFile, () => configFromPeft(pruned(json, model, file)));
  const record = await basisRecord(config, file, options.basis);
  // PEFT's own files do not say what they were trained on.
  const own = file.metadata[BASE_KEY];
  const check = (stated: Parameters<typeof checkBase>[2]) =>
    inFile(configFile, () => checkBase(model, config, stated));
  if (own !== undefined) await check({ base: own, origin: file.file });
  if (record !== undefined && record.base !== own) await check(record);
  const adapter = await inFile(configFile, () => installAdapter(model, config, peftOptions));
  if (record !== undefined) adapter.layers.adoptBasis?.(record.modules, record.origin);
  await fill(adapter, file);
  return adapter;
}

/** Settings that are wrong do not say which of a user's files they stand in. */
async function inFile<T>(file: string, read: () => T | Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    if (!(cause instanceof AdapterError) || cause.message.includes(path.dirname(file))) throw cause;
    if (cause instanceof AdapterConfigError)
      throw new AdapterConfigError(`${file}: ${cause.message}`, { cause });
    throw new AdapterError(`${file}: ${cause.message}`, { cause });
  }
}

async function openWeights(folder: string): Promise<SafetensorsFile> {
  const file = path.join(folder, WEIGHTS_FILE);
  const exists = (name: string) =>
    access(path.join(folder, name)).then(
      () => true,
      () => false,
    );
  if (!(await exists(WEIGHTS_FILE))) {
    const remedy = (await exists('adapter_model.bin'))
      ? 'it holds adapter_model.bin, which is not read: save the adapter again with safetensors'
      : 'give the folder that an adapter was saved to';
    throw new AdapterError(`${folder}: has no ${WEIGHTS_FILE}; ${remedy}`);
  }
  return readSafetensorsHeader(file);
}

/** Without names of modules to save that neither model nor file has: PEFT lists every usual name of a classifier. */
function pruned(
  json: Record<string, unknown>,
  model: Model,
  { tensors }: SafetensorsFile,
): Record<string, unknown> {
  if (!Array.isArray(json.modules_to_save)) return json;
  const paths = [...model.weights.keys(), ...tensors.keys()];
  const known = json.modules_to_save.filter(
    // What is no name is refused with the other settings.
    (name) => typeof name !== 'string' || paths.some((path) => isWithin(path, name)),
  );
  return { ...json, modules_to_save: known };
}

async function basisRecord(
  config: AdapterConfig,
  { file, metadata }: SafetensorsFile,
  basisFile: string | undefined,
): Promise<BasisRecord | undefined> {
  if (!methodNamed(config.method).needsBasis?.(config)) return undefined;
  const own = metadata[BASIS_KEY];
  let origin = file;
  let record: Record<string, unknown>;
  if (basisFile !== undefined) {
    origin = basisFile;
    record = await readJson(basisFile);
  } else if (own !== undefined) {
    record = parseObject(own, `${file}: its metadata "${BASIS_KEY}"`);
  } else
    throw new AdapterError(
      `${file}: does not say which singular vectors its values refer to, as ${config.peftType} adapters saved by PEFT do ` +
        "not: flipping one vector's sign changes the update; run tools/reference/psoft_basis.py where the adapter was " +
        'trained and give its output as `basis`',
    );
  return basisRecordOf(record, origin);
}

/** Before any decomposition: other base weights are the commonest mistake, and decomposing them takes long. */
async function checkBase(
  model: Model,
  config: AdapterConfig,
  { base, origin }: Pick<BasisRecord, 'base' | 'origin'>,
): Promise<void> {
  const targets = findTargets(model, config).map(({ name, weight }): [string, WeightSource] => [
    `${name}.weight`,
    weight,
  ]);
  const found = await fingerprintWeights(new Map(targets));
  if (found !== base)
    throw new AdapterError(
      `${origin}: the adapter was trained on other base weights (fingerprint ${base.slice(0, 12)}...) than this ` +
        `${model.architecture}'s (${found.slice(0, 12)}...): give the checkpoint it was trained on`,
    );
}

/** Copies the file's tensors into the model's parameters: all of them, and nothing left over. */
async function fill({ layers, heads }: InstalledAdapter, { file, tensors }: SafetensorsFile): Promise<void> {
  const wanted = new Map<string, Pick<Parameter, 'shape' | 'data'>>();
  for (const [name, value] of layers.state()) wanted.set(KEY_PREFIX + name, value);
  for (const head of heads) wanted.set(KEY_PREFIX + head.name, head);
  for (const [key, value] of layers.savedWeights ?? []) wanted.set(key, value);
  const headNames = new Set(heads.map(({ name }) => KEY_PREFIX + name));
  for (const [name, { shape }] of wanted) {
    const found = tensors.get(name);
    if (found === undefined)
      throw new AdapterError(
        `${file}: has no tensor "${name}"` +
          (headNames.has(name)
            ? ': the trained head is part of an adapter; without it the outputs would be those of a new head'
            : ': adapter_config.json and the file do not belong together'),
      );
    if (String(found.shape) !== String(shape))
      throw new AdapterError(`${file}: "${name}" is [${found.shape}], the model needs [${shape}]`);
  }
  for (const name of tensors.keys())
    if (!wanted.has(name))
      throw new AdapterError(
        `${file}: tensor "${name}" has no place in the model: adapter and model do not belong together`,
      );
  for (const [name, { data }] of wanted) data.set(await readWeight(tensors.get(name)!));
  layers.weightsLoaded?.();
}
