/** From a target ("nlu/cola") and options to the configuration of one run. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { RunPrecision } from '@psoft/engine/devices';
import { ConfigError, checkTrainingSettings, type RunConfig } from '@psoft/training/config';
import {
  type Experiment,
  type Layer,
  modelFolder,
  type Overrides,
  type Profile,
  pick,
  type TaskEntry,
} from './workspace.ts';

export interface TrainOptions {
  readonly profile: string;
  readonly method: string;
  readonly seed: number;
  readonly rank?: number;
  readonly alpha?: number;
  readonly epochs?: number;
  readonly batchSize?: number;
  readonly microBatchSize?: number;
  readonly learningRate?: number;
  /** Tried one after the other, as an experiment's `search`. */
  readonly learningRates?: readonly number[];
  readonly headLearningRate?: number;
  readonly maxSteps?: number;
  readonly maxLength?: number;
  readonly precision?: RunPrecision;
  readonly recompute?: boolean;
  readonly adapterStorage?: string;
  readonly dataDir?: string;
  /** Below which the data lies in its official layout. */
  readonly dataUrl?: string;
  /** A data set on the Hub: NAME or NAME@REVISION. */
  readonly dataHub?: string;
  readonly promptTemplate?: string;
  readonly lossOnPrompt?: boolean;
  readonly modelDir?: string;
  /** A model on the Hub: NAME or NAME@REVISION. */
  readonly model?: string;
  /** `key=value` pairs for the adapter's configuration. */
  readonly set: readonly string[];
  /** Settings of the adapter given as flags of their own, by name. */
  readonly settings?: Layer;
}

/** The experiment says that a method cannot be run in a profile, and why. */
export class UnavailableError extends ConfigError {}

/** The settings that --rank and --alpha mean, by method. */
export type RankSettings = (method: string) => { readonly rank?: string; readonly alpha?: string };

/**
 * The runs that a choice is made from: one for each learning rate that is searched, or the one that there is.
 * @throws as {@link resolveRun}
 */
export function resolveSearch(
  experiments: ReadonlyMap<string, Experiment>,
  target: string,
  options: TrainOptions,
  rankSettings: RankSettings,
  environment: NodeJS.ProcessEnv = process.env,
): RunConfig[] {
  const resolve = (more: Partial<TrainOptions>) =>
    resolveRun(experiments, target, { ...options, ...more }, rankSettings, environment);
  if (options.learningRate !== undefined && options.learningRates !== undefined)
    throw new ConfigError('give --learning-rate or --learning-rates, not both');
  if (options.learningRate !== undefined) return [resolve({})];
  const method = experiments.get(target.split('/')[0]!)?.methods[options.method];
  // The head alone has a rate of its own.
  if (options.method === 'head') return [resolve({})];
  const rates =
    options.learningRates ?? method?.[options.profile as 'tiny' | 'paper']?.search?.learningRate ?? [];
  return rates.length === 0 ? [resolve({})] : rates.map((learningRate) => resolve({ learningRate }));
}

/**
 * Layers of settings, later ones winning: profile, task, method, command line. A task's rate is the one that the paper
 * prints for PSOFT there; other methods have their own.
 * @throws ConfigError for unknown names and values that no layer may have
 */
