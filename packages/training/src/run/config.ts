/** The resolved configuration of one run: what its record states and its identity is made of. */

import { PRECISIONS, type RunPrecision } from '@psoft/engine/devices';
import { LineError, shown } from '@psoft/engine/errors';
import { SCHEDULES, type ScheduleName } from '../optimiser.ts';

export interface TrainingSettings {
  readonly epochs: number;
  readonly batchSize: number;
  /**
   * Rows that are run at once, where an update is made of several runs whose gradients are summed; divides batchSize,
   * which it is when left out. Of language models.
   */
  readonly microBatchSize?: number;
  /** Peak rate of the adapter's parameters; unused by methods that train the head only. */
  readonly learningRate: number;
  /** Peak rate of pooler and classifier, where the model has a head that is trained. */
  readonly headLearningRate?: number;
  readonly weightDecay: number;
  /** Share of all steps over which the rates rise from 0. */
  readonly warmupRatio?: number;
  /** Instead of a share: so many steps. */
  readonly warmupSteps?: number;
  /** How they fall afterwards; linearly when left out. */
  readonly schedule?: ScheduleName;
  /** Gradients are scaled to at most this norm (transformers' Trainer: 1). */
  readonly maxGradNorm: number;
  /** Longer inputs are cut to so many tokens. Of text tasks. */
  readonly maxLength?: number;
  /** Padded lengths; a batch takes the smallest that holds its longest example. Of text tasks. */
  readonly buckets?: readonly number[];
  /** Counts the prompt's tokens in the loss as well as the response's. Of language models. */
  readonly lossOnPrompt?: boolean;
  /** Which of a task's prompts is used, where it has several; its first when left out. */
  readonly promptTemplate?: string;
  /** Evaluates on the selection split after every so many steps instead of every epoch. */
  readonly evaluationSteps?: number;
  /** Trains on training and validation set together; the last epoch is kept, for nothing is left to choose by. */
  readonly trainOnValidation?: boolean;
  /** What operands of matrix products are rounded to; f32, which leaves them, when left out. */
  readonly precision?: RunPrecision;
  /**
   * Computes activations again in the backward pass instead of keeping them: less memory, more time, the same numbers.
   * No part of a run's identity.
   */
  readonly recompute?: boolean;
  /**
   * How an adapter's frozen tensors (PSOFT's A and B) are stored beside the weights during the run; bf16 rounds them.
   * Left out: f32, in a file if they take 1 GB or more, which changes no number.
   */
  readonly adapterStorage?: 'f32' | 'bf16';
  /** Ends training after so many steps, for trials. */
  readonly maxSteps?: number;
}

export interface RunConfig {
  readonly experiment: string;
  readonly task: string;
  readonly profile: string;
  /** A method of @psoft/adapter, "head" or "full". */
  readonly method: string;
  /** Name of a set of settings of that method: the regularised one, another initialisation. */
  readonly variant?: string;
  readonly seed: number;
  /** A folder, or without one the model of that name on the Hub. */
  readonly model: {
    readonly name: string;
    readonly folder?: string;
    readonly revision?: string;
    /** What its config.json says, so that memory can be planned before it is here. Never run by. */
    readonly architecture?: Readonly<Record<string, unknown>>;
  };
  /** A folder in the data set's official layout. Without it, {@link dataHub} and {@link dataUrl}: generated data. */
  readonly dataFolder?: string;
  /** A data set on the Hub. */
  readonly dataHub?: { readonly name: string; readonly revision?: string };
  /** Below which the data lies in that layout, to be downloaded once. */
  readonly dataUrl?: string;
  /** The published score of this method on this task, in per cent of the task's first metric. */
  readonly reference?: { readonly value: number; readonly source: string };
  readonly adapter: Readonly<Record<string, unknown>>;
  readonly training: TrainingSettings;
}

/** The method that trains nothing: the base model as it is. */
export const BASE = 'base';

/** A setting the user gave that cannot be used: one line, no stack. */
export class ConfigError extends LineError {
  override readonly name = 'ConfigError';
}

interface Rule {
  readonly text: string;
  accepts(value: unknown): boolean;
}

