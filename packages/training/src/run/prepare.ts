/** Everything that stands before the first step: model, tokenizer, data, and what is trained. */
import { loadTokenizer, type Tokenizer } from '@psoft/datasets';
import { fingerprintWeights, type Model, openCheckpoint, type WeightSource } from '@psoft/engine';
import { initialiseHeads, modelFor } from '@psoft/models';
import type { FitConfig } from '../fit.ts';
import { countParameters } from '../trainable.ts';
import type { RunConfig } from './config.ts';
import { type RunSources, seedsOf } from './identity.ts';
import { type PreparedMethod, prepareMethod } from './method.ts';
import { localModel, readData, type SourceHooks, taskOf } from './sources.ts';
import { cutSplits, type PreparedTask, prepareTask } from './task.ts';
import type { TaskDefinition } from './tasks.ts';

export interface PreparedRun {
  readonly config: RunConfig;
  readonly task: PreparedTask;
  /** With a new head. */
  readonly model: Model;
  readonly method: PreparedMethod;
  readonly tokenizer: Tokenizer;
  readonly sources: RunSources;
}

/** @throws what reading the model and the data may throw, and ConfigError or AdapterConfigError for the method */
export async function prepareRun(config: RunConfig, hooks: SourceHooks): Promise<PreparedRun> {
  const seeds = seedsOf(config.seed);
  const definition = taskOf(config);
  const local = await localModel(config, hooks);
  const data = await readData(config, hooks);
  const { model, tokenizer, baseFingerprint } = await openModel(local.folder, definition, seeds.init);
  const cut = cutSplits(definition, data.splits, seeds.split);
  const task = prepareTask(definition, cut, config.training, tokenizer, seeds);
  const method = await prepareMethod(model, config, seeds.init);
  const sources: RunSources = {
    splits: task.splits,
    baseFingerprint,
    ...(local.revision === undefined ? {} : { modelRevision: local.revision }),
    ...(data.revision === undefined ? {} : { dataRevision: data.revision }),
  };
  return { config, task, model, method, tokenizer, sources };
}

/** A base model with a new head for a task's classes, and its tokenizer. */
export async function openModel(folder: string, definition: TaskDefinition, seed: number) {
  const checkpoint = await openCheckpoint(folder);
  const tokenizer = await loadTokenizer(folder);
  const raw = withLabels(checkpoint.config, definition);
  const heads = initialiseHeads('sequence-classification', raw, checkpoint.weights, seed);
  const weights = new Map<string, WeightSource>([...checkpoint.weights, ...heads]);
  const model = modelFor('sequence-classification', raw, weights);
  return { model, tokenizer, baseFingerprint: await fingerprintWeights(checkpoint.weights) };
}

/** The base model's configuration with the task's classes in place of its own. */
function withLabels(config: Readonly<Record<string, unknown>>, { classes }: TaskDefinition) {
  const { id2label: _, label2id: __, num_labels: ___, ...rest } = config;
  const names = classes ?? ['score'];
  return {
    ...rest,
    id2label: Object.fromEntries(names.entries()),
    label2id: Object.fromEntries(names.map((name, i) => [name, i])),
    problem_type: classes === undefined ? 'regression' : 'single_label_classification',
  };
}

export function fitConfigOf({ config, task }: Pick<PreparedRun, 'config' | 'task'>): FitConfig {
  const { epochs, learningRate, headLearningRate, weightDecay, warmupRatio, maxGradNorm, maxSteps } =
    config.training;
  return {
    epochs,
    learningRate,
    headLearningRate,
    weightDecay,
    warmupRatio,
    maxGradNorm,
    selectionSplit: 'selection',
    selectionMetric: task.definition.metrics[0],
    dropoutSeed: seedsOf(config.seed).dropout,
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
    `${config.model.name}; ${sizes}; trainable: ${adapter.toLocaleString('en')} ${config.method === 'full' ? 'base' : 'adapter'}, ${head.toLocaleString('en')} head`
  );
}