export function resolveRun(
  experiments: ReadonlyMap<string, Experiment>,
  target: string,
  options: TrainOptions,
  rankSettings: RankSettings,
  environment: NodeJS.ProcessEnv = process.env,
): RunConfig {
  const { experimentName, experiment, taskName, task } = targetOf(experiments, target);
  if (task.evaluates !== undefined)
    throw new ConfigError(
      `${target} trains nothing: psoft train ${experimentName}/${task.evaluates}, then psoft evaluate ${target}`,
    );
  const profile = pick(experiment.profiles, options.profile, `profile of ${experimentName}`);
  const entry = pick(experiment.methods, options.method, `method of ${experimentName}`);
  const names = methodNames(options.method, entry.method);
  const method: Overrides = entry[options.profile as 'tiny' | 'paper'] ?? {};
  if (method.unavailable !== undefined) throw new UnavailableError(method.unavailable);
  const taskLayer: Overrides = task[options.profile as 'tiny' | 'paper'] ?? {};

  const asked = adapterOptions(options, rankSettings(names.method));
  const adapter = { ...taskLayer.adapter, ...method.adapter, ...asked };
  if (Object.keys(asked).length > 0 && method.adapter === undefined)
    throw new ConfigError(
      `method "${options.method}" has no adapter, so ${Object.keys(asked).join(', ')} cannot be set: leave it out`,
    );
  const training = checkTrainingSettings(
    { ...profile.training, ...taskLayer.training, ...method.training, ...trainingOptions(options) },
    target,
  );
  return {
    experiment: experimentName,
    task: taskName,
    profile: options.profile,
    ...names,
    seed: options.seed,
    model: modelOf(profile, options),
    ...dataOf(profile, { ...task, name: taskName }, options, environment),
    // With other settings it is not the published run.
    ...(Object.keys(asked).length > 0 ? {} : referenceOf(task, options)),
    adapter,
    training,
  };
}

/**
 * The experiment and the task that a target names.
 * @throws ConfigError for what is no target, and unknown names
 */
export function targetOf(experiments: ReadonlyMap<string, Experiment>, target: string) {
  const [experimentName, taskName, ...rest] = target.split('/');
  if (experimentName === undefined || taskName === undefined || rest.length > 0)
    throw new ConfigError(`"${target}" is no target: write EXPERIMENT/TASK, for example nlu/cola`);
  const experiment = pick(experiments, experimentName, 'experiment');
  const task = pick(experiment.tasks, taskName, `task of ${experimentName}`);
  return { experimentName, experiment, taskName, task };
}

/** "psoft-strict" of method "psoft" is its variant "strict". */
export function methodNames(name: string, method = name): { method: string; variant?: string } {
  if (method === name) return { method };
  if (!name.startsWith(`${method}-`))
    throw new ConfigError(`method entry "${name}" of method "${method}" must be called ${method}-SOMETHING`);
  return { method, variant: name.slice(method.length + 1) };
}

function adapterOptions(
  { method, rank, alpha, set, settings }: TrainOptions,
  names: ReturnType<RankSettings>,
): Layer {
  const layer: Record<string, unknown> = { ...settings };
  for (const [flag, value, key] of [
    ['--rank', rank, names.rank],
    ['--alpha', alpha, names.alpha],
  ] as const) {
    if (value === undefined) continue;
    if (key === undefined)
      throw new ConfigError(`${flag} means nothing to ${method}: psoft methods ${method} lists its settings`);
    layer[key] = value;
  }
  // As every setting of the paper has it: scaling stays 1 unless asked for.
  if (rank !== undefined && alpha === undefined && names.alpha !== undefined) layer[names.alpha] ??= rank;
  return { ...layer, ...parseSettings(set) };
}

/** @param pairs of `--set`: KEY=VALUE each */
export function parseSettings(pairs: readonly string[], option = '--set'): Record<string, unknown> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=');
      if (at < 1) throw new ConfigError(`${option} takes KEY=VALUE, got "${pair}"`);
      return [pair.slice(0, at), parseValue(pair.slice(at + 1))];
    }),
  );
}

