/** The files of a model that fine-tuning needs, and no others. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { reasonOf, shown } from '@psoft/engine/errors';
import { HubError } from './errors.ts';
import { isGlob } from './names.ts';
import { fetchSnapshot, type HubOptions, type Snapshot } from './snapshot.ts';

/** What turns texts or images into inputs. */
const READERS = [
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'added_tokens.json',
  'vocab.json',
  'merges.txt',
  'spm.model',
  'spiece.model',
  'preprocessor_config.json',
];
/** In the order they are preferred: torch's own files only where there is nothing else. */
const WEIGHTS = [
  ['model.safetensors', 'model.safetensors.index.json'],
  ['pytorch_model.bin', 'pytorch_model.bin.index.json'],
] as const;

/**
 * Brings config.json, tokenizer or image processor, and weights of a model into the cache: safetensors where the repository has them, else
 * torch's files; shards by their index.
 * @throws HubError when they cannot be had
 */
export async function fetchModel(
  model: { readonly name: string; readonly revision?: string },
  options: Omit<HubOptions, 'files' | 'optional'> = {},
): Promise<Snapshot> {
  const repo = { type: 'model', ...model } as const;
  const fetch = (files: readonly string[], optional: readonly string[], revision = model.revision) =>
    fetchSnapshot(
      { ...repo, ...(revision === undefined ? {} : { revision }) },
      { ...options, files, optional },
    );
  const first = await fetch(['config.json'], READERS);
  const { commit } = first;
  for (const [single, index] of WEIGHTS) {
    const found = await fetch([], [single, index], commit);
    if (found.files.includes(single)) return merged(first, found);
    if (!found.files.includes(index)) continue;
    const shards = await shardNames(path.join(found.folder, index));
    return merged(first, found, await fetch(shards, [], commit));
  }
  throw new HubError(
    `${model.name} has no weights that can be read: looked for ${WEIGHTS.flat().join(', ')}; choose another model`,
  );
}

function merged(first: Snapshot, ...others: readonly Snapshot[]): Snapshot {
  return { ...first, files: [first, ...others].flatMap(({ files }) => files) };
}

/** @throws HubError naming the index where it is none, or names something else than a file a tensor */
async function shardNames(index: string): Promise<string[]> {
  let map: unknown;
  try {
    map = Object(JSON.parse(await readFile(index, 'utf8'))).weight_map;
  } catch (cause) {
    throw new HubError(`${index} cannot be read as JSON: ${reasonOf(cause)}; delete it to fetch it again`);
  }
  const names: readonly unknown[] = Object.values(typeof map === 'object' ? (map ?? {}) : {});
  // A pattern would bring all that it matches.
  const isName = (name: unknown): name is string => typeof name === 'string' && !isGlob(name);
  const wrong = names.find((name) => !isName(name));
  if (names.length === 0 || wrong !== undefined)
    throw new HubError(
      `${index}: weight_map must name a file for each tensor, got ${shown(wrong ?? map)}; do not use this repository`,
    );
  return [...new Set(names.filter(isName))].sort();
}