const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);
const count: Rule = {
  text: 'a whole number of at least 1',
  accepts: (v) => Number.isSafeInteger(v) && (v as number) >= 1,
};
const rate: Rule = { text: 'a number of at least 0', accepts: (v) => isNumber(v) && v >= 0 };
const share: Rule = { text: 'a number from 0 to 1', accepts: (v) => isNumber(v) && v >= 0 && v <= 1 };
const above: Rule = { text: 'a number above 0', accepts: (v) => isNumber(v) && v > 0 };
const lengths: Rule = {
  text: 'a list of increasing whole numbers',
  accepts: (v) =>
    Array.isArray(v) &&
    v.length > 0 &&
    v.every((one, i) => count.accepts(one) && (i === 0 || one > v[i - 1])),
};

const schedules = Object.keys(SCHEDULES);
const schedule: Rule = {
  text: `one of ${schedules.join(', ')}`,
  accepts: (v) => typeof v === 'string' && schedules.includes(v),
};
const precision: Rule = {
  text: `one of ${PRECISIONS.join(', ')}`,
  accepts: (v) => PRECISIONS.includes(v as RunPrecision),
};
const steps: Rule = {
  text: 'a whole number of at least 0',
  accepts: (v) => Number.isSafeInteger(v) && (v as number) >= 0,
};
const name: Rule = { text: 'a name', accepts: (v) => typeof v === 'string' && v !== '' };
const flag: Rule = { text: 'true or false', accepts: (v) => typeof v === 'boolean' };

const RULES: Record<keyof TrainingSettings, Rule> = {
  epochs: count,
  batchSize: count,
  microBatchSize: count,
  learningRate: rate,
  headLearningRate: rate,
  weightDecay: rate,
  warmupRatio: share,
  warmupSteps: steps,
  schedule,
  maxGradNorm: above,
  maxLength: count,
  buckets: lengths,
  lossOnPrompt: flag,
  promptTemplate: name,
  evaluationSteps: count,
  trainOnValidation: flag,
  precision,
  recompute: flag,
  adapterStorage: { text: 'f32 or bf16', accepts: (v) => v === 'f32' || v === 'bf16' },
  maxSteps: count,
};

const OPTIONAL = [
  'warmupRatio',
  'warmupSteps',
  'promptTemplate',
  'evaluationSteps',
  'microBatchSize',
  'headLearningRate',
  'schedule',
  'maxLength',
  'buckets',
  'lossOnPrompt',
  'trainOnValidation',
  'precision',
  'recompute',
  'adapterStorage',
  'maxSteps',
];

/**
 * Checks settings gathered from an experiment's file and the command line.
 * @throws ConfigError naming the setting, the value seen and what is allowed; unknown and missing ones too
 */
export function checkTrainingSettings(settings: Record<string, unknown>, where: string): TrainingSettings {
  for (const key of Object.keys(settings))
    if (!(key in RULES))
      throw new ConfigError(
        `${where}: unknown training setting "${key}"; known: ${Object.keys(RULES).join(', ')}`,
      );
  for (const [key, rule] of Object.entries(RULES)) {
    const value = settings[key];
    if (value === undefined && OPTIONAL.includes(key)) continue;
    if (!rule.accepts(value))
      throw new ConfigError(`${where}: training setting "${key}" must be ${rule.text}, got ${shown(value)}`);
  }
  const checked = settings as unknown as TrainingSettings;
  const { buckets, maxLength, batchSize, microBatchSize = batchSize } = checked;
  if ((checked.warmupRatio === undefined) === (checked.warmupSteps === undefined))
    throw new ConfigError(
      `${where}: give one of the training settings "warmupRatio" and "warmupSteps", got ${checked.warmupRatio === undefined ? 'neither' : 'both'}`,
    );
  if (batchSize % microBatchSize !== 0)
    throw new ConfigError(
      `${where}: training setting "microBatchSize" must divide batchSize (${batchSize}), got ${microBatchSize}`,
    );
  if ((buckets === undefined) !== (maxLength === undefined))
    throw new ConfigError(`${where}: training settings "buckets" and "maxLength" go together: give both`);
  if (buckets !== undefined && buckets.at(-1)! < maxLength!)
    throw new ConfigError(
      `${where}: the longest bucket (${buckets.at(-1)}) is shorter than maxLength (${maxLength}): add a bucket`,
    );
  return checked;
}
