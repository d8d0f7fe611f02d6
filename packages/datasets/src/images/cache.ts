/**
 * Decoded images on disk. A data set is decoded once; afterwards any image is read from one file of pixels without
 * decoding, and none need be in memory. An image larger than the model wants it is kept at the model's size, a smaller
 * one (dSprites, CIFAR) as it is.
 */
import { createHash, randomUUID } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { psoftCacheFolder } from '../cacheFolder.ts';
import { DataError } from '../text.ts';
import type { ImageSplit } from './dataset.ts';
import { decodeImage } from './decode.ts';
import type { Image } from './pixels.ts';
import type { ImageProcessor } from './processor.ts';

/** An image as it came: a file's bytes. */
export interface EncodedImage {
  /** For messages: its file, or its row. */
  readonly name: string;
  readonly label: number;
  readonly bytes: Uint8Array;
}

export interface CachedImagesRequest {
  /** For messages and records. */
  readonly source: string;
  /** What decides the content: files with sizes and times. Another key is another cache. */
  readonly key: string;
  readonly count: number;
  images(): AsyncIterable<EncodedImage>;
  readonly processor: ImageProcessor;
  readonly onProgress?: (progress: { file: string; done: number; total: number }) => void;
  readonly environment?: NodeJS.ProcessEnv;
}

/** Raised when files of an older form cannot be read any more. */
const FORMAT = 1;
/** Broken images that a message names. */
const NAMED = 5;
/** A build that was killed leaves its folder: after so long nobody is at work on it. */
const ABANDONED_MS = 24 * 3600 * 1000;

interface Index {
  readonly source: string;
  readonly fingerprint: string;
  readonly names: readonly string[];
  readonly labels: readonly number[];
  /** Width and height, one after the other. */
  readonly sizes: readonly number[];
}

export const imageCacheFolder = (environment?: NodeJS.ProcessEnv): string =>
  psoftCacheFolder('images', environment);

/**
 * A split from the cache, which is built where it lacks it: beside its place and moved there when whole, so that a
 * build that is killed leaves nothing that counts, and of two at once either may win.
 * @throws DataError naming the images that cannot be decoded
 */
export async function cachedImages(request: CachedImagesRequest): Promise<ImageSplit> {
  const root = imageCacheFolder(request.environment);
  const key = JSON.stringify([FORMAT, request.key, request.processor.key]);
  const folder = path.join(root, createHash('sha256').update(key).digest('hex').slice(0, 32));
  const found = await readIndex(folder);
  if (found !== undefined) return openSplit(folder, found, request.source);
  const building = `${folder}.${randomUUID().slice(0, 8)}.building`;
  try {
    await mkdir(root, { recursive: true });
    await removeAbandoned(root);
    await mkdir(building);
    const index = await build(building, request);
    await rename(building, folder).catch(async (error: NodeJS.ErrnoException) => {
      // Another build was first; what it wrote is the same.
      if ((await readIndex(folder)) === undefined) throw error;
    });
    return await openSplit(folder, index, request.source);
  } catch (error) {
    const { code, syscall } = error as NodeJS.ErrnoException;
    if (code === undefined || syscall === undefined) throw error;
    throw unusable(root, error as NodeJS.ErrnoException);
  } finally {
    await rm(building, { recursive: true, force: true });
  }
}

const unusable = (root: string, { code, syscall }: NodeJS.ErrnoException) =>
  new DataError(
    `the image cache ${root} cannot be used (${code} at ${syscall}): make room, or set PSOFT_CACHE to another folder`,
  );

