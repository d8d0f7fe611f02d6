/** Sweeps as data: `experiments/<name>/sweeps/<sweep>.json` says which settings are tried. Reading and checking one. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { reasonOf, shown } from '@psoft/engine/errors';
import { ConfigError } from '@psoft/training/config';
import type { Experiment, Layer } from '../workspace.ts';
import { EXPERIMENTS_ROOT, findExperiments, pick } from '../workspace.ts';

/** Values of one setting that are tried: the same in every profile, or each profile's own. */
export type GridValues = readonly unknown[] | Readonly<Record<string, readonly unknown[]>>;

/** Settings of one method, in all combinations of a grid or as a list of points. */
export interface SweepSeries {
  /** Names it in tables and charts. */
  readonly name: string;
  /** An entry of the experiment's methods. */
  readonly method: string;
  /** What all points of it share. */
  readonly set?: Layer;
  readonly grid?: Readonly<Record<string, GridValues>>;
  /** Instead of a grid: the points themselves, the same in every profile or each profile's own. */
  readonly list?: readonly Layer[] | Readonly<Record<string, readonly Layer[]>>;
}

export interface SweepFile {
  readonly title: string;
  /** Left out in a file of an experiment's `sweeps` folder. */
  readonly experiment?: string;
  /** Evaluations whose scores are averaged, or one task that trains, whose selection score counts. */
  readonly tasks: readonly string[];
  readonly seeds: Readonly<Record<string, readonly number[]>>;
  /** What every point of a profile shares; `model` is NAME or NAME@REVISION on the Hub. */
  readonly profiles?: Readonly<Record<string, Layer>>;
  readonly series: readonly SweepSeries[];
}

export interface Sweep extends SweepFile {
  /** As its file is called. */
  readonly name: string;
  readonly experiment: string;
}

const KEYS: readonly (keyof SweepFile)[] = ['title', 'experiment', 'tasks', 'seeds', 'profiles', 'series'];
const SERIES_KEYS: readonly (keyof SweepSeries)[] = ['name', 'method', 'set', 'grid', 'list'];

/**
 * Reads a sweep by `EXPERIMENT/NAME`, or by the path of its file.
 * @throws ConfigError naming the file, the place in it, the value seen and what is allowed
 */
export function readSweep(
  target: string,
  experiments: ReadonlyMap<string, Experiment> = findExperiments(),
  root = EXPERIMENTS_ROOT,
): Sweep {
  const file = target.endsWith('.json') ? path.resolve(target) : sweepFileOf(target, experiments, root);
  let parsed: unknown;
  try {
    parsed = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new ConfigError(`${file} cannot be read as a sweep: ${reasonOf(error)}`);
  }
  const sweep = checkSweep(parsed, file);
  const experiment =
    sweep.experiment ?? (target.endsWith('.json') ? folderExperiment(file) : target.split('/')[0]);
  if (experiment === undefined)
    throw new ConfigError(`${file}: "experiment" is missing: name the experiment whose methods are swept`);
  const known = <T>(table: Parameters<typeof pick<T>>[0], name: string, what: string): T =>
    pick(table, name, what, ` (in ${file})`);
  const { tasks, methods, profiles } = known(experiments, experiment, 'experiment');
  for (const task of sweep.tasks) known(tasks, task, `task of ${experiment}`);
  for (const { method } of sweep.series) known(methods, method, `method of ${experiment}`);
  for (const name of [...Object.keys(sweep.seeds), ...Object.keys(sweep.profiles ?? {})])
    known(profiles, name, `profile of ${experiment}`);
  if (sweep.tasks.length > 1 && sweep.tasks.some((task) => tasks[task]!.evaluates === undefined))
    throw new ConfigError(
      `${file}: "tasks" takes evaluations, or one task that trains; got ${sweep.tasks.join(', ')}`,
    );
  return { ...sweep, name: path.basename(file, '.json'), experiment };
}

