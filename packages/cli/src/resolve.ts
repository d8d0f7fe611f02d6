/** From a target ("nlu/cola") and options to the configuration of one run. */
import path from 'node:path';
import { ConfigError, checkTrainingSettings, type RunConfig } from '@psoft/training/config';
import { type Experiment, type Layer, type Overrides, pick, ROOT } from './workspace.ts';

export interface TrainOptions {
  readonly profile: string;
  readonly method: string;
  readonly seed: number;
  readonly rank?: number;
  readonly alpha?: number;
  readonly epochs?: number;
  readonly batchSize?: number;
  readonly learningRate?: number;
  readonly headLearningRate?: number;
  readonly maxSteps?: number;
  readonly maxLength?: number;
  readonly dataDir?: string;
  readonly modelDir?: string;
  /** `key=value` pairs for the adapter's configuration. */
  readonly set: readonly string[];
  /** Settings of the adapter given as flags of their own, by name. */
  readonly settings?: Layer;
}

/** The settings that --rank and --alpha mean, by method. */
export type RankSettings = (method: string) => { readonly rank?: string; readonly alpha?: string };

/**
 * Layers of settings, later ones winning: profile, method, task, command line.
 * @throws ConfigError for unknown names and values that no layer may have
 */
export function resolveRun(
  experiments: ReadonlyMap<string, Experiment>,
  target: string,
  options: TrainOptions,
  rankSettings: RankSettings,
  environment: NodeJS.ProcessEnv = process.env,
): RunConfig {
  const [experimentName, taskName, ...rest] = target.split('/');
  if (experimentName === undefined || taskName === undefined || rest.length > 0)
    throw new ConfigError(`"${target}" is no target: write EXPERIMENT/TASK, for example nlu/cola`);
  const experiment = pick(experiments, experimentName, 'experiment');
  const task = pick(experiment.tasks, taskName, `task of ${experimentName}`);
  const profile = pick(experiment.profiles, options.profile, `profile of ${experimentName}`);
  const entry = pick(experiment.methods, options.method, `method of ${experimentName}`);
  const names = methodNames(options.method, entry.method);
  const method: Overrides = entry[options.profile as 'tiny' | 'paper'] ?? {};
  const taskLayer = (task[options.profile] ?? {}) as Overrides;

  const asked = adapterOptions(options, rankSettings(names.method));
  const adapter = { ...method.adapter, ...taskLayer.adapter, ...asked };
  if (Object.keys(asked).length > 0 && method.adapter === undefined)
    throw new ConfigError(
      `method "${options.method}" has no adapter, so ${Object.keys(asked).join(', ')} cannot be set: leave it out`,
    );
  const training = checkTrainingSettings(
    { ...profile.training, ...method.training, ...taskLayer.training, ...trainingOptions(options) },
    target,
  );
  return {
    experiment: experimentName,
    task: taskName,
    profile: options.profile,
    ...names,
    seed: options.seed,
    model: modelOf(profile.model, options, target),
    ...dataFolder(options, environment, taskName),
    adapter,
    training,
  };
}

/** "psoft-strict" of method "psoft" is its variant "strict". */
function methodNames(name: string, method = name): { method: string; variant?: string } {
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
  for (const pair of set) {
    const at = pair.indexOf('=');
    if (at < 1) throw new ConfigError(`--set takes KEY=VALUE, got "${pair}"`);
    layer[pair.slice(0, at)] = parseValue(pair.slice(at + 1));
  }
  return layer;
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
  const { epochs, batchSize, learningRate, headLearningRate, maxSteps, maxLength } = options;
  const given = { epochs, batchSize, learningRate, headLearningRate, maxSteps, maxLength };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

/** The profile's model, or the folder given: then it is called what the folder is called, whatever the profile says. */
function modelOf(
  model: { name: string; folder?: string },
  options: TrainOptions,
  target: string,
): RunConfig['model'] {
  if (options.modelDir !== undefined) {
    const folder = path.resolve(options.modelDir);
    return { name: path.basename(folder), folder };
  }
  if (model.folder !== undefined) return { name: model.name, folder: path.join(ROOT, model.folder) };
  throw new ConfigError(
    `${target} with profile "${options.profile}" trains ${model.name}: ` +
      'give --model-dir, a folder with its config.json, model.safetensors and tokenizer files',
  );
}

function dataFolder(
  options: TrainOptions,
  environment: NodeJS.ProcessEnv,
  task: string,
): { dataFolder?: string } {
  if (options.dataDir !== undefined) return { dataFolder: path.resolve(options.dataDir) };
  if (options.profile === 'tiny') return {};
  const root = environment.PSOFT_DATA;
  if (root !== undefined && root !== '') return { dataFolder: path.resolve(root, 'glue') };
  throw new ConfigError(
    `profile "${options.profile}" trains on the real ${task} data: ` +
      'give --data-dir, a folder in the official layout, or set PSOFT_DATA to the folder above "glue"',
  );
}