/** JSON where it is JSON, else the text itself: numbers and booleans need no quotes, nor do names. */
export function parseValue(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function trainingOptions(options: TrainOptions): Layer {
  const { epochs, batchSize, microBatchSize, learningRate, headLearningRate } = options;
  const { maxSteps, maxLength, precision, recompute, adapterStorage } = options;
  const { promptTemplate, lossOnPrompt } = options;
  const given = {
    epochs,
    batchSize,
    microBatchSize,
    learningRate,
    headLearningRate,
    maxSteps,
    maxLength,
    precision,
    recompute,
    adapterStorage,
    promptTemplate,
    lossOnPrompt,
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

/** The profile's model, or what was asked for: a folder is called what it is called, whatever the profile says. */
function modelOf(profile: Profile, { modelDir, model }: TrainOptions): RunConfig['model'] {
  if (modelDir !== undefined && model !== undefined)
    throw new ConfigError('give --model-dir or --model, not both');
  if (modelDir !== undefined) {
    const folder = path.resolve(modelDir);
    return { name: path.basename(folder), folder };
  }
  if (model !== undefined) {
    return hubName(model, '--model');
  }
  const { folder, ...named } = profile.model;
  return folder === undefined ? named : { name: named.name, folder: modelFolder(folder) };
}

function hubName(text: string, flag: string): { name: string; revision?: string } {
  const [name, revision, ...rest] = text.split('@') as [string, ...string[]];
  if (rest.length > 0 || name === '' || revision === '')
    throw new ConfigError(`${flag} takes NAME or NAME@REVISION, got "${text}"`);
  return { name, ...(revision === undefined ? {} : { revision }) };
}

/** Where data is said to be. */
export type DataOptions = Pick<TrainOptions, 'dataDir' | 'dataUrl' | 'dataHub'>;

/** Those of the options that were given. */
export function dataOptions({ dataDir, dataUrl, dataHub }: DataOptions): DataOptions {
  return {
    ...(dataDir === undefined ? {} : { dataDir }),
    ...(dataUrl === undefined ? {} : { dataUrl }),
    ...(dataHub === undefined ? {} : { dataHub }),
  };
}

/** Where every task has a data set of its own, a folder of them may be given as well as one. */
export function dataOf(
  profile: Profile,
  task: TaskEntry & { readonly name: string },
  { dataDir, dataUrl, dataHub, profile: name }: DataOptions & Pick<TrainOptions, 'profile'>,
  environment: NodeJS.ProcessEnv,
): Pick<RunConfig, 'dataFolder' | 'dataHub' | 'dataUrl'> {
  if ([dataDir, dataUrl, dataHub].filter((place) => place !== undefined).length > 1)
    throw new ConfigError('give one of --data-dir, --data-url and --data-hub');
  if (dataHub !== undefined) return { dataHub: hubName(dataHub, '--data-hub') };
  if (dataUrl !== undefined) return { dataUrl: checkedUrl(dataUrl) };
  const own = task.paper?.data;
  const below = (folder: string) => {
    const inner = path.join(folder, task.name);
    return own !== undefined && existsSync(inner) ? inner : folder;
  };
  if (dataDir !== undefined) return { dataFolder: below(path.resolve(dataDir)) };
  if (name === 'tiny') return {};
  const root = environment.PSOFT_DATA;
  const ownFolder = task.paper?.dataFolder;
  if (root !== undefined && root !== '' && ownFolder !== undefined && existsSync(path.join(root, ownFolder)))
    return { dataFolder: path.resolve(root, ownFolder) };
  if (root !== undefined && root !== '' && profile.dataFolder !== undefined)
    return { dataFolder: below(path.resolve(root, profile.dataFolder)) };
  const data = own ?? profile.data;
  if (data === undefined) return {};
  return 'url' in data ? { dataUrl: data.url } : { dataHub: data };
}

function checkedUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'https:' && url?.protocol !== 'http:')
    throw new ConfigError(`--data-url takes an address that begins with https://, got "${text}"`);
  return text;
}

/** The paper's own score, for a run that is the paper's. */
export function referenceOf(
  { reference }: TaskEntry,
  { profile, method }: TrainOptions,
): Pick<RunConfig, 'reference'> {
  const value = reference?.scores[method];
  if (profile !== 'paper' || value === undefined) return {};
  return { reference: { value, source: reference!.source } };
}
