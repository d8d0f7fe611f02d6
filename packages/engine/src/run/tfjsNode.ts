/**
 * Loads TensorFlow's own library as a backend of tfjs: `@tensorflow/tfjs-node`, or `-gpu`. Few have it and few need it,
 * so that it is looked for only when asked for: as a dependency of whoever uses this package, or in the folder where
 * `scripts/addTfjsNode.ts` puts it.
 */
import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import util from 'node:util';
import { ENGINE_FOLDER } from '../devices/folder.ts';
import { tf } from '../tf.ts';
import type { Executor } from './program.ts';

export type TfjsNodeExecutor = 'eager-node' | 'eager-node-gpu';

export const TFJS_NODE: Readonly<
  Record<TfjsNodeExecutor, { module: string; folder: string; option: string }>
> = {
  'eager-node': { module: '@tensorflow/tfjs-node', folder: 'cpu', option: '' },
  'eager-node-gpu': { module: '@tensorflow/tfjs-node-gpu', folder: 'gpu', option: ' -- --gpu' },
};

/** The name under which both packages register themselves with tfjs. */
export const TFJS_NODE_BACKEND = 'tensorflow';

/** Where added packages are, one folder each. Inside this package, so that they find the tfjs that it uses. */
export const ADDED_FOLDER = path.join(ENGINE_FOLDER, '.tfjs-node');

export class ExecutorMissingError extends Error {
  override readonly name = 'ExecutorMissingError';
}

/** How to add it, by the one command; which comes with the sources. */
function remedy(executor: TfjsNodeExecutor): string {
  const { module, option } = TFJS_NODE[executor];
  return existsSync(path.join(ENGINE_FOLDER, 'scripts', 'addTfjsNode.ts'))
    ? `\`npm run tfjs-node${option}\` in the workspace's folder`
    : `\`npm install ${module}@${tf.version_core}\` in your project`;
}

interface Added {
  /** The package's own folder. */
  readonly folder: string;
  readonly version: string;
  readonly hasAddon: boolean;
}

/** What is installed for an executor: looked for from each of `places` upwards, the first that was built if one was. */
export function findTfjsNode(
  executor: TfjsNodeExecutor,
  places: readonly string[] = [ENGINE_FOLDER, path.join(ADDED_FOLDER, TFJS_NODE[executor].folder)],
): Added | undefined {
  const found = places.flatMap((place) => {
    const folder = packageFolder(TFJS_NODE[executor].module, place);
    if (folder === undefined) return [];
    const manifest = readFileSync(path.join(folder, 'package.json'), 'utf8');
    return [{ folder, version: (JSON.parse(manifest) as Added).version, hasAddon: hasAddon(folder) }];
  });
  return found.find((one) => one.hasAddon) ?? found[0];
}

function packageFolder(module: string, from: string): string | undefined {
  const folder = path.join(from, 'node_modules', module);
  if (existsSync(path.join(folder, 'package.json'))) return realpathSync(folder);
  return from === path.dirname(from) ? undefined : packageFolder(module, path.dirname(from));
}

/** Whether an executor can be asked for here: all can but those on TensorFlow's library, which has to be added. */
export function isExecutorInstalled(executor: Executor): boolean {
  if (executor !== 'eager-node' && executor !== 'eager-node-gpu') return true;
  return findTfjsNode(executor)?.hasAddon ?? false;
}

/** Compiled for one of the versions of Node's stable interface: lib/napi-v8/tfjs_binding.node. */
function hasAddon(folder: string): boolean {
  const lib = path.join(folder, 'lib');
  if (!existsSync(lib)) return false;
  return readdirSync(lib).some((name) => existsSync(path.join(lib, name, 'tfjs_binding.node')));
}

/**
 * Like {@link findTfjsNode}, for use.
 * @throws ExecutorMissingError if there is none, it was never built, or it would bring a tfjs of its own
 */
export function requireTfjsNode(executor: TfjsNodeExecutor, places?: readonly string[]): Added {
  const { module } = TFJS_NODE[executor];
  const found = findTfjsNode(executor, places);
  const refuse = (problem: string) =>
    new ExecutorMissingError(
      `executor "${executor}" needs ${module}, which ${problem}: run ${remedy(executor)} ` +
        '(docs/engine.md, "TensorFlow\'s library")',
    );
  if (found === undefined) throw refuse('is not installed');
  if (!found.hasAddon)
    throw refuse(`was installed in ${found.folder} without its install script and has no native part`);
  const theirs = resolveTfjs(path.join(found.folder, 'package.json'));
  const ours = resolveTfjs(import.meta.url);
  if (theirs !== ours) throw refuse(`uses another tfjs (${theirs}) than the engine (${ours})`);
  return found;
}

/** tfjs keeps its state in the module: two copies in one process do not know each other's tensors. */
function resolveTfjs(from: string): string | undefined {
  try {
    return createRequire(from).resolve('@tensorflow/tfjs');
  } catch {
    return undefined;
  }
}

/** What the native backend has beyond tfjs's interface. */
interface NodeBackend {
  readonly isUsingGpuDevice: boolean;
  readonly binding: { readonly TF_Version: string };
}

let loaded: { readonly executor: TfjsNodeExecutor; readonly versions: Record<string, string> } | undefined;

/**
 * Registers the backend, once a process. `threads` inside one operator, of which TensorFlow takes notice only when it
 * starts; default: one for each core.
 * @throws ExecutorMissingError if the package is not there or does not load
 */
export function loadTfjsNode(executor: TfjsNodeExecutor, threads?: number): void {
  if (loaded?.executor === executor) return;
  if (loaded !== undefined)
    throw new ExecutorMissingError(
      `executor "${executor}" cannot start where "${loaded.executor}" runs: each brings its own TensorFlow, one to a process`,
    );
  const { module } = TFJS_NODE[executor];
  const { folder, version } = requireTfjsNode(executor);
  restoreRemovedUtilities(util);
  // Warnings and errors only; a library says how it was compiled otherwise.
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '1';
  if (threads !== undefined) process.env.TF_NUM_INTRAOP_THREADS = String(threads);
  try {
    createRequire(import.meta.url)(folder);
  } catch (cause) {
    throw new ExecutorMissingError(
      `executor "${executor}": ${module} in ${folder} does not load (${(cause as Error).message}); ` +
        `add it anew: ${remedy(executor)}`,
      { cause },
    );
  }
  const backend = tf.findBackend(TFJS_NODE_BACKEND) as unknown as NodeBackend;
  if (executor === 'eager-node-gpu' && !backend.isUsingGpuDevice)
    throw new ExecutorMissingError(
      `executor "${executor}": TensorFlow ${backend.binding.TF_Version} found no GPU that it can use, and would have ` +
        'computed on the CPU; its messages above say which CUDA library it misses, `eager-node` is the executor for the CPU',
    );
  loaded = { executor, versions: { [module]: version, libtensorflow: backend.binding.TF_Version } };
}

/** The package that was loaded and the library behind it, with their versions; nothing before that. */
export function tfjsNodeVersions(): Readonly<Record<string, string>> {
  return loaded?.versions ?? {};
}

/** tfjs-node 4.22 calls two old functions of Node's `util` with every kernel; Node 23 removed the first. */
export function restoreRemovedUtilities(target: object): void {
  const utilities = target as Record<string, unknown>;
  utilities.isNullOrUndefined ??= (value: unknown) => value === null || value === undefined;
  utilities.isArray ??= Array.isArray;
}
