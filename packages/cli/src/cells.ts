/** One cell of a table: what is run for it, whether that trains or evaluates. */
import { ConfigError, type RunConfig } from '@psoft/training/config';
import type { EvaluationConfig } from '@psoft/training/evaluation';
import {
  dataOptions,
  type RankSettings,
  resolveSearch,
  type TrainOptions,
  targetOf,
  UnavailableError,
} from './resolve.ts';
import { resolveEvaluation } from './resolveEvaluation.ts';
import type { Experiment } from './workspace.ts';

/** A run, an evaluation (with the run that it needs), or why there is neither. */
export type Candidate = RunConfig | EvaluationConfig | { readonly unavailable: string };

export interface CellOptions extends TrainOptions {
  /** Of evaluations: only so many problems. */
  readonly limit?: number;
  readonly scorer?: string;
}

/**
 * The candidates of a cell: several where a learning rate is searched.
 * @throws as {@link resolveSearch}; for an evaluation also where a search was asked for
 */
export function candidatesOf(
  experiments: ReadonlyMap<string, Experiment>,
  target: string,
  options: CellOptions,
  rankSettings: RankSettings,
): Candidate[] {
  const { task } = targetOf(experiments, target);
  try {
    if (task.evaluates === undefined) return resolveSearch(experiments, target, options, rankSettings);
    if (options.learningRates !== undefined)
      throw new ConfigError(
        `${target} has no selection split to choose a learning rate by: give --learning-rates to a target that has one`,
      );
    return [resolveEvaluation(experiments, target, evaluationOptions(options), rankSettings)];
  } catch (error) {
    if (error instanceof UnavailableError) return [{ unavailable: error.message }];
    throw error;
  }
}

/** A folder of data holds the problems, and what is trained on as well. */
function evaluationOptions({ limit, scorer, ...options }: CellOptions) {
  return {
    training: options,
    ...dataOptions(options),
    ...(scorer === undefined ? {} : { scorer }),
    ...(limit === undefined ? {} : { limit }),
    ...(options.precision === undefined ? {} : { precision: options.precision }),
  };
}

export function isEvaluation(candidate: Candidate): candidate is EvaluationConfig {
  return 'evaluation' in candidate;
}