function sweepFileOf(target: string, experiments: ReadonlyMap<string, Experiment>, root: string): string {
  const [experiment, name, ...rest] = target.split('/');
  if (name === undefined || rest.length > 0)
    throw new ConfigError(
      `"${target}" is no sweep: write EXPERIMENT/SWEEP, for example commonsense/table18, or the path of a .json file`,
    );
  pick(experiments, experiment!, 'experiment');
  const folder = path.join(root, 'experiments', experiment!, 'sweeps');
  const file = path.join(folder, `${name}.json`);
  if (existsSync(file)) return file;
  const known = existsSync(folder) ? readdirSync(folder).map((one) => path.basename(one, '.json')) : [];
  throw new ConfigError(
    `unknown sweep of ${experiment} "${name}"; known: ${known.sort().join(', ') || 'none'}`,
  );
}

/** The experiment that a file of its `sweeps` folder belongs to. */
function folderExperiment(file: string): string | undefined {
  const [folder, name] = [path.basename(path.dirname(file)), path.basename(path.dirname(path.dirname(file)))];
  return folder === 'sweeps' ? name : undefined;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isList = (value: unknown): value is unknown[] => Array.isArray(value) && value.length > 0;
const byProfile = (value: unknown, accepts: (one: unknown) => boolean): boolean =>
  accepts(value) ||
  (isObject(value) && Object.values(value).length > 0 && Object.values(value).every(accepts));

/** @throws ConfigError */
export function checkSweep(value: unknown, file: string): SweepFile {
  const refuse = (place: string, wanted: string, seen: unknown): never => {
    throw new ConfigError(`${file}: "${place}" must be ${wanted}, got ${shown(seen)}`);
  };
  const known = (one: Record<string, unknown>, keys: readonly string[], where: string) => {
    for (const key of Object.keys(one))
      if (!keys.includes(key))
        throw new ConfigError(`${file}: unknown key "${where}${key}"; known: ${keys.join(', ')}`);
  };
  if (!isObject(value)) throw new ConfigError(`${file}: a sweep is an object with ${KEYS.join(', ')}`);
  known(value, KEYS, '');
  const { title, experiment, tasks, seeds, profiles, series } = value;
  if (typeof title !== 'string') refuse('title', 'text', title);
  if (experiment !== undefined && typeof experiment !== 'string')
    refuse('experiment', 'the name of one', experiment);
  if (!isList(tasks) || !tasks.every((one) => typeof one === 'string'))
    refuse('tasks', 'a list of task names', tasks);
  const isSeeds = (one: unknown) => isList(one) && one.every((seed) => Number.isSafeInteger(seed));
  if (!isObject(seeds) || !Object.values(seeds).every(isSeeds))
    refuse('seeds', 'lists of whole numbers by profile', seeds);
  if (profiles !== undefined && !(isObject(profiles) && Object.values(profiles).every(isObject)))
    refuse('profiles', 'settings by profile', profiles);
  if (!isList(series)) return refuse('series', 'a list of series', series);
  for (const [i, one] of series.entries()) {
    const where = `series[${i}]`;
    if (!isObject(one)) return refuse(where, 'an object', one);
    known(one, SERIES_KEYS, `${where}.`);
    for (const key of ['name', 'method'])
      if (typeof one[key] !== 'string') refuse(`${where}.${key}`, 'text', one[key]);
    if (one.set !== undefined && !isObject(one.set)) refuse(`${where}.set`, 'settings by name', one.set);
    const { grid, list } = one;
    if (grid !== undefined && list !== undefined)
      throw new ConfigError(`${file}: ${where} has a grid and a list: leave one out`);
    if (
      grid !== undefined &&
      !(isObject(grid) && Object.values(grid).every((values) => byProfile(values, isList)))
    )
      refuse(`${where}.grid`, 'lists of values by setting, or by setting and profile', grid);
    const isPoints = (all: unknown) => isList(all) && all.every(isObject);
    if (list !== undefined && !byProfile(list, isPoints))
      refuse(`${where}.list`, 'a list of settings by name, or one a profile', list);
  }
  const names = series.map((one) => (one as unknown as SweepSeries).name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw new ConfigError(`${file}: two series are called "${twice}": rename one`);
  return value as unknown as SweepFile;
}
