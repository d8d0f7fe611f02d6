/** Image files with their classes: from a list, or from folders named after classes. */
import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { shown } from '@psoft/engine/errors';
import type { EncodedImage } from '../images/cache.ts';
import { isImageFile } from '../images/files.ts';
import { DataError } from '../text.ts';

export interface ListedImage {
  readonly file: string;
  readonly label: number;
  /** What says so, for messages. */
  readonly place: string;
}

/** Classes are kept as 32-bit integers. */
const LARGEST_CLASS = 2 ** 31 - 1;

/** Lines like `images/train/0001.jpg 12`; a file's name may hold spaces. Names are relative to the list's folder. */
export async function readImageList(list: string): Promise<ListedImage[]> {
  const lines = (await readFile(list, 'utf8')).split(/\r?\n/);
  const listed = lines.flatMap((line, at): ListedImage[] => {
    if (line.trim() === '') return [];
    const place = `${list} line ${at + 1}`;
    const match = /^(.+?)\s+(\d+)\s*$/.exec(line);
    if (match === null || line.includes('\0'))
      throw new DataError(`${place}: expected FILE CLASS, got ${shown(line)}`);
    const label = Number(match[2]);
    if (label > LARGEST_CLASS) throw new DataError(`${place}: class ${match[2]!.slice(0, 20)} is too large`);
    const folder = path.resolve(path.dirname(list));
    const file = path.resolve(folder, match[1]!);
    // A list comes with an archive: it has no say in what else is read.
    if (!file.startsWith(folder + path.sep))
      throw new DataError(`${place}: ${shown(match[1])} does not lie below the list's own folder`);
    return [{ file, label, place }];
  });
  if (listed.length === 0) throw new DataError(`${list} is empty: it must name a file and its class a line`);
  return listed;
}

/**
 * Images at any depth below folders of classes. A class's number is its place among the names of all splits: a training
 * split of 800 images may lack classes that the test set has (CIFAR-100's does).
 * @param splits folders of all splits that are there; `folder` is one of them
 * @param classCount when it is known, there must be so many: with a class missing, numbers would be off
 */
export async function listClassFolders(
  folder: string,
  splits: readonly string[],
  classCount?: number,
): Promise<ListedImage[]> {
  const names = await Promise.all(splits.map(foldersIn));
  const classes = await classFolders(splits);
  if (classCount !== undefined && classes.length > 0 && classes.length !== classCount)
    throw new DataError(
      `${splits.join(', ')}: ${classes.length} folders of classes, the task has ${classCount} classes; remove what is no class, make an empty folder for a class without images`,
    );
  const own = names[splits.indexOf(folder)]!;
  const listed: ListedImage[] = [];
  for (const [label, name] of classes.entries()) {
    if (!own.includes(name)) continue;
    const place = path.join(folder, name);
    const files = (await readdir(place, { recursive: true })).filter(isImageFile).sort();
    for (const file of files) listed.push({ file: path.join(place, file), label, place });
  }
  if (listed.length === 0)
    throw new DataError(`${folder} has no images: it must hold a folder of images for every class`);
  return listed;
}

/** The classes that folders of splits have, in the order of their numbers. */
export async function classFolders(splits: readonly string[]): Promise<string[]> {
  const names = await Promise.all(splits.map(foldersIn));
  return [...new Set(names.flat())].sort();
}

/** Links to folders count. */
async function foldersIn(folder: string): Promise<string[]> {
  const folders: string[] = [];
  for (const name of await readdir(folder))
    if ((await stat(path.join(folder, name)).catch(() => undefined))?.isDirectory()) folders.push(name);
  return folders;
}

/** @param folder that names in messages are relative to */
export async function* readListedImages(
  listed: readonly ListedImage[],
  folder: string,
): AsyncIterable<EncodedImage> {
  for (const { file, label } of listed) {
    const bytes = await readFile(file).catch((error: NodeJS.ErrnoException) => {
      throw unreadable(file, error);
    });
    yield { name: path.relative(folder, file), label, bytes };
  }
}

/** Names, sizes and times of change: another content has another key. */
export async function keyOfFiles(files: readonly string[]): Promise<string> {
  const parts = [];
  for (const file of files) {
    const { size, mtimeMs } = await stat(file).catch((error: NodeJS.ErrnoException) => {
      throw unreadable(file, error);
    });
    parts.push(`${path.resolve(file)} ${size} ${mtimeMs}`);
  }
  return parts.join('\n');
}

const unreadable = (file: string, { code }: NodeJS.ErrnoException) =>
  new DataError(`cannot read the image ${file} (${code}): put it there, or take it off the list`);
