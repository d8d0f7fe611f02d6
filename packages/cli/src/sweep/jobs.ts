/** What one worker does: a training, or the evaluations of one training with the training they need. */
import { type Candidate, isEvaluation } from '../cells.ts';
import type { SeriesRun } from '../commands/series.ts';

export interface Job {
  /** Its place among the sweep's jobs; names its files. */
  readonly id: number;
  /** For people. */
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
  return [...groups.values()].map((at, id) => ({ id, name: nameOf(at.map((one) => runs[one]!)), runs: at }));
}

const isSame = (one: Candidate, other: Candidate) => JSON.stringify(one) === JSON.stringify(other);

/** "rte, psoft, seed 2"; of several evaluations, whose labels begin with their tasks: "8 tasks, psoft, seed 2". */
function nameOf(runs: readonly SeriesRun[]): string {
  const [first] = runs;
  if (runs.length === 1) return first!.label;
  return [`${runs.length} tasks`, ...first!.label.split(', ').slice(1)].join(', ');
}
