/** The parts of `npm run tfjs-node` that need neither network nor TensorFlow. */
import { execFileSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { tf } from '@psoft/engine';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { layOutLibrary } from '../scripts/tfjsNode/library.ts';
import { shareTfjs } from '../scripts/tfjsNode/shareTfjs.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'tfjs-node-added-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Writes empty-looking files (each holds its own name) below `folder`. */
function write(root: string, names: readonly string[]): string {
  for (const name of names) {
    mkdirSync(path.dirname(path.join(folder, root, name)), { recursive: true });
    writeFileSync(path.join(folder, root, name), name);
  }
  return path.join(folder, root);
}

/** A zip archive of uncompressed files, which is what a wheel may be. */
function zip(names: readonly string[]): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const name of names) {
    const text = Buffer.from(name);
    // Common to both headers, from "version needed" on; the content is the name itself.
    const common = Buffer.alloc(26);
    common.writeUInt16LE(10, 0);
    common.writeUInt32LE(text.length, 14);
    common.writeUInt32LE(text.length, 18);
    common.writeUInt16LE(text.length, 22);
    const end = Buffer.alloc(14);
    end.writeUInt32LE(offset, 10);
    parts.push(Buffer.from('PK\x03\x04'), common, text, text);
    directory.push(Buffer.from('PK\x01\x02\x0a\x00', 'latin1'), common, end, text);
    offset += 4 + common.length + 2 * text.length;
  }
  const size = directory.reduce((sum, { length }) => sum + length, 0);
  const tail = Buffer.alloc(18);
  tail.writeUInt16LE(names.length, 4);
  tail.writeUInt16LE(names.length, 6);
  tail.writeUInt32LE(size, 8);
  tail.writeUInt32LE(offset, 12);
  return Buffer.concat([...parts, ...directory, Buffer.from('PK\x05\x06'), tail]);
}

const FRAMEWORK = 'libtensorflow_framework.so.2';
const HEADERS = ['tensorflow/c/eager/c_api.h', 'tensorflow/c/c_api.h', 'tsl/platform/ctstring.h'];

describe('layOutLibrary', () => {
  const laidOut = () => ({
    lib: readdirSync(path.join(folder, 'deps', 'lib')).sort(),
    header: readFileSync(path.join(folder, 'deps', 'include', 'tensorflow/c/eager/c_api.h'), 'utf8'),
    others: readdirSync(path.join(folder, 'deps', 'include')).sort(),
  });

  test('takes libraries and C headers out of a wheel, and nothing else', async () => {
    const names = [
      'tensorflow/libtensorflow_cc.so.2',
      `tensorflow/${FRAMEWORK}`,
      'tensorflow/python/lib_pywrap.so',
      ...HEADERS.map((name) => `tensorflow/include/${name}`),
      'tensorflow/include/Eigen/Core',
      'tensorflow-2.21.0.dist-info/METADATA',
    ];
    const wheel = path.join(folder, 'tensorflow_cpu.whl');
    writeFileSync(wheel, zip(names));
    expect(await layOutLibrary(wheel, path.join(folder, 'deps'))).toEqual([
      'libtensorflow_cc.so.2',
      FRAMEWORK,
    ]);
    expect(laidOut()).toEqual({
      lib: ['libtensorflow_cc.so.2', FRAMEWORK],
      header: 'tensorflow/include/tensorflow/c/eager/c_api.h',
      others: ['tensorflow', 'tsl'],
    });
  });

  test('copies a folder with lib/ and include/, its links as links', async () => {
    const source = write('source', [
      'lib/libtensorflow.so.2.9.1',
      `lib/${FRAMEWORK}`,
      ...HEADERS.map((name) => `include/${name}`),
    ]);
    symlinkSync('libtensorflow.so.2.9.1', path.join(source, 'lib', 'libtensorflow.so.2'));
    expect(await layOutLibrary(source, path.join(folder, 'deps'))).toEqual(['libtensorflow.so.2', FRAMEWORK]);
    expect(laidOut().lib).toEqual(['libtensorflow.so.2', 'libtensorflow.so.2.9.1', FRAMEWORK]);
  });

  test.skipIf(process.platform === 'win32')('unpacks an archive', async () => {
    const source = write('source', [
      'lib/libtensorflow.so.2',
      `lib/${FRAMEWORK}`,
      ...HEADERS.map((name) => `include/${name}`),
    ]);
    const archive = path.join(folder, 'libtensorflow.tar.gz');
    execFileSync('tar', ['-czf', archive, '-C', source, '.']);
    expect(await layOutLibrary(archive, path.join(folder, 'deps'))).toEqual([
      'libtensorflow.so.2',
      FRAMEWORK,
    ]);
    expect(laidOut().others).toEqual(['tensorflow', 'tsl']);
  });

  test.each<[string, () => string, RegExp]>([
    ['is not there', () => path.join(folder, 'absent.whl'), /there is no .*absent\.whl/],
    [
      'is something else',
      () => path.join(write('x', ['a.zip']), 'a.zip'),
      /a\.zip is no \.whl, \.tar\.gz or folder/,
    ],
    ['is no zip archive', () => path.join(write('x', ['a.whl']), 'a.whl'), /a\.whl is no wheel: /],
    [
      'is of a TensorFlow that has no such library',
      () => write('old', [FRAMEWORK, ...HEADERS.map((name) => `include/${name}`)]),
      /lacks libtensorflow\.so\.2 or libtensorflow_cc\.so\.2 .*from TensorFlow 2\.12 on/,
    ],
    [
      'has no headers',
      () => write('bare', [FRAMEWORK, 'libtensorflow_cc.so.2']),
      /lacks the header tensorflow\/c\/eager\/c_api\.h/,
    ],
  ])('a source that %s is refused', async (_, source, message) => {
    await expect(layOutLibrary(source(), path.join(folder, 'deps'))).rejects.toThrow(message);
  });
});

test("shareTfjs leaves the engine's tfjs and its core as the only ones", async () => {
  const modules = path.join(folder, 'inner', 'node_modules');
  for (const name of ['tfjs', 'tfjs-core', 'tfjs-layers', 'tfjs-node']) {
    write(`inner/node_modules/@tensorflow/${name}`, ['index.js']);
  }
  const engines = path.dirname(
    createRequire(import.meta.resolve('@psoft/engine')).resolve('@tensorflow/tfjs/package.json'),
  );
  mkdirSync(path.join(folder, 'node_modules', '@tensorflow'), { recursive: true });
  symlinkSync(engines, path.join(folder, 'node_modules', '@tensorflow', 'tfjs'), 'dir');
  await shareTfjs(modules);
  expect(readdirSync(path.join(modules, '@tensorflow')).sort()).toEqual(['tfjs-core', 'tfjs-node']);
  const require = createRequire(path.join(modules, '@tensorflow', 'tfjs-node', 'index.js'));
  expect(require('@tensorflow/tfjs').Tensor).toBe(tf.Tensor);
  expect(require('@tensorflow/tfjs-core').Tensor).toBe(tf.Tensor);
});
