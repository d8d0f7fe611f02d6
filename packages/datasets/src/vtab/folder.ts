/** A task of VTAB-1K from a folder, in any of the forms that it is passed on in. */
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { cachedImages } from '../images/cache.ts';
import type { ImageSplit } from '../images/dataset.ts';
import type { ImageProcessor } from '../images/processor.ts';
import { DataError } from '../text.ts';
import { keyOfFiles, type ListedImage, listClassFolders, readImageList, readListedImages } from './listed.ts';
import { countParquetRows, readParquetImages } from './parquetImages.ts';
import { shardsOf } from './shards.ts';

export const VTAB_SPLITS = ['train', 'validation', 'test'] as const;
export type VtabSplit = (typeof VTAB_SPLITS)[number];

export interface VtabOptions {
  /** Of the model: decides the size that large images are kept at. */
  readonly processor: ImageProcessor;
  /** Of the task. When given, other classes are errors that name the image. */
  readonly classCount?: number;
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

/**
 * Reads one of
 * - `train-*.parquet`, in the folder or in `data`, or `train/*.parquet`: embedded images, as the Hub has them,
 * - `train800.txt`, `val200.txt`, `test.txt`: a file and its class a line, as the usual VTAB-1K archive has them,
 * - `train/CLASS/*.jpg`: classes are numbered in the order of their names, of all splits together.
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
  const called = FOLDERS[split];
  const shards = shardsOf(await parquetFilesIn(folder, ['', 'data', ...called]), ['', 'data'], called);
  if (shards.length > 0) {
    const files = shards.map((name) => path.join(folder, name));
    return readVtabParquet(files, `${folder} ${split}`, options);
  }
  if (names.includes(LISTS[split]))
    return readListed(folder, await readImageList(path.join(folder, LISTS[split])), split, options);
  const splitFolder = (one: VtabSplit) => FOLDERS[one].find((name) => names.includes(name));
  const own = splitFolder(split);
  if (own !== undefined) {
    const folders = VTAB_SPLITS.flatMap((one) => splitFolder(one) ?? []).map((name) =>
      path.join(folder, name),
    );
    const listed = await listClassFolders(path.join(folder, own), folders, options.classCount);
    return readListed(folder, listed, split, options);
  }
  throw new DataError(
    `${folder} has no ${split} split: neither ${split}-*.parquet, nor ${LISTS[split]}, nor a folder ${split} of classes`,
  );
}

async function parquetFilesIn(root: string, folders: readonly string[]): Promise<string[]> {
  const lists = folders.map(async (folder) => {
    const found = await stat(path.join(root, folder)).catch(() => undefined);
    if (!found?.isDirectory()) return [];
    return (await readdir(path.join(root, folder))).map((name) => path.posix.join(folder, name));
  });
  return (await Promise.all(lists)).flat().filter((name) => name.endsWith('.parquet'));
}

/** Rows of parquet files with embedded images and their labels, in order. */
export async function readVtabParquet(
  files: readonly string[],
  source: string,
  options: VtabOptions,
): Promise<ImageSplit> {
  let count = 0;
  for (const file of files) count += await countParquetRows(file);
  const images = await cachedImages({
    ...options,
    source,
    count,
    key: await keyOfFiles(files),
    images: () => readParquetImages(files),
  });
  checkClasses(images.labels, (at) => images.name(at), options.classCount);
  return images;
}

async function readListed(
  folder: string,
  listed: readonly ListedImage[],
  split: VtabSplit,
  options: VtabOptions,
): Promise<ImageSplit> {
  const labels = listed.map(({ label }) => label);
  checkClasses(labels, (at) => listed[at]!.place, options.classCount);
  return cachedImages({
    ...options,
    source: `${folder} ${split}`,
    count: listed.length,
    key: `${await keyOfFiles(listed.map(({ file }) => file))} ${labels.join(' ')}`,
    images: () => readListedImages(listed, folder),
  });
}

function checkClasses(labels: ArrayLike<number>, place: (at: number) => string, classCount?: number): void {
  if (classCount === undefined) return;
  for (let at = 0; at < labels.length; at++)
    if (!(labels[at]! >= 0 && labels[at]! < classCount))
      throw new DataError(
        `${place(at)}: class ${labels[at]}, the task has classes 0 to ${classCount - 1}; check that this is the task's data`,
      );
}
