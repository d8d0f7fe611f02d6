/** The cache of decoded images: built once, whole or not at all, whoever builds it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cachedImages, imageCacheFolder } from './cache.ts';
import { imageProcessor } from './processor.ts';

const root = mkdtempSync(path.join(tmpdir(), 'psoft-cache-'));
afterAll(() => rmSync(root, { recursive: true }));

const COUNT = 12;
let pngs: Buffer[] = [];
beforeAll(async () => {
  pngs = await Promise.all(
    Array.from({ length: COUNT }, (_, i) =>
      sharp({ create: { width: 2 + i, height: 3, channels: 3, background: { r: i, g: 0, b: 9 } } })
        .png()
        .toBuffer(),
    ),
  );
});

const request = (folder: string, key = 'key', onRead = () => {}) => ({
  source: 'test images',
  key,
  count: COUNT,
  processor: imageProcessor({ size: 5 }),
  environment: { PSOFT_CACHE: path.join(root, folder) },
  async *images() {
    for (const [i, bytes] of pngs.entries()) {
      onRead();
      yield { name: `${i}.png`, label: i, bytes };
    }
  },
});
const cacheOf = (folder: string) => imageCacheFolder({ PSOFT_CACHE: path.join(root, folder) });
const entries = (folder: string) => readdirSync(cacheOf(folder));

test('images are read once for a key, in order, with progress', async () => {
  let reads = 0;
  const progress: number[] = [];
  const asked = {
    ...request('once', 'a', () => reads++),
    onProgress: ({ done }: { done: number }) => progress.push(done),
  };
  const first = await cachedImages(asked);
  expect([reads, progress.at(-1)]).toEqual([COUNT, COUNT]);
  const second = await cachedImages(asked);
  expect(reads).toBe(COUNT);
  for (const split of [first, second]) {
    expect([...split.labels]).toEqual(Array.from({ length: COUNT }, (_, i) => i));
    // At random, from the end: as they are up to 5 x 5, at the model's size above.
    for (let i = COUNT - 1; i >= 0; i--) {
      const { width, height, data } = split.image(i);
      expect([split.name(i), width, height, data[0]]).toEqual([`${i}.png`, ...size(2 + i), i]);
    }
  }
  await cachedImages({ ...asked, key: 'b' });
  expect(reads).toBe(2 * COUNT);
});
const size = (width: number) => (width * 3 <= 25 ? [width, 3] : [5, 5]);

test('two builds at once in one process', async () => {
  const [one, other] = await Promise.all([cachedImages(request('two')), cachedImages(request('two'))]);
  expect(one.fingerprint).toBe(other.fingerprint);
  expect(one.image(COUNT - 1)).toEqual(other.image(COUNT - 1));
  expect(entries('two')).toHaveLength(1);
});

test('a build that is killed leaves nothing that is read; its remains go after a day', async () => {
  const cache = cacheOf('killed');
  const child = fileURLToPath(new URL('../../test/cacheChild.ts', import.meta.url));
  const building: ChildProcess = spawn(process.execPath, ['--import', 'tsx', child], {
    env: { ...process.env, PSOFT_CACHE: path.dirname(cache) },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(building.stdout!, 'data');
  building.kill('SIGKILL');
  await once(building, 'exit');
  const [left] = entries('killed');
  expect(left).toMatch(/\.building$/);

  let reads = 0;
  await cachedImages(request('killed', 'key', () => reads++));
  expect(reads).toBe(COUNT);
  expect(existsSync(path.join(cache, left!))).toBe(true);
  utimesSync(path.join(cache, left!), 1, 1);
  await cachedImages(request('killed', 'another'));
  expect(entries('killed').filter((name) => name.endsWith('.building'))).toEqual([]);
}, 20_000);

test('pixels that vanish while they are read are an error, not black', async () => {
  const split = await cachedImages(request('cut'));
  const [entry] = entries('cut');
  truncateSync(path.join(cacheOf('cut'), entry!, 'pixels'), 100);
  expect(() => split.image(COUNT - 1)).toThrow(/pixels has been cut off: delete .*, it is made again/);
});

test('an index that is damaged', async () => {
  await cachedImages(request('index'));
  appendFileSync(path.join(cacheOf('index'), entries('index')[0]!, 'index.json'), '}');
  await expect(cachedImages(request('index'))).rejects.toThrow(/is damaged \(.*\): delete it/);
});

test('a cache folder that cannot be', async () => {
  writeFileSync(path.join(root, 'file'), '');
  await expect(cachedImages(request('file'))).rejects.toThrow(
    /^the image cache .* cannot be used \(ENOTDIR at \w+\): make room, or set PSOFT_CACHE to another folder$/,
  );
});
