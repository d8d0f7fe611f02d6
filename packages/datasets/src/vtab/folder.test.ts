/** VTAB-1K's forms of data, against Pillow and pyarrow (tools/reference/vtab_parquet.py). */
import { createHash } from 'node:crypto';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { imageCacheFolder } from '../images/cache.ts';
import { imageProcessor } from '../images/processor.ts';
import { readVtabFolder, type VtabOptions, type VtabSplit } from './folder.ts';

const FIXTURE = fileURLToPath(new URL('../../test/fixtures/vtab/', import.meta.url));
const { width, height, splits } = JSON.parse(readFileSync(path.join(FIXTURE, 'expected.json'), 'utf8')) as {
  width: number;
  height: number;
  splits: Record<VtabSplit, { label: number; sha256: string }[]>;
};

const root = mkdtempSync(path.join(tmpdir(), 'psoft-vtab-'));
afterAll(() => rmSync(root, { recursive: true }));
const options = (cache: string, size = 32): VtabOptions => ({
  processor: imageProcessor({ size }),
  environment: { PSOFT_CACHE: path.join(root, cache) },
});
const sha256 = (data: Uint8Array) => createHash('sha256').update(data).digest('hex');

describe('parquet files', () => {
  test.each(['train', 'validation', 'test'] as const)('%s: every image and label, in order', async (name) => {
    const split = await readVtabFolder(FIXTURE, name, options('parquet'));
    expect([...split.labels]).toEqual(splits[name].map(({ label }) => label));
    for (const [i, { sha256: hash }] of splits[name].entries()) {
      const image = split.image(i);
      expect([image.width, image.height]).toEqual([width, height]);
      expect(sha256(image.data)).toBe(hash);
    }
    expect(split.name(6)).toBe(
      name === 'train' ? 'train-00000-of-00002.parquet row 7' : `${name}-00000-of-00001.parquet row 7`,
    );
  });
  test('in a folder for each split; a shard that is missing', async () => {
    const folders = path.join(root, 'folders');
    mkdirSync(path.join(folders, 'test'), { recursive: true });
    cpSync(path.join(FIXTURE, 'data/test-00000-of-00001.parquet'), path.join(folders, 'test/0000.parquet'));
    const split = await readVtabFolder(folders, 'test', options('parquet'));
    expect([...split.labels]).toEqual(splits.test.map(({ label }) => label));
    const name = 'train-00001-of-00002.parquet';
    cpSync(path.join(FIXTURE, 'data', name), path.join(folders, name));
    await expect(readVtabFolder(folders, 'train', options('parquet'))).rejects.toThrow(
      /train-00000-of-00002\.parquet is missing, 1 others are there/,
    );
  });
  test('images larger than the model’s are kept at its size', async () => {
    const small = options('small', 4);
    const split = await readVtabFolder(FIXTURE, 'test', small);
    const whole = await readVtabFolder(FIXTURE, 'test', options('parquet'));
    const image = split.image(3);
    expect([image.width, image.height]).toEqual([4, 4]);
    expect(image.data).toEqual(small.processor.fit(whole.image(3)));
    // Fitting once more changes nothing.
    expect(small.processor.fit(image)).toEqual(image.data);
    expect(split.fingerprint).toBe(whole.fingerprint);
  });
});

