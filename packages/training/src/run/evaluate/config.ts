/** The resolved configuration of one evaluation. */

import { PRECISIONS, type RunPrecision } from '@psoft/engine/devices';
import { shown } from '@psoft/engine/errors';
import type { Strategy } from '../../generate/index.ts';
import { ConfigError, type RunConfig } from '../config.ts';

export interface EvaluationSettings {
  /** Whose verdict is the score. */
  readonly scorer: string;
  readonly maxNewTokens: number;
  readonly strategy: Strategy;
  /** Folds the adapter into the weights before generating; otherwise it is applied beside them. */
  readonly merge: boolean;
  /** Only so many problems, the first; for trials. */
  readonly limit?: number;
  /** Prompts that are continued at once. */
  readonly batchSize: number;
  /** What operands of matrix products are rounded to while answering; f32, which leaves them, when left out. */
  readonly precision?: RunPrecision;
  /** Padded lengths of prompts; what is longer than the last is not answered. */
  readonly buckets: readonly number[];
}

export interface EvaluationConfig extends Pick<RunConfig, 'experiment' | 'task' | 'profile'> {
  /** The problems. Without any: generated ones. */
  readonly dataFolder?: string;
  readonly dataHub?: { readonly name: string; readonly revision?: string };
  readonly dataUrl?: string;
  /** What is evaluated is the result of such a run, or its base model. */
  readonly training: RunConfig;
  /** The published score of this method on this task, in per cent. */
  readonly reference?: { readonly value: number; readonly source: string };
  readonly evaluation: EvaluationSettings;
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 1;
const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);

const RULES: Readonly<Record<keyof EvaluationSettings, readonly [string, (value: unknown) => boolean]>> = {
  scorer: ['the name of a scorer', (v) => typeof v === 'string'],
  maxNewTokens: ['a whole number of at least 1', isCount],
  strategy: ['an object with a kind: greedy, sample or beam', isStrategy],
  merge: ['true or false', (v) => typeof v === 'boolean'],
  limit: ['a whole number of at least 1', isCount],
  batchSize: ['a whole number of at least 1', isCount],
  precision: [`one of ${PRECISIONS.join(', ')}`, (v) => PRECISIONS.includes(v as RunPrecision)],
  buckets: [
    'a list of increasing whole numbers',
    (v) =>
      Array.isArray(v) && v.length > 0 && v.every((one, i) => isCount(one) && (i === 0 || one > v[i - 1])),
  ],
};

/** Settings that each way of choosing tokens has beside its kind; what they may be is the generator's to check. */
const STRATEGIES: Readonly<Record<Strategy['kind'], readonly string[]>> = {
  greedy: [],
  sample: ['temperature', 'topK', 'topP', 'seed'],
  beam: ['beams', 'lengthPenalty', 'earlyStopping'],
};

function isStrategy(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { kind, ...rest } = value as Record<string, unknown>;
  if (typeof kind !== 'string' || !Object.hasOwn(STRATEGIES, kind)) return false;
  const known = STRATEGIES[kind as Strategy['kind']];
  return Object.entries(rest).every(
    ([key, one]) => known.includes(key) && (isNumber(one) || typeof one === 'boolean'),
  );
}

/**
 * Checks settings gathered from an experiment's file and the command line.
 * @throws ConfigError naming the setting, the value seen and what is allowed; unknown and missing ones too
 */
export function checkEvaluationSettings(
  settings: Record<string, unknown>,
  where: string,
): EvaluationSettings {
  for (const key of Object.keys(settings))
    if (!(key in RULES))
      throw new ConfigError(
        `${where}: unknown evaluation setting "${key}"; known: ${Object.keys(RULES).join(', ')}`,
      );
  for (const [key, [text, accepts]] of Object.entries(RULES)) {
    const value = settings[key];
    if (value === undefined && (key === 'limit' || key === 'precision')) continue;
    if (!accepts(value))
      throw new ConfigError(`${where}: evaluation setting "${key}" must be ${text}, got ${shown(value)}`);
  }
  return settings as unknown as EvaluationSettings;
}
