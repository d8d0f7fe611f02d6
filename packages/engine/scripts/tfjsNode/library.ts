/** Lays out TensorFlow's C library and its headers where tfjs-node expects them, from whatever form they come in. */
import { createWriteStream, existsSync, readdirSync } from 'node:fs';
import { cp, mkdir, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Entry, open, type ZipFile } from 'yauzl';
import { AddError, command } from '../command.ts';

/**
 * What the native part is linked with, by the names that the libraries call themselves. Archives of libtensorflow have the
 * first, Python wheels the second, each beside `libtensorflow_framework.so.2`.
 */
const LIBRARIES = ['libtensorflow.so.2', 'libtensorflow_cc.so.2'];
const FRAMEWORK = 'libtensorflow_framework.so.2';
const HEADER = 'tensorflow/c/eager/c_api.h';

/**
 * Copies library and headers to `deps/lib` and `deps/include`.
 * @param source a Python wheel of tensorflow (`.whl`), an archive of libtensorflow (`.tar.gz`), or a folder with what
 *   either holds
 * @returns names of the libraries to link with, in `deps/lib`
 * @throws AddError if `source` does not hold them
 */
export async function layOutLibrary(source: string, deps: string): Promise<string[]> {
  const [lib, include] = [path.join(deps, 'lib'), path.join(deps, 'include')];
  await mkdir(lib, { recursive: true });
  await mkdir(include, { recursive: true });
  const { isDirectory } = await stat(source).then(
    (found) => ({ isDirectory: found.isDirectory() }),
    () => {
      throw new AddError(`there is no ${source}: give a wheel, an archive or a folder of libtensorflow`);
    },
  );
  if (isDirectory) await fromFolder(source, lib, include);
  else if (source.endsWith('.whl')) await fromWheel(source, lib, include);
  else if (/\.(tar\.gz|tgz)$/.test(source)) command('tar', ['-xzf', source, '-C', deps]);
  else throw new AddError(`${source} is no .whl, .tar.gz or folder`);
  const library = LIBRARIES.find((name) => existsSync(path.join(lib, name)));
  if (library === undefined || !existsSync(path.join(lib, FRAMEWORK)))
    throw new AddError(
      `${source} lacks ${LIBRARIES.join(' or ')} beside ${FRAMEWORK}: ` +
        'wheels have them from TensorFlow 2.12 on, for Linux',
    );
  if (!existsSync(path.join(include, HEADER))) throw new AddError(`${source} lacks the header ${HEADER}`);
  return [library, FRAMEWORK];
}

async function fromFolder(source: string, lib: string, include: string): Promise<void> {
  const inner = path.join(source, 'lib');
  const libraries = existsSync(inner) ? inner : source;
  for (const name of readdirSync(libraries))
    if (/^libtensorflow.*\.so/.test(name))
      await cp(path.join(libraries, name), path.join(lib, name), { verbatimSymlinks: true });
  const headers = path.join(source, 'include', 'tensorflow');
  if (existsSync(headers)) await cp(path.join(source, 'include'), include, { recursive: true });
}

/** A wheel is a zip archive with everything below `tensorflow/`; of its many headers those of the C interface are taken. */
async function fromWheel(source: string, lib: string, include: string): Promise<void> {
  const wheel = await new Promise<ZipFile>((resolve, reject) => {
    open(source, { lazyEntries: true, autoClose: false }, (error, opened) =>
      error ? reject(error) : resolve(opened),
    );
  }).catch((error: Error) => {
    throw new AddError(`${source} is no wheel: ${error.message}`);
  });
  try {
    await new Promise<void>((resolve, reject) => {
      wheel.on('entry', (entry: Entry) => {
        const target = targetOf(entry.fileName, lib, include);
        const done = target === undefined ? Promise.resolve() : extract(wheel, entry, target);
        done.then(() => wheel.readEntry(), reject);
      });
      wheel.on('end', () => resolve());
      wheel.on('error', reject);
      wheel.readEntry();
    });
  } finally {
    wheel.close();
  }
}

function targetOf(name: string, lib: string, include: string): string | undefined {
  const library = /^tensorflow\/(libtensorflow[^/]*\.so[^/]*)$/.exec(name)?.[1];
  if (library !== undefined) return path.join(lib, library);
  const header = /^tensorflow\/include\/(.*\/(c|platform)\/.*\.h)$/.exec(name)?.[1];
  return header === undefined ? undefined : path.join(include, header);
}

async function extract(wheel: ZipFile, entry: Entry, target: string): Promise<void> {
  await mkdir(path.dirname(target), { recursive: true });
  const from = await new Promise<Readable>((resolve, reject) => {
    wheel.openReadStream(entry, (error, stream) => (error ? reject(error) : resolve(stream)));
  });
  await pipeline(from, createWriteStream(target));
}
