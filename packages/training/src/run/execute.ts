/** One training run from its resolved configuration to its record. Runs inside the training process. */
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { loadTokenizer } from '@psoft/datasets';
import {
  fingerprintWeights,
  type Model,
  openCheckpoint,
  type WeightSource,
  writeSafetensors,
} from '@psoft/engine';
import { initialiseHeads, modelFor } from '@psoft/models';
import { type EpochRow, Fit, type FitConfig, NonFiniteError } from '../fit.ts';
import { countParameters } from '../trainable.ts';
import type { RunConfig } from './config.ts';
import { type PreparedMethod, prepareMethod } from './method.ts';
import type { RunRequest, RunSummary } from './protocol.ts';
import { RunRecorder } from './record.ts';
import { readSplits, taskOf } from './sources.ts';
import { cutSplits, type PreparedTask, prepareTask, type Seeds } from './task.ts';
import type { TaskDefinition } from './tasks.ts';

export interface RunHooks {
  note(text: string): void;
  step(info: { step: number; totalSteps: number; loss: number; tokensPerSecond: number }): void;
  epoch(row: EpochRow, isBest: boolean): void;
  shouldStop(): boolean;
}

/** One seed for all streams: each draws under a name of its own, so they are independent all the same. */
export function seedsOf(seed: number): Seeds {
  return { init: seed, order: seed, dropout: seed, split: seed };
}

/**
 * Trains, chooses the best epoch on one half of the validation set, reports on the other, saves adapter and record.
 * A run that fails or is stopped leaves its record among the runs, never among the results.
 */
export async function executeRun({ config, options }: RunRequest, hooks: RunHooks): Promise<RunSummary> {
  const seeds = seedsOf(config.seed);
  const started = performance.now();
  const checkpoint = await openCheckpoint(config.model.folder);
  const tokenizer = await loadTokenizer(config.model.folder);
  const definition = taskOf(config);
  const cut = cutSplits(definition, await readSplits(config), seeds.split);
  const task = prepareTask(definition, cut, config.training, tokenizer, seeds);
  const raw = withLabels(checkpoint.config, definition);
  const heads = initialiseHeads('sequence-classification', raw, checkpoint.weights, seeds.init);
  const weights = new Map<string, WeightSource>([...checkpoint.weights, ...heads]);
  const model = modelFor('sequence-classification', raw, weights);
  const baseFingerprint = await fingerprintWeights(checkpoint.weights);
  const method = await prepareMethod(model, config, seeds.init);
  hooks.note(describe(config, task, method));

  const recorder = new RunRecorder({ config, options, seeds, task, method, model, baseFingerprint, started });
  if (options.skipExisting && existsSync(recorder.resultFile))
    return { status: 'skipped', metrics: {}, recordFile: recorder.resultFile };
  const { executor, threads } = options;
  const fit = new Fit(method.model, task.fit, fitConfig(config, task, seeds), {
    executor,
    ...(threads === undefined ? {} : { threads }),
  });
  try {
    const result = await fit.run({
      onStep: (info) => hooks.step(info),
      onEpoch: (row, isBest) => {
        recorder.addEpoch(row);
        hooks.epoch(row, isBest);
      },
      shouldStop: () => hooks.shouldStop(),
    });
    if (result.status === 'cancelled') {
      const recordFile = await recorder.write({ status: 'cancelled' });
      return { status: 'cancelled', metrics: {}, recordFile };
    }
    const metrics: Record<string, number> = {};
    for (const split of task.reported) {
      const outputs = await fit.predict(split);
      for (const [name, value] of Object.entries(task.fit.metrics(split, outputs)))
        metrics[split === 'report' ? name : `${name}-${split}`] = value;
      await recorder.writePredictions(split, outputs);
    }
    const adapterFolder = await saveTrained(method, model, recorder.runFolder);
    const recordFile = await recorder.write({
      status: 'completed',
      metrics,
      ...(result.best === undefined ? {} : { best: result.best }),
      ...(adapterFolder === undefined ? {} : { adapterFolder }),
    });
    return {
      status: 'completed',
      metrics,
      recordFile,
      ...(result.best === undefined ? {} : { bestEpoch: result.best.epoch }),
      ...(adapterFolder === undefined ? {} : { adapterFolder }),
    };
  } catch (error) {
    // The best parameters before the failure are in the model: keep them.
    if (error instanceof NonFiniteError) await saveTrained(method, model, recorder.runFolder);
    await recorder.write({ status: 'failed', error: (error as Error).message });
    throw error;
  } finally {
    await fit.dispose();
  }
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

function fitConfig(config: RunConfig, task: PreparedTask, seeds: Seeds): FitConfig {
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
    dropoutSeed: seeds.dropout,
    ...(maxSteps === undefined ? {} : { maxSteps }),
  };
}

/** The adapter, or of full fine-tuning the whole model as a checkpoint. @returns the adapter's folder */
async function saveTrained(
  { peft, model: trained }: PreparedMethod,
  model: Model,
  runFolder: string,
): Promise<string | undefined> {
  if (peft !== undefined) {
    const folder = path.join(runFolder, 'adapter');
    await mkdir(folder, { recursive: true });
    await peft.savePretrained(folder);
    return folder;
  }
  if (trained.weights.size > 0) return undefined;
  const folder = path.join(runFolder, 'model');
  await mkdir(folder, { recursive: true });
  const weights = new Map<string, WeightSource>(
    trained.parameters.map(({ name, data, shape }) => [name, { kind: 'data', data, shape }]),
  );
  await writeSafetensors(path.join(folder, 'model.safetensors'), weights, { metadata: { format: 'pt' } });
  await writeFile(path.join(folder, 'config.json'), `${JSON.stringify(model.config, null, 2)}\n`);
  return undefined;
}

function describe(config: RunConfig, task: PreparedTask, { model }: PreparedMethod): string {
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
