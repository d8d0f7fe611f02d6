import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { compile, isExecutorInstalled, tf } from '@psoft/engine';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Tensor } from '../tf.ts';
import { findTfjsNode, requireTfjsNode, restoreRemovedUtilities, type TfjsNodeExecutor } from './tfjsNode.ts';

let place: string;
beforeEach(() => {
  place = mkdtempSync(path.join(os.tmpdir(), 'tfjs-node-test-'));
});
afterEach(() => rmSync(place, { recursive: true }));

/** A package without its code, in `place`. */
function install(name: string, { addon = true, tfjs }: { addon?: boolean; tfjs?: string } = {}): string {
  const folder = path.join(place, 'node_modules', '@tensorflow', name);
  mkdirSync(path.join(folder, 'lib', 'napi-v8'), { recursive: true });
  writeFileSync(path.join(folder, 'package.json'), '{ "version": "4.22.0" }');
  if (addon) writeFileSync(path.join(folder, 'lib', 'napi-v8', 'tfjs_binding.node'), '');
  if (tfjs !== undefined) symlinkSync(tfjs, path.join(place, 'node_modules', '@tensorflow', 'tfjs'), 'dir');
  return folder;
}

const engines = path.dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs/package.json'));

test.each<[TfjsNodeExecutor, RegExp]>([
  ['eager-node', /"eager-node" needs @tensorflow\/tfjs-node, .*not installed: run `npm run tfjs-node` in/],
  [
    'eager-node-gpu',
    /needs @tensorflow\/tfjs-node-gpu, .*not installed: run `npm run tfjs-node -- --gpu` in/,
  ],
])('%s, where it is absent, says what to do', (executor, message) => {
  expect(findTfjsNode(executor, [place])).toBeUndefined();
  expect(() => requireTfjsNode(executor, [place])).toThrow(message);
});

test('the message is one line', () => {
  expect(() => requireTfjsNode('eager-node', [place])).toThrow(/^[^\n]+$/);
});

test('an installed package is found from a folder below, and shares the tfjs of the engine', () => {
  const folder = install('tfjs-node', { tfjs: engines });
  const below = path.join(place, 'a', 'b');
  expect(requireTfjsNode('eager-node', [below])).toEqual({ folder, version: '4.22.0', hasAddon: true });
  expect(findTfjsNode('eager-node-gpu', [below])).toBeUndefined();
});

test('a package whose install script did not run is refused with its place', () => {
  const folder = install('tfjs-node', { addon: false, tfjs: engines });
  expect(() => requireTfjsNode('eager-node', [place])).toThrow(`${folder} without its install script`);
});

test('a package with a tfjs of its own is refused', () => {
  const other = path.join(place, 'other');
  mkdirSync(other);
  writeFileSync(path.join(other, 'index.js'), '');
  install('tfjs-node', { tfjs: other });
  expect(() => requireTfjsNode('eager-node', [place])).toThrow(
    /uses another tfjs \(.*other.index\.js\) than/,
  );
});

test('what Node 23 removed is restored, and what is there stays', () => {
  const own = () => false;
  const util: Record<string, unknown> = { isArray: own };
  restoreRemovedUtilities(util);
  const isNullOrUndefined = util.isNullOrUndefined as (value: unknown) => boolean;
  expect([null, undefined, 0, '', []].map(isNullOrUndefined)).toEqual([true, true, false, false, false]);
  expect(util.isArray).toBe(own);
});

test.skipIf(isExecutorInstalled('eager-node'))(
  'compile() on an executor that is not installed says so',
  async () => {
    const inputs = { x: { shape: [2], dtype: 'float32' as const } };
    await expect(
      compile(({ x }) => ({ y: tf.neg(x!) }), { inputs }, { executor: 'eager-node' }),
    ).rejects.toThrow(/@tensorflow\/tfjs-node, which is not installed/);
  },
);

test.skipIf(!isExecutorInstalled('eager-node'))('two TensorFlows in one process are refused', async () => {
  const inputs = { x: { shape: [2], dtype: 'float32' as const } };
  const fn = ({ x }: Record<string, Tensor>) => ({ y: tf.neg(x!) });
  await compile(fn, { inputs }, { executor: 'eager-node' });
  await expect(compile(fn, { inputs }, { executor: 'eager-node-gpu' })).rejects.toThrow(/one to a process/);
});
