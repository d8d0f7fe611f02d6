/** A task of VTAB-1K from a folder, in any of the forms that it is passed on in. */
import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { cachedImages, type EncodedImage } from '../images/cache.ts';
import type { ImageSplit } from '../images/dataset.ts';
import { isImageFile } from '../images/files.ts';
import type { ImageProcessor } from '../images/processor.ts';
import { DataError } from '../text.ts';
import { countParquetRows, readParquetImages } from './parquetImages.ts';

export type VtabSplit = 'train' | 'validation' | 'test';

export interface VtabOptions {
  /** Of the model: decides the size that large images are kept at. */
  readonly processor: ImageProcessor;
  readonly onProgress?: (progress: { file: string; done: number; total: number }) => void;
  /** Where PSOFT_CACHE and its like are read; the process's own when left out. */
  readonly environment?: NodeJS.ProcessEnv;
}

/** What the splits are called in folders and lists: 800 images to train on, 200 to choose by, the original test set. */
const FOLDERS: Readonly<Record<VtabSplit, readonly string[]>> = {
  train: ['train'],
  validation: ['validation', 'val'],
  test: ['test'],
};
const LISTS: Readonly<Record<VtabSplit, string>> = {
  train: 'train800.txt',
  validation: 'val200.txt',
  test: 'test.txt',
};

interface Listed {
  readonly file: string;
  readonly label: number;
}

/**
 * Reads one of
 * - `train-*.parquet`, in the folder or in `data`: embedded images, as the Hub has them,
 * - `train800.txt`, `val200.txt`, `test.txt`: a file and its class a line, as the usual VTAB-1K archive has them,
 * - `train/CLASS/*.jpg`: classes are numbered in the order of their names.
 * @throws DataError for a folder that has none of them, and for what is missing or broken
 */
export async function readVtabFolder(
  folder: string,
  split: VtabSplit,
  options: VtabOptions,
): Promise<ImageSplit> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    throw new DataError(
      `cannot read the data folder ${folder} (${error.code}): give one that holds the task's images`,
    );
  });
  for (const inner of ['', 'data']) {
    const there = inner === '' ? names : names.includes(inner) ? await readdir(path.join(folder, inner)) : [];
    const files = there
      .filter((name) => name.endsWith('.parquet') && FOLDERS[split].some((one) => name.startsWith(`${one}-`)))
      .sort()
      .map((name) => path.join(folder, inner, name));
    if (files.length > 0) return readVtabParquet(files, `${folder} ${split}`, options);
  }
  if (names.includes(LISTS[split]))
    return readListed(folder, await readList(folder, LISTS[split]), split, options);
  const classes = FOLDERS[split].find((name) => names.includes(name));
  if (classes !== undefined)
    return readListed(folder, await listClasses(path.join(folder, classes)), split, options);
  throw new DataError(
    `${folder} has no ${split} split: neither ${split}-*.parquet, nor ${LISTS[split]}, nor a folder ${split} of classes`,
  );
}

/** Rows of parquet files with embedded images and their labels, in order. */
export async function readVtabParquet(
  files: readonly string[],
  source: string,
  options: VtabOptions,
): Promise<ImageSplit> {
  let count = 0;
  for (const file of files) count += await countParquetRows(file);
  return cachedImages({
    ...options,
    source,
    count,
    key: await keyOf(files),
    images: () => readParquetImages(files),
  });
}

async function readListed(
  folder: string,
  listed: readonly Listed[],
  split: VtabSplit,
  options: VtabOptions,
): Promise<ImageSplit> {
  const files = listed.map(({ file }) => file);
  return cachedImages({
    ...options,
    source: `${folder} ${split}`,
    count: listed.length,
    key: `${await keyOf(files)} ${listed.map(({ label }) => label).join(' ')}`,
    images: () => readFiles(listed, folder),
  });
}

async function* readFiles(listed: readonly Listed[], folder: string): AsyncIterable<EncodedImage> {
  for (const { file, label } of listed)
    yield { name: path.relative(folder, file), label, bytes: await readFile(file) };
}

/** Lines like `images/train/0001.jpg 12`; a file's name may hold spaces. */
async function readList(folder: string, name: string): Promise<Listed[]> {
  const list = path.join(folder, name);
  const lines = (await readFile(list, 'utf8')).split(/\r?\n/);
  const listed = lines.flatMap((line, at): Listed[] => {
    if (line.trim() === '') return [];
    const match = /^(.+?)\s+(\d+)\s*$/.exec(line);
    if (match === null)
      throw new DataError(`${list} line ${at + 1}: expected FILE CLASS, got "${line.slice(0, 60)}"`);
    return [{ file: path.resolve(folder, match[1]!), label: Number(match[2]) }];
  });
  if (listed.length === 0) throw new DataError(`${list} is empty: it must name a file and its class a line`);
  return listed;
}

async function listClasses(folder: string): Promise<Listed[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const classes = entries.flatMap((entry) => (entry.isDirectory() ? [entry.name] : [])).sort();
  const lists = classes.map(async (name, label) => {
    const files = (await readdir(path.join(folder, name))).filter(isImageFile).sort();
    return files.map((file) => ({ file: path.join(folder, name, file), label }));
  });
  const listed = (await Promise.all(lists)).flat();
  if (listed.length === 0)
    throw new DataError(`${folder} has no images: it must hold a folder of images for every class`);
  return listed;
}

/** Names, sizes and times of change: another content has another key. */
async function keyOf(files: readonly string[]): Promise<string> {
  const parts = [];
  for (const file of files) {
    const { size, mtimeMs } = await stat(file).catch((error: NodeJS.ErrnoException) => {
      throw new DataError(
        `cannot read the image ${file} (${error.code}): put it there, or take it off the list`,
      );
    });
    parts.push(`${file} ${size} ${mtimeMs}`);
  }
  return parts.join('\n');
}
