/** A text task made ready: data, batches, loss and metrics for one run. */
import {
  DataError,
  type EncodedExample,
  encodeExamples,
  evaluationBatches,
  fingerprintExamples,
  labelledTextSpec,
  METRICS,
  type TextSplit,
  type Tokenizer,
  textSpec,
  trainingBatches,
  validationHalves,
} from '@psoft/datasets';
import { crossEntropy, meanSquaredError } from '@psoft/models';
import type { Batch, FitTask } from '../fit.ts';
import type { TrainingSettings } from './config.ts';
import { isRegression, type TaskDefinition, type TaskSplits } from './tasks.ts';

/** A split as it enters the record. */
export interface SplitInfo {
  readonly name: string;
  readonly source: string;
  readonly count: number;
  readonly fingerprint: string;
}

/** The splits of a run: the validation set cut in halves, and what each is for. */
export interface CutSplits {
  /** train, selection, report, and what else the task reports on. */
  readonly named: Readonly<Record<string, TextSplit>>;
  readonly infos: readonly SplitInfo[];
}

export interface PreparedTask {
  readonly definition: TaskDefinition;
  readonly fit: FitTask;
  readonly splits: readonly SplitInfo[];
  /** The splits that a finished run reports on, the first under the task's own metric names. */
  readonly reported: readonly string[];
  /** Examples that fill the maximum length: they may have been cut. */
  readonly atMaxLength: number;
  /** Gold labels of a split, in the order of its predictions. */
  labels(split: string): ArrayLike<number>;
}

/** Seeds of a run's streams, all recorded. */
export interface Seeds {
  readonly init: number;
  readonly order: number;
  readonly dropout: number;
  readonly split: number;
}

/**
 * Cuts the validation set in two halves, "selection" and "report". A second development set (MNLI's mismatched one) is
 * only reported on, whole.
 * @throws DataError for labels that the task does not have, or a set too small to cut
 */
export function cutSplits(definition: TaskDefinition, splits: TaskSplits, splitSeed: number): CutSplits {
  const { train, validation, mismatched } = splits;
  for (const split of [train, validation, mismatched])
    if (split !== undefined) checkLabels(split, definition);
  if (validation.examples.length < 2)
    throw new DataError(
      `${validation.source} has ${validation.examples.length} examples: cutting it in two halves needs at least 2`,
    );
  const halves = validationHalves(validation.examples, splitSeed);
  const named: Record<string, TextSplit> = {
    train,
    selection: { source: `${validation.source}, first half`, examples: halves.selection },
    report: { source: `${validation.source}, second half`, examples: halves.report },
    ...(mismatched === undefined ? {} : { mismatched }),
  };
  const infos = Object.entries(named).map(([name, { source, examples }]) => ({
    name,
    source,
    count: examples.length,
    fingerprint: fingerprintExamples(examples),
  }));
  return { named, infos };
}

/** Tokenises the splits and cuts them into batches. */
export function prepareTask(
  definition: TaskDefinition,
  { named, infos }: CutSplits,
  training: Pick<TrainingSettings, 'batchSize' | 'buckets' | 'maxLength'>,
  tokenizer: Tokenizer,
  seeds: Seeds,
): PreparedTask {
  const { batchSize, buckets, maxLength } = training;
  const encoded = new Map<string, EncodedExample[]>();
  for (const [name, split] of Object.entries(named))
    encoded.set(name, encodeExamples(tokenizer, split.examples, maxLength));
  const kind = isRegression(definition) ? 'score' : 'class';
  const options = { batchSize, buckets, padId: tokenizer.padId, labels: kind } as const;
  const evaluation = new Map<string, readonly Batch[]>();
  const labels = (split: string) => encoded.get(split)!.map(({ label }) => label);

  const fit: FitTask = {
    evaluationSpec: (bucket) => textSpec(batchSize, bucket),
    trainSpec: (bucket) => labelledTextSpec(batchSize, bucket, kind),
    loss: (outputs, batch) =>
      kind === 'score'
        ? meanSquaredError(outputs.logits!, batch.labels!, batch.present!)
        : crossEntropy(outputs.logits!, batch.labels!),
    trainBatches: (epoch) => trainingBatches(encoded.get('train')!, seeds.order, epoch, options),
    evaluationBatches: (split) => {
      let batches = evaluation.get(split);
      if (batches === undefined) {
        batches = evaluationBatches(encoded.get(split)!, options);
        evaluation.set(split, batches);
      }
      return batches;
    },
    metrics: (split, outputs) => {
      const predicted = outputs.map((logits) => predictionOf(definition, logits));
      const gold = labels(split);
      return Object.fromEntries(definition.metrics.map((name) => [name, METRICS[name](predicted, gold)]));
    },
  };
  const reported = ['report', ...('mismatched' in named ? ['mismatched'] : [])];
  const atMaxLength = [...encoded.values()].flat().filter(({ ids }) => ids.length === maxLength).length;
  return { definition, fit, splits: infos, reported, atMaxLength, labels };
}

function checkLabels(split: TextSplit, definition: TaskDefinition): void {
  const { classes } = definition;
  const isLabel = (label: number) =>
    classes === undefined
      ? Number.isFinite(label)
      : Number.isInteger(label) && label >= 0 && label < classes.length;
  const at = split.examples.findIndex(({ label }) => !isLabel(label));
  if (at >= 0)
    throw new DataError(
      `${split.source}: example ${at + 1} has label ${split.examples[at]!.label}, the task has ${classes === undefined ? 'scores' : `classes 0 to ${classes.length - 1}`}`,
    );
}

/** What a task's metrics compare: the most probable class, the first of equals; or the score as it is. */
export function predictionOf(definition: TaskDefinition, logits: ArrayLike<number>): number {
  if (isRegression(definition)) return logits[0]!;
  let best = 0;
  for (let i = 1; i < logits.length; i++) if (logits[i]! > logits[best]!) best = i;
  return best;
}