async function build(folder: string, request: CachedImagesRequest): Promise<Index> {
  const { source, count, processor, onProgress } = request;
  const hash = createHash('sha256');
  const [names, labels, sizes]: [string[], number[], number[]] = [[], [], []];
  const broken: string[] = [];
  const pixels = await open(path.join(folder, 'pixels'), 'w');
  try {
    // A few at a time: big photographs would fill the memory.
    for await (const some of groups(request.images(), 2 * availableParallelism())) {
      for (const { bytes, label } of some) {
        hash.update(`${label} ${bytes.length}\n`);
        hash.update(bytes);
      }
      const decoded = await Promise.allSettled(
        some.map(async ({ bytes, name }) => smaller(await decodeImage(bytes, name), processor)),
      );
      for (const [i, one] of decoded.entries()) {
        const { name, label } = some[i]!;
        names.push(name);
        labels.push(label);
        if (one.status === 'rejected') broken.push((one.reason as Error).message);
        else {
          sizes.push(one.value.width, one.value.height);
          await pixels.writeFile(one.value.data);
        }
      }
      onProgress?.({ file: `decoding ${source}`, done: names.length, total: count });
    }
  } finally {
    await pixels.close();
  }
  if (broken.length > 0) {
    const more = broken.length > NAMED ? `; and ${broken.length - NAMED} more` : '';
    throw new DataError(
      `${source}: ${broken.length} of ${names.length} images are broken, replace them: ${broken.slice(0, NAMED).join('; ')}${more}`,
    );
  }
  const index: Index = { source, fingerprint: hash.digest('hex'), names, labels, sizes };
  await writeFile(path.join(folder, 'index.json'), JSON.stringify(index));
  return index;
}

/** The image, or what the model makes of it, whichever takes less. */
function smaller(image: Image, processor: ImageProcessor): Image {
  const { width, height } = processor;
  if (image.data.length <= width * height * 3) return image;
  return { width, height, data: processor.fit(image) };
}

async function* groups<T>(all: AsyncIterable<T>, size: number): AsyncIterable<T[]> {
  let some: T[] = [];
  for await (const one of all) {
    some.push(one);
    if (some.length < size) continue;
    yield some;
    some = [];
  }
  if (some.length > 0) yield some;
}

async function readIndex(folder: string): Promise<Index | undefined> {
  try {
    return JSON.parse(await readFile(path.join(folder, 'index.json'), 'utf8')) as Index;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    if (code !== undefined) throw unusable(path.dirname(folder), error as NodeJS.ErrnoException);
    throw new DataError(`${folder} is damaged (${(error as Error).message}): delete it, it is made again`);
  }
}

async function openSplit(folder: string, index: Index, source: string): Promise<ImageSplit> {
  const { names, labels, sizes, fingerprint } = index;
  const file = path.join(folder, 'pixels');
  const offsets = new Float64Array(names.length + 1);
  for (let i = 0; i < names.length; i++) offsets[i + 1] = offsets[i]! + 3 * sizes[2 * i]! * sizes[2 * i + 1]!;
  const size = (await stat(file)).size;
  if (size !== offsets[names.length])
    throw new DataError(
      `${file} has ${size} bytes, its index says ${offsets[names.length]}: delete ${folder}, it is made again`,
    );
  return {
    source,
    labels: Int32Array.from(labels),
    fingerprint,
    name: (at) => names[at]!,
    image(at) {
      const data = new Uint8Array(offsets[at + 1]! - offsets[at]!);
      const handle = openSync(file, 'r');
      try {
        const read = readSync(handle, data, 0, data.length, offsets[at]!);
        if (read !== data.length)
          throw new DataError(`${file} has been cut off: delete ${folder}, it is made again`);
      } finally {
        closeSync(handle);
      }
      return { width: sizes[2 * at]!, height: sizes[2 * at + 1]!, data };
    },
  };
}

async function removeAbandoned(root: string): Promise<void> {
  for (const name of await readdir(root)) {
    if (!name.endsWith('.building')) continue;
    const folder = path.join(root, name);
    const { mtimeMs } = await stat(folder).catch(() => ({ mtimeMs: Date.now() }));
    if (Date.now() - mtimeMs > ABANDONED_MS) await rm(folder, { recursive: true, force: true });
  }
}
