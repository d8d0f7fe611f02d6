import { mkdirSync, mkdtempSync, realpathSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { data, placed, rawFile, temporaryFolder } from '../../test/weightFiles.ts';
import { openCheckpoint } from './checkpoint.ts';
import { WeightFileError } from './error.ts';
import { fingerprintWeights } from './fingerprint.ts';
import { readWeight } from './read.ts';
import type { WeightSource } from './source.ts';
import { encodeSafetensors } from './write.ts';

const root = temporaryFolder();
const INDEX = 'model.safetensors.index.json';
const weights = new Map<string, WeightSource>([
  ['a', data([2], [1, 2])],
  ['b', data([1, 3], [3, 4, 5])],
  ['c', data([], [6])],
]);
const part = (...names: string[]) => names.map((name) => [name, weights.get(name)!] as const);

/** A folder of these files; objects go in as JSON. */
function folderOf(files: Record<string, object | string>): string {
  const dir = mkdtempSync(join(root, 'checkpoint-'));
  for (const [name, content] of Object.entries(files)) {
    const isBytes = typeof content === 'string' || Buffer.isBuffer(content);
    placed(dir, name, isBytes ? (content as string) : JSON.stringify(content));
  }
  return dir;
}

const config = { model_type: 'deberta-v2', hidden_size: 8 };
const single = () => ({
  'config.json': config,
  'model.safetensors': encodeSafetensors(weights, { metadata: { format: 'pt' } }),
});
const sharded = (weightMap: unknown = { a: 's1.safetensors', b: 's2.safetensors', c: 's1.safetensors' }) => ({
  'config.json': config,
  [INDEX]: { metadata: { total_size: 24 }, weight_map: weightMap },
  's1.safetensors': encodeSafetensors(part('a', 'c'), { metadata: { format: 'pt', shard: '1' } }),
  's2.safetensors': encodeSafetensors(part('b'), { metadata: { format: 'pt', shard: '2' } }),
});

describe('openCheckpoint', () => {
  it('reads config, weights and metadata of a single file', async () => {
    const dir = folderOf(single());
    const checkpoint = await openCheckpoint(dir);
    expect(checkpoint).toMatchObject({ dir, config, metadata: { format: 'pt' } });
    expect([...checkpoint.weights.keys()]).toEqual(['a', 'b', 'c']);
    expect([...(await readWeight(checkpoint.weights.get('b')!))]).toEqual([3, 4, 5]);
  });

  it('reads shards as the same weights', async () => {
    const checkpoint = await openCheckpoint(folderOf(sharded()));
    expect(await fingerprintWeights(checkpoint.weights)).toBe(await fingerprintWeights(weights));
    expect(checkpoint.metadata).toEqual({ format: 'pt', shard: '1' });
  });

  it('prefers the single file, and gives of shards what the index names', async () => {
    const both = await openCheckpoint(folderOf({ ...sharded({ a: 'gone.safetensors' }), ...single() }));
    expect(both.weights.size).toBe(3);
    const named = await openCheckpoint(folderOf(sharded({ a: 's1.safetensors' })));
    expect([...named.weights.keys()]).toEqual(['a']);
  });

  it('lists buffers of other types apart, in shards too', async () => {
    const ids = rawFile({ ids: { dtype: 'I64', shape: [1], data_offsets: [0, 8] } }, 8);
    const dir = folderOf({
      ...sharded({ a: 's1.safetensors', ids: 's3.safetensors' }),
      's3.safetensors': ids,
    });
    const checkpoint = await openCheckpoint(dir);
    expect([...checkpoint.weights.keys()]).toEqual(['a']);
    expect(checkpoint.others.get('ids')).toEqual({ dtype: 'I64', shape: [1] });
  });

  it('follows the links of a Hub cache to the blobs', async () => {
    const blobs = folderOf(
      Object.fromEntries(Object.entries(sharded()).map(([name, content]) => [`blob-${name}`, content])),
    );
    const snapshot = join(blobs, 'snapshots/main');
    mkdirSync(snapshot, { recursive: true });
    for (const name of Object.keys(sharded())) symlinkSync(`../../blob-${name}`, join(snapshot, name));
    const checkpoint = await openCheckpoint(snapshot);
    expect(checkpoint.weights.get('b')).toMatchObject({
      file: realpathSync(join(blobs, 'blob-s2.safetensors')),
    });
    expect([...(await readWeight(checkpoint.weights.get('c')!))]).toEqual([6]);
  });
});

describe('folders that are no checkpoint', () => {
  const s1 = 's1.safetensors';
  it.each<[string, Record<string, object | string>, string]>([
    ['an empty folder', {}, 'a checkpoint needs config.json; the folder holds nothing'],
    ['no config', { 'model.safetensors': 'x' }, 'needs config.json; the folder holds model.safetensors'],
    [
      'no weights',
      { 'config.json': config },
      'pytorch_model.bin or pytorch_model.bin.index.json; the folder holds config.json',
    ],
    ['torch weights only', { 'config.json': config, 'pytorch_model.bin': 'x' }, 'is no zip archive'],
    ['config that is no JSON', { ...single(), 'config.json': '{,}' }, 'config.json: cannot be read as JSON:'],
    [
      'config that is an array',
      { ...single(), 'config.json': [1] },
      'config.json: must hold a JSON object, got [1]',
    ],
    [
      'damaged weights',
      { 'config.json': config, 'model.safetensors': 'x' },
      'model.safetensors: a safetensors file has',
    ],
    [
      'an index without map',
      { ...sharded(), [INDEX]: { metadata: {} } },
      `${INDEX}: weight_map must be an object of shard names, got undefined`,
    ],
    ['an empty map', sharded({}), 'weight_map must be an object of shard names, got {}'],
    [
      'a map that is an array',
      sharded([s1]),
      'weight_map must be an object of shard names, got ["s1.safetensors"]',
    ],
    [
      'a shard that is a number',
      sharded({ a: 1 }),
      'weight_map "a" must be a .safetensors file of the same folder, got 1',
    ],
    ['a shard elsewhere', sharded({ a: '../s1.safetensors' }), 'of the same folder, got "../s1.safetensors"'],
    [
      'a shard at an absolute path',
      sharded({ a: '/s1.safetensors' }),
      'of the same folder, got "/s1.safetensors"',
    ],
    [
      'missing shards',
      sharded({ a: s1, b: 's8.safetensors', c: 's9.safetensors' }),
      'not in the folder: s8.safetensors, s9.safetensors; fetch them',
    ],
    [
      'tensors in another shard',
      sharded({ a: 's2.safetensors', b: 's2.safetensors', d: s1 }),
      'not in their shard: a (s2.safetensors), d (s1.safetensors)',
    ],
    [
      'a damaged shard',
      { ...sharded(), [s1]: rawFile('[]') },
      's1.safetensors: the header must begin with {',
    ],
  ])('%s', async (_, files, message) => {
    const dir = folderOf(files);
    const error = await openCheckpoint(dir).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(WeightFileError);
    expect((error as Error).message).toContain(message);
    expect((error as Error).message.startsWith(dir)).toBe(true);
    expect((error as Error).message).not.toContain('\n');
  });

  it('a folder that is not there', async () => {
    const message = 'nowhere: cannot open the checkpoint folder: ENOENT';
    await expect(openCheckpoint(join(root, 'nowhere'))).rejects.toThrow(message);
  });
});
