/** Everything that stands before the first step: model, data, and what is trained. */
import {
  type CompileOptions,
  fingerprintWeights,
  type Model,
  openCheckpoint,
  type WeightSource,
} from '@psoft/engine';
import { initialiseHeads, ModelConfigError, ModelWeightsError, modelFor } from '@psoft/models';
import type { FitConfig } from '../fit.ts';
import { countParameters } from '../trainable.ts';
import { ConfigError, type RunConfig, type TrainingSettings } from './config.ts';
import { executionOptions } from './execution.ts';
import { type RunSources, seedsOf } from './identity.ts';
import { kindOf } from './kinds/index.ts';
import type { PreparedTask } from './kinds/kind.ts';
import { checkRunFits } from './memory.ts';
import { type PreparedMethod, prepareMethod } from './method.ts';
import type { ExecutionOptions } from './protocol.ts';
import { localModel, type SourceHooks, taskOf } from './sources.ts';
import type { TaskDefinition } from './tasks.ts';

export interface PreparedRun {
  readonly config: RunConfig;
  readonly task: PreparedTask;
  /** With a new head. */
  readonly model: Model;
  readonly method: PreparedMethod;
  readonly sources: RunSources;
}

/** @throws what reading the model and the data may throw, and ConfigError or AdapterConfigError for the method */
export async function prepareRun(config: RunConfig, hooks: SourceHooks): Promise<PreparedRun> {
  const definition = taskOf(config);
  const seeds = seedsOf(config.seed, definition);
  const kind = kindOf(definition);
  const local = await localModel(config, hooks);
  const { model, reader, baseWeights } = await openModel(local.folder, definition, seeds.init);
  await checkRunFits(config, model);
  const data = await kind.read(definition, { config, modelFolder: local.folder, hooks }, config.seed);
  const task = kind.prepare(definition, data, config.training, reader, model, seeds);
  const method = await prepareMethod(model, config, kind.modelTask, seeds.init);
  if (countParameters(method.model) === 0)
    throw new ConfigError(`${config.method} trains nothing of ${model.architecture}: take another method`);
  if (config.training.headLearningRate === undefined && countParameters(method.model, 'head') > 0)
    throw new ConfigError(
      `${model.architecture} has a head that is trained: give the training setting "headLearningRate"`,
    );
  const sources: RunSources = {
    splits: task.splits,
    baseFingerprint: await fingerprintWeights(baseWeights),
    ...(local.revision === undefined ? {} : { modelRevision: local.revision }),
    ...(data.revision === undefined ? {} : { dataRevision: data.revision }),
  };
  return { config, task, model, method, sources };
}

/** A base model with a new head for a task's classes, and what turns examples into its inputs. */
export async function openModel(folder: string, definition: TaskDefinition, seed: number) {
  const checkpoint = await openCheckpoint(folder);
  const { modelTask, openReader } = kindOf(definition);
  const reader = await openReader(folder);
  const raw =
    definition.kind === 'instructions' ? { ...checkpoint.config } : withLabels(checkpoint.config, definition);
  const model = inFolder(folder, () => {
    const heads = initialiseHeads(modelTask, raw, checkpoint.weights, seed);
    const weights = new Map<string, WeightSource>([...checkpoint.weights, ...heads]);
    return modelFor(modelTask, raw, weights);
  });
  return { model, reader, baseWeights: checkpoint.weights };
}

/** What a configuration lacks is said without the name of its folder. */
function inFolder<T>(folder: string, build: () => T): T {
  try {
    return build();
  } catch (cause) {
    for (const Kind of [ModelConfigError, ModelWeightsError])
      if (cause instanceof Kind) throw new Kind(`${folder}: ${cause.message}`, { cause });
    throw cause;
  }
}

/** The base model's configuration with the task's classes in place of its own. */
function withLabels(
  config: Readonly<Record<string, unknown>>,
  { classes }: { readonly classes?: readonly string[] },
) {
  const { id2label: _, label2id: __, num_labels: ___, ...rest } = config;
  const names = classes ?? ['score'];
  return {
    ...rest,
    id2label: Object.fromEntries(names.entries()),
    label2id: Object.fromEntries(names.map((name, i) => [name, i])),
    problem_type: classes === undefined ? 'regression' : 'single_label_classification',
  };
}

/** How a run's programs are compiled. */
export function compileOptionsOf(
  { precision, recompute }: TrainingSettings,
  options: ExecutionOptions,
): CompileOptions {
  return {
    ...executionOptions({ ...options, ...(precision === undefined ? {} : { precision }) }),
    ...(recompute === undefined ? {} : { recompute }),
  };
}

export function fitConfigOf({ config, task }: Pick<PreparedRun, 'config' | 'task'>): FitConfig {
  const { epochs, learningRate, headLearningRate, weightDecay, warmupRatio, maxGradNorm } = config.training;
  const { schedule, maxSteps, warmupSteps, evaluationSteps } = config.training;
  return {
    epochs,
    learningRate,
    headLearningRate: headLearningRate ?? 0,
    weightDecay,
    ...(warmupRatio === undefined ? {} : { warmupRatio }),
    ...(warmupSteps === undefined ? {} : { warmupSteps }),
    ...(evaluationSteps === undefined ? {} : { evaluationSteps }),
    maxGradNorm,
    ...(schedule === undefined ? {} : { schedule }),
    ...(task.selection === undefined ? {} : { selection: task.selection }),
    dropoutSeed: seedsOf(config.seed, task.definition).dropout,
    ...(maxSteps === undefined ? {} : { maxSteps }),
  };
}

/** One line for the user: what runs on what. */
export function describeRun({ config, task, method: { model } }: PreparedRun): string {
  const sizes = task.splits.map(({ name, count }) => `${name} ${count.toLocaleString('en')}`).join(', ');
  const [adapter, head] = [
    countParameters(model, 'adapter') + countParameters(model, 'base'),
    countParameters(model, 'head'),
  ];
  const method = config.variant === undefined ? config.method : `${config.method}-${config.variant}`;
  return (
    `${config.experiment}/${config.task}, profile ${config.profile}, ${method}, seed ${config.seed}: ` +
    `${config.model.name}; ${sizes}; trainable: ${adapter.toLocaleString('en')} ${config.method === 'full' ? 'base' : 'adapter'}, ${head.toLocaleString('en')} head` +
    (task.note === undefined ? '' : `\n${task.note}`)
  );
}
