/** Takes single files out of what they are carried in: a folder, a zip archive (wheels, NuGet packages) or a tar archive. */
import { createWriteStream, readdirSync, statSync } from 'node:fs';
import { copyFile, mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Entry, open, type ZipFile } from 'yauzl';
import { AddError, command } from '../command.ts';

/**
 * Puts the files of these names into `target`, from wherever in `source` they lie.
 * @throws AddError for a source that is none of these, and for one that lacks a file
 */
export async function takeFiles(source: string, names: readonly string[], target: string): Promise<void> {
  await mkdir(target, { recursive: true });
  const kind = kindOf(source);
  if (kind === 'folder') await fromFolder(source, names, target);
  else if (kind === 'zip') await fromZip(source, names, target);
  else {
    const inside = path.join(target, 'unpacked');
    await mkdir(inside);
    command('tar', ['-xf', source, '-C', inside]);
    await fromFolder(inside, names, target);
  }
  const there = readdirSync(target);
  const absent = names.filter((name) => !there.includes(name));
  if (absent.length > 0) throw new AddError(`${source} holds no ${absent.join(' and no ')}`);
}

function kindOf(source: string): 'folder' | 'zip' | 'tar' {
  const found = statSync(source, { throwIfNoEntry: false });
  if (found === undefined) throw new AddError(`there is no ${source}`);
  if (found.isDirectory()) return 'folder';
  if (/\.(whl|nupkg|zip)$/.test(source)) return 'zip';
  if (/\.(tar|tgz|tar\.\w+)$/.test(source)) return 'tar';
  throw new AddError(`${source} is no folder and ends in none of .whl, .nupkg, .zip, .tar, .tar.gz, .tar.xz`);
}

async function fromFolder(folder: string, names: readonly string[], target: string): Promise<void> {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  for (const name of names) {
    const file = files.find((one) => path.basename(one) === name);
    if (file !== undefined) await copyFile(path.join(folder, file), path.join(target, name));
  }
}

async function fromZip(file: string, names: readonly string[], target: string): Promise<void> {
  const zip = await new Promise<ZipFile>((resolve, reject) => {
    open(file, { lazyEntries: true, autoClose: false }, (error, opened) =>
      error ? reject(error) : resolve(opened),
    );
  }).catch((error: Error) => {
    throw new AddError(`${file} is no zip archive: ${error.message}`);
  });
  try {
    await new Promise<void>((resolve, reject) => {
      zip.on('entry', (entry: Entry) => {
        const name = path.posix.basename(entry.fileName);
        const done = names.includes(name) ? extract(zip, entry, path.join(target, name)) : Promise.resolve();
        done.then(() => zip.readEntry(), reject);
      });
      zip.on('end', resolve);
      zip.on('error', reject);
      zip.readEntry();
    });
  } finally {
    zip.close();
  }
}

async function extract(zip: ZipFile, entry: Entry, target: string): Promise<void> {
  const stream = await new Promise<Readable>((resolve, reject) => {
    zip.openReadStream(entry, (error, opened) => (error ? reject(error) : resolve(opened)));
  });
  await pipeline(stream, createWriteStream(target));
}
