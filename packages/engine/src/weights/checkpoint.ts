import { readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { reasonOf, shown } from '../errors.ts';
import { WeightFileError } from './error.ts';
import { joinQuantized } from './quantizedCheckpoint.ts';
import { type OtherTensor, readSafetensorsHeader, type SafetensorsFile } from './safetensors.ts';
import type { StoredWeight, WeightReference } from './source.ts';
import { readTorchFile } from './torchFile.ts';

/** A model folder in Hugging Face's layout. */
export interface Checkpoint {
  /** Absolute path of the folder. */
  readonly dir: string;
  /** config.json as read. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Float weights by name, and those that `psoft quantize` made of such. */
  readonly weights: Map<string, StoredWeight>;
  /** Tensors of other types by name. */
  readonly others: Map<string, OtherTensor>;
  /** Metadata of the weight file; of several shards the union, the first that states a key being kept. */
  readonly metadata: Readonly<Record<string, string>>;
}

const CONFIG = 'config.json';
const SINGLE = 'model.safetensors';
const INDEX = 'model.safetensors.index.json';
const TORCH = 'pytorch_model.bin';
const TORCH_INDEX = 'pytorch_model.bin.index.json';

/**
 * Opens a checkpoint: reads config.json and the headers of model.safetensors or, if there is none, of the shards that
 * model.safetensors.index.json names. Without either, the same in torch's own form: pytorch_model.bin or its shards.
 * Of shards, the tensors that the index names are given.
 * @throws WeightFileError naming the file that is missing or wrong, or what quantised the weights if it was not this
 *   package
 */
export async function openCheckpoint(dir: string): Promise<Checkpoint> {
  const names = await readdir(dir).catch((cause: Error) => {
    throw new WeightFileError(dir, `cannot open the checkpoint folder: ${cause.message}`, { cause });
  });
  const listed = `the folder holds ${names.length === 0 ? 'nothing' : shownNames(names.sort())}`;
  if (!names.includes(CONFIG)) throw new WeightFileError(dir, `a checkpoint needs ${CONFIG}; ${listed}`);
  const config = await readJsonObject(join(dir, CONFIG));

  const { metadata, ...stored } = await readWeights(dir, names, listed);
  const { weights, others } = joinQuantized(join(dir, CONFIG), config.quantization_config, stored);
  return { dir: resolve(dir), config, weights, others, metadata };
}

function readWeights(
  dir: string,
  names: readonly string[],
  listed: string,
): Promise<Omit<SafetensorsFile, 'file'>> {
  if (names.includes(SINGLE)) return readSafetensorsHeader(join(dir, SINGLE));
  if (names.includes(INDEX)) return readShards(dir, INDEX, '.safetensors', readSafetensorsHeader);
  if (names.includes(TORCH)) return readTorchFile(join(dir, TORCH));
  if (names.includes(TORCH_INDEX)) return readShards(dir, TORCH_INDEX, '.bin', readTorchFile);
  throw new WeightFileError(
    dir,
    `a checkpoint needs ${SINGLE}, ${INDEX}, ${TORCH} or ${TORCH_INDEX}; ${listed}`,
  );
}

async function readShards(
  dir: string,
  index: string,
  ending: string,
  readShard: (path: string) => Promise<SafetensorsFile>,
): Promise<Omit<SafetensorsFile, 'file'>> {
  const path = join(dir, index);
  const shardOf = checkWeightMap(path, (await readJsonObject(path)).weight_map, ending);
  const shardNames = [...new Set(shardOf.values())].sort();
  const present = new Set(await readdir(dir));
  const absent = shardNames.filter((name) => !present.has(name));
  if (absent.length > 0) {
    throw new WeightFileError(
      path,
      `names shards that are not in the folder: ${shownNames(absent)}; fetch them`,
    );
  }
  const shards = new Map<string, SafetensorsFile>();
  for (const name of shardNames) shards.set(name, await readShard(join(dir, name)));

  const tensors = new Map<string, WeightReference>();
  const others = new Map<string, OtherTensor>();
  const lost: string[] = [];
  for (const [name, shardName] of shardOf) {
    const shard = shards.get(shardName)!;
    const weight = shard.tensors.get(name);
    const other = shard.others.get(name);
    if (weight) tensors.set(name, weight);
    else if (other) others.set(name, other);
    else lost.push(`${name} (${shardName})`);
  }
  if (lost.length > 0) {
    throw new WeightFileError(path, `names tensors that are not in their shard: ${shownNames(lost)}`);
  }
  const metadata = Object.assign({}, ...[...shards.values()].reverse().map((shard) => shard.metadata));
  return { tensors, others, metadata };
}

/** The index's weight_map: shard file by tensor. A shard is a plain name, so that no index reaches outside its folder. */
function checkWeightMap(path: string, weightMap: unknown, ending: string): Map<string, string> {
  if (!isObject(weightMap) || Object.keys(weightMap).length === 0) {
    throw new WeightFileError(path, `weight_map must be an object of shard names, got ${shown(weightMap)}`);
  }
  const shardOf = new Map<string, string>();
  for (const [name, shard] of Object.entries(weightMap)) {
    if (typeof shard !== 'string' || !shard.endsWith(ending) || /[/\\]/.test(shard) || shard === ending) {
      const problem = `weight_map ${shown(name)} must be a ${ending} file of the same folder`;
      throw new WeightFileError(path, `${problem}, got ${shown(shard)}`);
    }
    shardOf.set(name, shard);
  }
  return shardOf;
}

async function readJsonObject(path: string): Promise<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(await readFile(path, 'utf8'));
  } catch (cause) {
    throw new WeightFileError(path, `cannot be read as JSON: ${reasonOf(cause)}`, { cause });
  }
  if (!isObject(value)) throw new WeightFileError(path, `must hold a JSON object, got ${shown(value)}`);
  return value;
}

function shownNames(names: readonly string[]): string {
  const more = names.length > 5 ? ` and ${names.length - 5} more` : '';
  return names.slice(0, 5).join(', ') + more;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
