/** VTAB-1K through a Hub on loopback, in the layouts that data sets of images have there. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { imageProcessor } from '../../src/images/processor.ts';
import { readVtabFromHub } from '../../src/vtab/hub.ts';
import type { HostedFile } from './server.ts';
import { COMMIT, useSetting } from './setting.ts';

const setting = useSetting();
const FIXTURES = fileURLToPath(new URL('../fixtures/vtab/', import.meta.url));
const DATA = { name: 'org/vtab' };
const { splits: expected } = JSON.parse(readFileSync(path.join(FIXTURES, 'expected.json'), 'utf8')) as {
  splits: Record<string, { label: number }[]>;
};
const labelsOf = (split: string) => expected[split]!.map(({ label }) => label);

const hosted = (name: string): HostedFile => ({
  content: readFileSync(path.join(FIXTURES, name)),
  isLarge: true,
});
const host = (files: Record<string, string>) =>
  setting.hub.host(
    'datasets/org/vtab',
    Object.fromEntries(Object.entries(files).map(([name, fixture]) => [name, hosted(fixture)])),
  );
const shards = Object.fromEntries(
  readdirSync(path.join(FIXTURES, 'data')).map((name) => [`data/${name}`, `data/${name}`]),
);
const options = (environment = {}) => ({
  processor: imageProcessor({ size: 32 }),
  environment: { ...setting.environment, PSOFT_CACHE: path.join(setting.folder, 'psoft'), ...environment },
});

describe('VTAB-1K from the Hub', () => {
  test('all splits as `datasets` writes them, and the commit', async () => {
    host({ ...shards, 'README.md': 'expected.json' });
    const progress: string[] = [];
    const { splits, commit } = await readVtabFromHub(DATA, {
      ...options(),
      onProgress: ({ file }) => progress.push(file),
    });
    expect(commit).toBe(COMMIT);
    for (const [name, split] of Object.entries(splits)) expect([...split.labels]).toEqual(labelsOf(name));
    expect(splits.train.source).toBe('org/vtab@c0ffee00 train');
    expect(progress).toContain('data/train-00001-of-00002.parquet');
    expect(progress).toContain('decoding org/vtab@c0ffee00 test');
    expect(setting.hub.log().filter((line) => /GET .*md$/.test(line))).toEqual([]);
  });
  test('only the splits wanted are fetched; the cache serves offline', async () => {
    host(shards);
    const read = (environment = {}) => readVtabFromHub(DATA, options(environment), ['validation']);
    const { splits } = await read();
    expect(Object.keys(splits)).toEqual(['validation']);
    const before = setting.hub.log();
    expect(before.filter((line) => /(train|test)-/.test(line))).toEqual([]);
    const again = await read({ HF_HUB_OFFLINE: '1' });
    expect(again.splits.validation.fingerprint).toBe(splits.validation.fingerprint);
    expect(setting.hub.log()).toHaveLength(before.length);
    await expect(
      readVtabFromHub(DATA, options({ HF_HUB_OFFLINE: '1' }), ['validation', 'test']),
    ).rejects.toThrow(/has no test split at commit c0ffee.*found data\/validation-.*connect to the network/);
  });
  test.each(['default/test/0000.parquet', 'test/0000.parquet'])('other layouts: %s', async (name) => {
    host({ [name]: 'data/test-00000-of-00001.parquet' });
    const { splits } = await readVtabFromHub(DATA, options(), ['test']);
    expect([...splits.test.labels]).toEqual(labelsOf('test'));
  });
  test('two layouts at once count once', async () => {
    host({ ...shards, 'default/test/0000.parquet': 'data/test-00000-of-00001.parquet' });
    const { splits } = await readVtabFromHub(DATA, options(), ['test']);
    expect(splits.test.labels).toHaveLength(10);
  });
  test('a split that is absent, a shard that is absent, a file that is no data set of images', async () => {
    const { 'data/test-00000-of-00001.parquet': _test, ...others } = shards;
    host(others);
    await expect(readVtabFromHub(DATA, options())).rejects.toThrow(
      /^dataset "org\/vtab" has no test split at commit c0ffee0*: expected data\/test-\*\.parquet or test\/\*\.parquet, found data\/train-[^\n]*\/datasets\/org\/vtab\/tree\/c0ffee[^\n]*$/,
    );
    const { 'data/train-00000-of-00002.parquet': _, ...rest } = others;
    host(rest);
    await expect(readVtabFromHub(DATA, options(), ['train'])).rejects.toThrow(
      /train-00000-of-00002\.parquet is missing, 1 others are there/,
    );
    host({ 'data/test-0.parquet': '../glue/rte/train-00000-of-00001.parquet' });
    await expect(readVtabFromHub(DATA, options(), ['test'])).rejects.toThrow(
      /has no column of images: expected "img" or "image", it has sentence1, sentence2, label/,
    );
  });
  test('a class that the task has not', async () => {
    host(shards);
    await expect(readVtabFromHub(DATA, { ...options(), classCount: 7 }, ['train'])).rejects.toThrow(
      /^train-00000-of-00002\.parquet row 6: class 7, the task has classes 0 to 6/,
    );
  });
});
