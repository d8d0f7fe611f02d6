/** Text tasks: GLUE's, on encoders with a tokenizer. */
import {
  type BatchOptions,
  DataError,
  type EncodedExample,
  encodeExamples,
  evaluationBatches,
  fingerprintExamples,
  labelledTextSpec,
  loadTokenizer,
  METRICS,
  readGlue,
  readGlueFromHub,
  type TextSplit,
  type Tokenizer,
  textSpec,
  trainingBatches,
  validationHalves,
} from '@psoft/datasets';
import { crossEntropy, meanSquaredError } from '@psoft/models';
import type { Batch, FitTask } from '../../fit.ts';
import { ConfigError, type TrainingSettings } from '../config.ts';
import type { TextDefinition, TextSplits } from '../tasks.ts';
import {
  checkLabels,
  predictionOf,
  type ReadRequest,
  refuseInstructionSettings,
  refuseUrl,
  type TaskData,
  type TaskKind,
} from './kind.ts';

/** The splits of a run: the validation set cut in halves. */
export interface TextData extends TaskData {
  /** train, selection, report, and what else the task reports on. */
  readonly named: Readonly<Record<string, TextSplit>>;
}

export const TEXT: TaskKind<TextDefinition, TextData, Tokenizer> = {
  modelTask: 'sequence-classification',
  isCutBySeed: true,

  async read(definition, request, splitSeed) {
    const { splits, revision } = await readSplits(definition, request);
    return {
      ...cutSplits(definition, splits, splitSeed),
      ...(revision === undefined ? {} : { revision }),
    };
  },

  openReader: loadTokenizer,

  prepare(definition, { named, infos }, training, tokenizer, _, seeds) {
    const { batchSize, buckets, maxLength } = textSettings(training);
    refuseInstructionSettings(training);
    if (training.trainOnValidation)
      throw new ConfigError(
        'training setting "trainOnValidation" is for tasks with a test set of their own: leave it out',
      );
    const encoded = new Map<string, EncodedExample[]>();
    for (const [name, split] of Object.entries(named))
      encoded.set(name, encodeExamples(tokenizer, split.examples, maxLength));
    const options = { batchSize, buckets, padId: tokenizer.padId };
    const labels = (split: string) => encoded.get(split)!.map(({ label }) => label);
    const fit = textFitTask(definition, encoded, options, seeds.order);
    const reported = ['report', ...('mismatched' in named ? ['mismatched'] : [])];
    const atMaxLength = [...encoded.values()].flat().filter(({ ids }) => ids.length === maxLength).length;
    const selection = { split: 'selection', metric: definition.metrics[0] };
    return { definition, fit, splits: infos, selection, reported, atMaxLength, labels };
  },
};

/**
 * What the loop needs of tokenised splits.
 * @param encoded by name; "train" is trained on
 */
export function textFitTask(
  definition: Pick<TextDefinition, 'classes' | 'metrics'>,
  encoded: ReadonlyMap<string, readonly EncodedExample[]>,
  options: Omit<BatchOptions, 'labels'>,
  orderSeed: number,
): FitTask {
  const kind = definition.classes === undefined ? 'score' : 'class';
  const { batchSize } = options;
  const evaluation = new Map<string, readonly Batch[]>();
  return {
    evaluationSpec: (bucket) => textSpec(batchSize, bucket),
    trainSpec: (bucket) => labelledTextSpec(batchSize, bucket, kind),
    loss: (outputs, batch) =>
      kind === 'score'
        ? meanSquaredError(outputs.logits!, batch.labels!, batch.present!)
        : crossEntropy(outputs.logits!, batch.labels!),
    trainBatches: (epoch) =>
      trainingBatches(encoded.get('train')!, orderSeed, epoch, { ...options, labels: kind }),
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
      const gold = encoded.get(split)!.map(({ label }) => label);
      return Object.fromEntries(definition.metrics.map((name) => [name, METRICS[name](predicted, gold)]));
    },
  };
}

/** @throws ConfigError where a setting that only text tasks have is missing */
export function textSettings({ batchSize, buckets, maxLength }: TrainingSettings) {
  if (buckets === undefined || maxLength === undefined)
    throw new ConfigError('a text task needs the training settings "buckets" and "maxLength": give both');
  return { batchSize, buckets, maxLength };
}

async function readSplits(
  { glue, generate }: TextDefinition,
  { config, hooks }: ReadRequest,
): Promise<{ splits: TextSplits; revision?: string }> {
  refuseUrl(config);
  const { dataFolder, dataHub } = config;
  const names =
    glue === 'mnli' ? (['train', 'validation', 'mismatched'] as const) : (['train', 'validation'] as const);
  if (dataFolder !== undefined) {
    const splits: Record<string, unknown> = {};
    for (const name of names) {
      const split = await readGlue(dataFolder, glue, name);
      if (split.note !== undefined) hooks.onNote?.(split.note);
      splits[name] = split;
    }
    return { splits: splits as unknown as TextSplits };
  }
  if (dataHub === undefined) return { splits: generate() };
  const { splits, commit } = await readGlueFromHub(dataHub, glue, names, hooks);
  return { splits, revision: commit };
}

/**
 * Cuts the validation set in two halves, "selection" and "report". A second development set (MNLI's mismatched one) is
 * only reported on, whole.
 * @throws DataError for labels that the task does not have, or a set too small to cut
 */
export function cutSplits(definition: TextDefinition, splits: TextSplits, splitSeed: number): TextData {
  const { train, validation, mismatched } = splits;
  for (const split of [train, validation, mismatched])
    if (split !== undefined)
      checkLabels({ source: split.source, labels: split.examples.map(({ label }) => label) }, definition);
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
