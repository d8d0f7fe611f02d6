/** Finds the workspace and what lies in it. Experiments are data: a folder with an `experiment.json`. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { shown } from '@psoft/engine/errors';
import { ConfigError } from '@psoft/training/config';

const IS_SOURCE = import.meta.url.endsWith('.ts');

/** The workspace; of an installed command the folder that it is called in. Results and runs go below it. */
export const ROOT = IS_SOURCE ? fileURLToPath(new URL('../../../', import.meta.url)) : process.cwd();

/** Where `experiments` lies: the workspace, or the package that brought them along. */
export const EXPERIMENTS_ROOT = IS_SOURCE ? ROOT : fileURLToPath(new URL('../', import.meta.url));

/** The folder of a model that an experiment names by its place in the workspace. */
export function modelFolder(place: string): string {
  if (IS_SOURCE) return path.join(ROOT, place);
  // Our own checkpoints are the only ones that lie in the workspace.
  const checkpoints = new URL('../checkpoints/', import.meta.resolve('@psoft/tiny-models'));
  return path.join(fileURLToPath(checkpoints), path.basename(place));
}

export type Layer = Readonly<Record<string, unknown>>;

/** What `experiments/<name>/experiment.json` holds. Later layers override earlier ones: profile, task, method. */
export interface Experiment {
  readonly experiment: string;
  readonly title: string;
  readonly profiles: Readonly<Record<string, Profile>>;
  readonly methods: Readonly<Record<string, MethodEntry>>;
  readonly tasks: Readonly<Record<string, TaskEntry>>;
  readonly tables?: Readonly<Record<string, TableEntry>>;
}

export interface Profile {
  /** A folder of the workspace, or without one a model on the Hub. */
  readonly model: {
    readonly name: string;
    readonly folder?: string;
    readonly revision?: string;
    /** What its config.json says, for plans of memory. */
    readonly architecture?: Layer;
  };
  /** Without it, here or of the task, the data is generated. */
  readonly data?: DataName;
  /** The folder of the data below PSOFT_DATA. */
  readonly dataFolder?: string;
  readonly training: Layer;
  /** How tasks that evaluate others generate and score. */
  readonly evaluation?: Layer;
}

export interface HubName {
  readonly name: string;
  readonly revision?: string;
}

/** A data set on the Hub, or below an address. */
export type DataName = HubName | { readonly url: string };

export interface TaskEntry {
  readonly title: string;
  /** A task of the same experiment: this one trains nothing, it evaluates what that one trained. */
  readonly evaluates?: string;
  /** Tables that have groups average them first. */
  readonly group?: string;
  readonly tiny?: Overrides;
  readonly paper?: Overrides;
  /** Published scores by method, in per cent. */
  readonly reference?: { readonly source: string; readonly scores: Readonly<Record<string, number>> };
}

/** A table of the paper: which runs it is made of. */
export interface TableEntry {
  readonly title: string;
  readonly tasks: readonly string[];
  readonly methods: readonly string[];
  readonly seeds: Readonly<Record<string, readonly number[]>>;
}

/** Settings of a method in each profile. Its name in the table is the method's, or `<method>-<variant>`. */
export interface MethodEntry {
  /** The method of @psoft/adapter, "head" or "full"; left out where the entry bears its name. */
  readonly method?: string;
  readonly tiny?: Overrides;
  readonly paper?: Overrides;
}

/** What a method or a task changes in one profile. */
export interface Overrides {
  readonly adapter?: Layer;
  readonly training?: Layer;
  readonly evaluation?: Layer;
  /** The task's own data set. */
  readonly data?: DataName;
  /** Its folder below PSOFT_DATA, which is taken instead where it is there. */
  readonly dataFolder?: string;
  /** Why this cannot be run: what the table's cell then says. */
  readonly unavailable?: string;
  /** Rates that are tried; the one that does best on the selection split is reported. */
  readonly search?: { readonly learningRate: readonly number[] };
}

/** All experiments of the workspace, by name. */
export function findExperiments(root = EXPERIMENTS_ROOT): Map<string, Experiment> {
  const folder = path.join(root, 'experiments');
  const found = new Map<string, Experiment>();
  for (const name of readdirSync(folder).sort()) {
    const file = path.join(folder, name, 'experiment.json');
    if (!existsSync(file)) continue;
    try {
      found.set(name, JSON.parse(readFileSync(file, 'utf8')) as Experiment);
    } catch (error) {
      throw new ConfigError(`${file} is not valid JSON: ${(error as Error).message}`);
    }
  }
  return found;
}

/**
 * Looks a name up in a table.
 * @param where says in messages where the name stands
 * @throws ConfigError that lists the known names
 */
export function pick<T>(
  table: Readonly<Record<string, T>> | ReadonlyMap<string, T>,
  name: string,
  what: string,
  where = '',
): T {
  const entries = table instanceof Map ? table : new Map(Object.entries(table));
  const found = entries.get(name);
  if (found !== undefined) return found;
  const known = [...entries.keys()];
  throw new ConfigError(`unknown ${what} ${shown(name)}${where}; known: ${known.join(', ')}`);
}
