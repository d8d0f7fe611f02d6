/** Which runs are recorded. */
import type { RunConfig } from '@psoft/training/config';
import { isEvaluation } from '../cells.ts';
import { sourceEvents } from '../commands/progress.ts';
import type { SeriesRun } from '../commands/series.ts';

export interface Recorded {
  /** The record's file of each run, in order; undefined where there is none. */
  readonly files: readonly (string | undefined)[];
  isTrained(config: RunConfig): Promise<boolean>;
}

/**
 * Reads models and data, once each.
 * @throws ConfigError and AdapterConfigError for settings that cannot be
 */
export async function findRecorded(runs: readonly SeriesRun[], resultsFolder: string): Promise<Recorded> {
  const [{ RecordFinder }, { EvaluationFinder }] = await Promise.all([
    import('@psoft/training/identity'),
    import('@psoft/training/evaluations'),
  ]);
  const { onNote } = sourceEvents();
  const hooks = { onNote: (line: string) => onNote?.(line) };
  const [finder, evaluations] = [
    new RecordFinder(resultsFolder, hooks),
    new EvaluationFinder(resultsFolder, hooks),
  ];
  const files: (string | undefined)[] = [];
  for (const { config } of runs) {
    if ('unavailable' in config) files.push(undefined);
    else if (isEvaluation(config)) files.push(await evaluations.findOf(config, finder));
    else files.push(await finder.find(config));
  }
  return { files, isTrained: async (config) => (await finder.find(config)) !== undefined };
}
