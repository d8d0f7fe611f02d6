/** Inputs as files: from the repository, in memory, on disk. */
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Random } from './random.ts';
import type { Files } from './target.ts';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** A file of the repository. */
export const repositoryFile = (place: string): Promise<Buffer> => readFile(path.join(ROOT, place));

/** Files of a folder of the repository, none below it. */
export async function repositoryFolder(
  place: string,
  wanted: (name: string) => boolean = () => true,
): Promise<Files> {
  const names = (await readdir(path.join(ROOT, place), { withFileTypes: true }))
    .filter((entry) => entry.isFile() && wanted(entry.name))
    .map(({ name }) => name)
    .sort();
  return new Map(
    await Promise.all(
      names.map(async (name) => [name, await repositoryFile(path.join(place, name))] as const),
    ),
  );
}

export const filesOf = (contents: Readonly<Record<string, string | Uint8Array>>): Files =>
  new Map(Object.entries(contents).map(([name, content]) => [name, Buffer.from(content as Uint8Array)]));

export const textIn = (files: Files, name: string): string =>
  Buffer.from(files.get(name) ?? []).toString('utf8');

/** One file changed, chosen at random unless `name` says which. */
export function withChanged(
  files: Files,
  random: Random,
  change: (name: string, content: Uint8Array) => Uint8Array | string,
): Files {
  const names = [...files.keys()];
  if (names.length === 0) return files;
  const name = random.pick(names);
  return new Map(files).set(name, Buffer.from(change(name, files.get(name)!) as Uint8Array));
}

/** Makes a folder with these files; what is there is removed first. */
export async function writeInput(folder: string, files: Files): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  for (const [name, content] of files) {
    const file = path.join(folder, name);
    if (name.includes('/')) await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, content);
  }
}

export async function readInput(folder: string): Promise<Files> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = new Map<string, Uint8Array>();
  for (const entry of entries) {
    if (!entry.isFile()) continue;
    const file = path.join(entry.parentPath ?? entry.path, entry.name);
    files.set(path.relative(folder, file).split(path.sep).join('/'), await readFile(file));
  }
  return files;
}
