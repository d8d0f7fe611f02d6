/** Several candidates for one cell of a table: all are run, the one that does best on the selection splits is taken. */
import type { RunRecord } from '@psoft/results';
import type { RunRequest } from '@psoft/training/supervise';
import { type Candidate, isEvaluation } from '../cells.ts';
import { type Outcome, runSeries, type SeriesRun } from './series.ts';

export interface SearchRun {
  /** For messages: "rte, psoft, seed 2". */
  readonly label: string;
  /** Seeds of one cell share the choice: "rte, psoft". */
  readonly cell: string;
  /** Learning rates to choose from; often one. */
  readonly candidates: readonly Candidate[];
}

/**
 * Of each cell, the candidate whose mean selection score over the seeds is highest; of equals the first.
 * @returns an outcome a run in order; undefined when a signal stopped the series
 */
export async function runSearch(
  runs: readonly SearchRun[],
  options: RunRequest['options'],
): Promise<Outcome[] | undefined> {
  const outcomes = await runSeries(candidateRuns(runs), options);
  return outcomes && chosenOf(runs, outcomes);
}

/** Every candidate as a run of its own. */
export function candidateRuns(runs: readonly SearchRun[]): SeriesRun[] {
  return runs.flatMap(({ label, candidates }) =>
    candidates.map((config) => ({ label: candidateLabel(label, config, candidates), config })),
  );
}

/** @param outcomes one a candidate, in order */
export function chosenOf(runs: readonly SearchRun[], outcomes: readonly Outcome[]): Outcome[] {
  let at = 0;
  const found = runs.map(({ cell, candidates }) => {
    at += candidates.length;
    return { cell, outcomes: outcomes.slice(at - candidates.length, at) };
  });
  const chosen = new Map<string, number>();
  for (const cell of new Set(runs.map((run) => run.cell)))
    chosen.set(cell, bestCandidate(found.filter((one) => one.cell === cell).map((one) => one.outcomes)));
  return found.map((one) => one.outcomes[chosen.get(one.cell)!]!);
}

function candidateLabel(label: string, one: Candidate, candidates: readonly Candidate[]): string {
  const isSearched = candidates.length > 1 && !isEvaluation(one) && !('unavailable' in one);
  return isSearched ? `${label}, learning rate ${one.training.learningRate}` : label;
}

/** @param seeds outcomes by seed and candidate */
export function bestCandidate(seeds: readonly (readonly Outcome[])[]): number {
  let best = { at: 0, score: Number.NEGATIVE_INFINITY };
  for (let at = 0; at < seeds[0]!.length; at++) {
    const scores = seeds.map((outcomes) => selectionScore(outcomes[at]!));
    const score = scores.reduce((sum, one) => sum + one, 0) / scores.length;
    if (score > best.score) best = { at, score };
  }
  return best.at;
}

/** A candidate that fails for one seed is not chosen while another does not. */
function selectionScore(outcome: Outcome): number {
  return 'record' in outcome ? (selectionOf(outcome.record) ?? 0) : Number.NEGATIVE_INFINITY;
}

/** What chose the epoch; undefined where nothing did. */
export function selectionOf({ trainInfo }: RunRecord): number | undefined {
  return trainInfo.best?.value;
}
