/** What one worker does: a training, or the evaluations of one training with the training they need. */
import type { Candidate } from '../cells.ts';
import { isEvaluation } from '../cells.ts';
import type { SeriesRun } from '../commands/series.ts';

export interface Job {
  /** Its place among the sweep's jobs; names its files and its place in an array of jobs. */
  readonly id: number;
  /** For people and file names: "rte-psoft-s2". */
  readonly name: string;
  /** Places among the sweep's runs, in order. */
  readonly runs: readonly number[];
}

/** Evaluations of one training go to one worker, so that none waits for another's training. Known failures are no job. */
export function jobsOf(runs: readonly SeriesRun[]): Job[] {
  const groups = new Map<string, number[]>();
  for (const [at, { config }] of runs.entries()) {
    if ('unavailable' in config) continue;
    const key = JSON.stringify(isEvaluation(config) ? config.training : config);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [at]);
    else if (!group.some((one) => isSame(runs[one]!.config, config))) group.push(at);
  }
  return [...groups.values()].map((at, id) => ({ id, name: nameOf(runs[at[0]!]!.config), runs: at }));
}

const isSame = (one: Candidate, other: Candidate) => JSON.stringify(one) === JSON.stringify(other);

function nameOf(config: Exclude<Candidate, { unavailable: string }> | Candidate): string {
  if ('unavailable' in config) return 'unavailable';
  const { task, method, variant, seed } = isEvaluation(config) ? config.training : config;
  return [task, method, ...(variant === undefined ? [] : [variant]), `s${seed}`].join('-');
}