describe('files', () => {
  const folder = path.join(root, 'files');
  const png = (shade: number) =>
    sharp({ create: { width: 3, height: 2, channels: 3, background: { r: shade, g: 0, b: 9 } } })
      .png()
      .toBuffer();
  const write = async (name: string, shade: number) => {
    const file = path.join(folder, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, await png(shade));
  };

  beforeAll(async () => {
    await write('classes/train/cat/b.png', 2);
    await write('classes/train/cat/a.PNG', 1);
    await write('classes/train/bee hive/c.png', 3);
    writeFileSync(path.join(folder, 'classes/train/cat/notes.txt'), 'no image');
    await write('list/images/x 1.png', 4);
    await write('list/images/y.png', 5);
    writeFileSync(path.join(folder, 'list/val200.txt'), 'images/y.png 7\r\nimages/x 1.png 0\r\n\r\n');
  });

  test('in folders of classes: classes by name, files by name', async () => {
    const split = await readVtabFolder(path.join(folder, 'classes'), 'train', options('files'));
    expect([...split.labels]).toEqual([0, 1, 1]);
    expect([0, 1, 2].map((i) => split.image(i).data[0])).toEqual([3, 1, 2]);
    expect(split.name(0)).toBe(path.join('train', 'bee hive', 'c.png'));
  });
  test('classes are numbered over all splits; links and deeper folders count', async () => {
    const all = path.join(folder, 'all');
    cpSync(path.join(folder, 'classes'), all, { recursive: true });
    await write('all/val/ant/deep/d.png', 8);
    symlinkSync(path.join(all, 'train/cat'), path.join(all, 'val/dog'), 'junction');
    const read = (split: VtabSplit, classCount: number) =>
      readVtabFolder(all, split, { ...options('files'), classCount });
    expect([...(await read('train', 4)).labels]).toEqual([1, 2, 2]);
    const validation = await read('validation', 4);
    expect([...validation.labels]).toEqual([0, 3, 3]);
    expect(validation.name(0)).toBe(path.join('val', 'ant', 'deep', 'd.png'));
    await expect(read('train', 5)).rejects.toThrow(/4 folders of classes, the task has 5 classes/);
  });
  test('in a list, in its order; names may hold spaces', async () => {
    const split = await readVtabFolder(path.join(folder, 'list'), 'validation', options('files'));
    expect([...split.labels]).toEqual([7, 0]);
    expect([0, 1].map((i) => split.image(i).data[0])).toEqual([5, 4]);
  });
  test('a class that the task has not', async () => {
    const read = readVtabFolder(path.join(folder, 'list'), 'validation', {
      ...options('files'),
      classCount: 7,
    });
    await expect(read).rejects.toThrow(/val200\.txt line 1: class 7, the task has classes 0 to 6/);
  });
  test('are decoded once, and again when they have changed', async () => {
    const copy = path.join(root, 'copy');
    cpSync(path.join(folder, 'list'), copy, { recursive: true });
    const file = path.join(copy, 'images/y.png');
    utimesSync(file, 1, 1);
    const first = await readVtabFolder(copy, 'validation', options('changed'));
    const { length } = readFileSync(file);
    // As long, as old, and no image: what is read must come from the cache.
    writeFileSync(file, Buffer.alloc(length));
    utimesSync(file, 1, 1);
    const again = await readVtabFolder(copy, 'validation', options('changed'));
    expect(again.image(0)).toEqual(first.image(0));
    expect(again.fingerprint).toBe(first.fingerprint);
    writeFileSync(file, await png(77));
    const changed = await readVtabFolder(copy, 'validation', options('changed'));
    expect(changed.image(0).data[0]).toBe(77);
    expect(changed.fingerprint).not.toBe(first.fingerprint);
  });
  test('that are broken are named, and nothing is left behind', async () => {
    const copy = path.join(root, 'broken');
    cpSync(path.join(folder, 'classes'), copy, { recursive: true });
    writeFileSync(path.join(copy, 'train/cat/b.png'), 'not an image');
    writeFileSync(path.join(copy, 'train/cat/z.png'), '');
    const used = options('nothing');
    await expect(readVtabFolder(copy, 'train', used)).rejects.toThrow(
      /train: 2 of 4 images are broken, replace them: train.cat.b\.png: cannot be decoded [^\n]*train.cat.z\.png: /,
    );
    expect(readdirSync(imageCacheFolder(used.environment))).toEqual([]);
  });
  test('what lies in the cache is checked', async () => {
    const used = options('damaged');
    await readVtabFolder(path.join(folder, 'list'), 'validation', used);
    const cache = imageCacheFolder(used.environment);
    const [entry] = readdirSync(cache);
    writeFileSync(path.join(cache, entry!, 'pixels'), 'short');
    await expect(readVtabFolder(path.join(folder, 'list'), 'validation', used)).rejects.toThrow(
      /pixels has 5 bytes, its index says 36: delete .*, it is made again/,
    );
  });
  test('an abandoned build is cleared away, a fresh one is left alone', async () => {
    const used = options('abandoned');
    const cache = imageCacheFolder(used.environment);
    for (const name of ['old.1.building', 'new.2.building'])
      mkdirSync(path.join(cache, name), { recursive: true });
    utimesSync(path.join(cache, 'old.1.building'), 1, 1);
    await readVtabFolder(path.join(folder, 'list'), 'validation', used);
    const left = readdirSync(cache);
    expect(left).toContain('new.2.building');
    expect(left).not.toContain('old.1.building');
    expect(left).toHaveLength(2);
  });
});

describe('a folder that will not do', () => {
  const folder = path.join(root, 'wrong');
  beforeAll(() => {
    mkdirSync(path.join(folder, 'empty/train/cat'), { recursive: true });
    mkdirSync(path.join(folder, 'lists'));
    writeFileSync(path.join(folder, 'lists/train800.txt'), 'images/none.jpg 1\n');
    writeFileSync(path.join(folder, 'lists/val200.txt'), 'images/none.jpg\n');
    writeFileSync(path.join(folder, 'lists/test.txt'), '\n');
  });
  test.each<[string, VtabSplit, RegExp]>([
    ['none', 'train', /cannot read the data folder .*none \(ENOENT\)/],
    [
      'empty',
      'test',
      /has no test split: neither test-\*\.parquet, nor test\.txt, nor a folder test of classes/,
    ],
    ['empty', 'train', /train has no images: it must hold a folder of images for every class/],
    ['lists', 'train', /cannot read the image .*none\.jpg \(ENOENT\)/],
    ['lists', 'validation', /val200\.txt line 1: expected FILE CLASS, got "images\/none\.jpg"/],
    ['lists', 'test', /test\.txt is empty/],
  ])('%s, %s', async (name, split, message) => {
    const error = (await readVtabFolder(path.join(folder, name), split, options('wrong')).catch(
      (thrown: unknown) => thrown,
    )) as Error;
    expect(error.name).toBe('DataError');
    expect(error.message).toMatch(message);
    expect(error.message).not.toContain('\n');
  });
});
