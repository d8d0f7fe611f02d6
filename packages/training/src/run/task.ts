/** A text classification task made ready: data, batches, loss and metrics for one run. */
import {
  DataError,
  type EncodedExample,
  encodeExamples,
  evaluationBatches,
  fingerprintExamples,
  generateAcceptability,
  labelledTextSpec,
  METRICS,
  type MetricName,
  readCola,
  type TextSplit,
  type Tokenizer,
  textSpec,
  trainingBatches,
  validationHalves,
} from '@psoft/datasets';
import { crossEntropy } from '@psoft/models';
import type { Batch, FitTask } from '../fit.ts';
import type { RunConfig } from './config.ts';

/** What a task is: where its data comes from, its classes, and how it is scored. Adding one is one entry of TASKS. */
export interface TaskDefinition {
  readonly classes: number;
  /** In the order they are reported; the first chooses the epoch. */
  readonly metrics: readonly [MetricName, ...MetricName[]];
  /** Reads the real data set from a folder in its official layout. */
  read(folder: string, split: 'train' | 'dev'): Promise<TextSplit>;
  /** The tiny profile's own data of the same form, the same for every seed of a run. */
  generate(): { train: TextSplit; dev: TextSplit };
  /** The paper's result for this task, and where it stands. */
  readonly reference?: { readonly metric: MetricName; readonly value: number; readonly source: string };
}

/** Seed of the generated data: part of the task, not of a run. */
const GENERATED_SEED = 2026;

export const TASKS: Readonly<Record<string, TaskDefinition>> = {
  'nlu/cola': {
    classes: 2,
    metrics: ['matthewsCorrelation', 'accuracy'],
    read: readCola,
    generate: () => generateAcceptability(GENERATED_SEED),
    reference: {
      metric: 'matthewsCorrelation',
      value: 70.42,
      source: 'PSOFT, Table 2 (DeBERTaV3-base, r = 46)',
    },
  },
};

/** A split as it enters the record. */
export interface SplitInfo {
  readonly name: string;
  readonly source: string;
  readonly count: number;
  readonly fingerprint: string;
}

export interface PreparedTask {
  readonly definition: TaskDefinition;
  readonly fit: FitTask;
  readonly splits: readonly SplitInfo[];
  /** Gold labels of a split, in the order of its predictions. */
  labels(split: string): Int32Array;
}

/** Seeds of a run's streams, all recorded. */
export interface Seeds {
  readonly init: number;
  readonly order: number;
  readonly dropout: number;
  readonly split: number;
}

/**
 * Reads or generates the data, tokenises it and cuts the validation set in two halves, "selection" and "report".
 * @throws DataError for bad data
 */
export async function prepareTask(
  config: RunConfig,
  tokenizer: Tokenizer,
  seeds: Seeds,
): Promise<PreparedTask> {
  const definition = TASKS[`${config.experiment}/${config.task}`];
  if (definition === undefined)
    throw new DataError(`task ${config.experiment}/${config.task} has no data yet`);
  const { dataFolder } = config;
  const { train, dev } =
    dataFolder === undefined
      ? definition.generate()
      : { train: await definition.read(dataFolder, 'train'), dev: await definition.read(dataFolder, 'dev') };
  for (const split of [train, dev]) checkLabels(split, definition.classes);
  if (dev.examples.length < 2)
    throw new DataError(
      `${dev.source} has ${dev.examples.length} examples: cutting it in two halves needs at least 2`,
    );
  const halves = validationHalves(dev.examples, seeds.split);
  const named: Record<string, TextSplit> = {
    train,
    selection: { source: `${dev.source}, first half`, examples: halves.selection },
    report: { source: `${dev.source}, second half`, examples: halves.report },
  };

  const { batchSize, buckets, maxLength } = config.training;
  const encoded = new Map<string, EncodedExample[]>();
  for (const [name, split] of Object.entries(named))
    encoded.set(name, encodeExamples(tokenizer, split.examples, maxLength));
  const options = { batchSize, buckets, padId: tokenizer.padId };
  const evaluation = new Map<string, readonly Batch[]>();
  const labels = (split: string) => Int32Array.from(encoded.get(split)!, ({ label }) => label);

  const fit: FitTask = {
    evaluationSpec: (bucket) => textSpec(batchSize, bucket),
    trainSpec: (bucket) => labelledTextSpec(batchSize, bucket),
    loss: (outputs, batch) => crossEntropy(outputs.logits!, batch.labels!),
    trainBatches: (epoch) => trainingBatches(encoded.get('train')!, seeds.order, epoch, options),
    evaluationBatches: (split) => {
      let batches = evaluation.get(split);
      if (batches === undefined) {
        batches = evaluationBatches(encoded.get(split)!, options).map((batch) => {
          const { labels: _, ...inputs } = batch.inputs;
          return { ...batch, inputs };
        });
        evaluation.set(split, batches);
      }
      return batches;
    },
    metrics: (split, outputs) => {
      const predicted = outputs.map(argMax);
      const gold = labels(split);
      return Object.fromEntries(definition.metrics.map((name) => [name, METRICS[name](predicted, gold)]));
    },
  };
  const splits = Object.entries(named).map(([name, { source, examples }]) => ({
    name,
    source,
    count: examples.length,
    fingerprint: fingerprintExamples(examples),
  }));
  return { definition, fit, splits, labels };
}

function checkLabels(split: TextSplit, classes: number): void {
  const at = split.examples.findIndex(
    ({ label }) => !(Number.isInteger(label) && label >= 0 && label < classes),
  );
  if (at >= 0)
    throw new DataError(
      `${split.source}: example ${at + 1} has label ${split.examples[at]!.label}, the task has classes 0 to ${classes - 1}`,
    );
}

/** The most probable class; the first of equals. */
export function argMax(values: Float32Array): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i;
  return best;
}
