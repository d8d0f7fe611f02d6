/** Supervised fine-tuning of causal language models: the loss over responses, an epoch chosen by it or the last kept. */
import {
  DataError,
  type EncodedInstructions,
  encodeInstructions,
  fingerprintPairs,
  type InstructionSplit,
  instructionEvaluationBatches,
  instructionSpec,
  instructionTrainingBatches,
  loadTokenizer,
  type Tokenizer,
} from '@psoft/datasets';
import { numpyPermutation } from '@psoft/engine';
import type { FitTask } from '../../fit.ts';
import { ConfigError } from '../config.ts';
import { readSplit } from '../readSplit.ts';
import type { InstructionDefinition } from '../tasks.ts';
import type { ExampleSample, SplitInfo, TaskData, TaskKind } from './kind.ts';
import { textSettings } from './text.ts';

export interface InstructionData extends TaskData {
  readonly train: InstructionSplit;
  /** Held out to choose the epoch, where the task does. */
  readonly selection?: InstructionSplit;
}

export const INSTRUCTIONS: TaskKind<InstructionDefinition, InstructionData, Tokenizer> = {
  modelTask: 'causal-lm',
  // What is held out is the same for every seed of a run.
  isCutBySeed: false,

  async read(definition, request) {
    const { config, hooks } = request;
    const name = `${config.experiment}/${config.task}`;
    const template = config.training.promptTemplate;
    const { split, commit } = await readSplit(name, definition, config, template, hooks);
    if (split.note !== undefined) hooks.onNote?.(split.note);
    const named = holdOut(split, definition.heldOut);
    const infos = Object.entries(named).map(
      ([name, { source, examples }]): SplitInfo => ({
        name,
        source,
        count: examples.length,
        fingerprint: fingerprintPairs(examples),
      }),
    );
    return { ...named, infos, ...(commit === undefined ? {} : { revision: commit }) };
  },

  openReader: loadTokenizer,

  prepare(definition, { train, selection, infos }, training, tokenizer, _, seeds) {
    const { batchSize, buckets, maxLength } = textSettings(training);
    const { microBatchSize = batchSize, lossOnPrompt = false } = training;
    if (training.trainOnValidation)
      throw new ConfigError(
        'training setting "trainOnValidation" is for tasks with a validation set: leave it out',
      );
    const options = { batchSize, microBatchSize, buckets, padId: tokenizer.padId };
    const encode = (split: InstructionSplit) =>
      encodeInstructions(tokenizer, split, { maxLength, lossOnPrompt });
    const encoded = encode(train);
    const heldOut = selection && encode(selection);
    const fit: FitTask = {
      trainSpec: (bucket) => instructionSpec(microBatchSize, bucket),
      evaluationSpec: (bucket) => instructionSpec(microBatchSize, bucket),
      loss: (outputs) => outputs.loss!,
      trainBatches: (epoch) => instructionTrainingBatches(encoded.examples, seeds.order, epoch, options),
      evaluationBatches: () =>
        heldOut === undefined ? [] : instructionEvaluationBatches(heldOut.examples, options),
      metrics: (_, [loss]) => ({ loss: loss![0]! }),
    };
    const note = noteOf([encoded, ...(heldOut ? [heldOut] : [])], maxLength);
    return {
      definition,
      fit,
      splits: infos,
      ...(selection === undefined
        ? {}
        : { selection: { split: 'selection', metric: definition.metrics[0], isSmallerBetter: true } }),
      reported: [],
      atMaxLength: encoded.examples.filter(({ ids }) => ids.length === maxLength).length,
      labels: () => [],
      ...(note === undefined ? {} : { note }),
      sample: () => sampleOf(encoded, buckets, tokenizer),
    };
  },
};

/**
 * Takes some examples out of the training set: those that Hugging Face's `train_test_split` with that seed would, so that
 * they are the ones that published code held out.
 * @throws DataError where nothing would be left to train on
 */
export function holdOut(
  split: InstructionSplit,
  rule: InstructionDefinition['heldOut'],
): { train: InstructionSplit; selection?: InstructionSplit } {
  if (rule === undefined) return { train: split };
  const { source, examples } = split;
  if (examples.length <= rule.count)
    throw new DataError(
      `${source} has ${examples.length} examples: ${rule.count} are held out to choose the epoch, so it needs more`,
    );
  const order = numpyPermutation(examples.length, rule.seed);
  const held = new Set(order.slice(0, rule.count));
  return {
    train: { source, examples: examples.filter((_, i) => !held.has(i)) },
    selection: {
      source: `${source}, ${rule.count} held out`,
      examples: examples.filter((_, i) => held.has(i)),
    },
  };
}

function noteOf(sets: readonly EncodedInstructions[], maxLength: number): string | undefined {
  const sum = (of: 'dropped' | 'cut') => sets.reduce((total, set) => total + set[of], 0);
  const [dropped, cut] = [sum('dropped'), sum('cut')];
  const parts = [
    ...(dropped > 0 ? [`${dropped} examples are left out: none of their response is within it`] : []),
    ...(cut > 0 ? [`${cut} responses are cut`] : []),
  ];
  return parts.length === 0 ? undefined : `maximum length ${maxLength}: ${parts.join('; ')}`;
}

/** The first example of the set: the same at every look. */
function sampleOf(
  { examples }: EncodedInstructions,
  buckets: readonly number[],
  tokenizer: Tokenizer,
): ExampleSample {
  const { ids, start, index } = examples[0]!;
  const text = (part: Int32Array) => tokenizer.decode(part, { specialTokens: true });
  return {
    index,
    tokens: ids.length,
    given: text(ids.subarray(0, start)),
    learnt: text(ids.subarray(start)),
    learntTokens: ids.length - start,
    paddedTo: buckets.find((length) => length >= ids.length)!,
  };
}
