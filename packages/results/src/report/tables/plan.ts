/**
 * What a table should be made of, said by who can resolve the experiments' files (this package reads none of them). A
 * record belongs to a cell when it states what is planned here, to the last setting: trials, searches, sweeps and runs
 * with other settings under the same name never do.
 */
import type { RunInfo } from '../../schema.ts';
import type { TablePlace } from './spec.ts';

/** What a configured run will state of itself. */
export interface PlannedRun
  extends Pick<
    RunInfo,
    'experiment' | 'task' | 'profile' | 'method' | 'variant' | 'seed' | 'protocol' | 'protocolVariant'
  > {
  readonly trainConfig: RunInfo['trainConfig'];
  readonly adapterConfig: RunInfo['adapterConfig'];
  /** Of the base model, an owner in front or not. */
  readonly model: string;
  /** Pinned; absent where any will do. */
  readonly modelRevision?: string;
  /** As records call the data: generated data bears another name than real data. */
  readonly dataset: string;
  /** Where the score is read, the first that there is; runs that evaluate themselves have one. */
  readonly readings: readonly Reading[];
}

/** One evaluation may have verdicts of several scorers. */
export interface Reading {
  /** Absent of runs that evaluate themselves. */
  readonly evaluationConfig?: RunInfo['evaluationConfig'];
  /** In `trainInfo.test`; the metric of the column where left out. */
  readonly metric?: string;
}

/** What fills a cell for one seed: several where a learning rate is searched, of which the best on selection counts. */
export interface PlannedSeed {
  readonly seed: number;
  readonly candidates: readonly PlannedRun[];
}

export type PlannedCell = { readonly seeds: readonly PlannedSeed[] } | { readonly unavailable: string };

export interface PlannedRow {
  /** An entry of the experiment's methods, or the label of a sweep's point. */
  readonly key: string;
  /** The method without its variant. */
  readonly method: string;
  /** Of a sweep: the series, and what varies over it. */
  readonly series?: string;
  readonly varied?: Readonly<Record<string, unknown>>;
  /** By task. */
  readonly cells: Readonly<Record<string, PlannedCell>>;
}

export interface PlannedTable {
  readonly profile: string;
  readonly seeds: readonly number[];
  readonly scorer?: string;
  /** The scorer is not the experiment's own: commands have to name it. */
  readonly isScorerAsked?: true;
  readonly tasks: readonly string[];
  readonly rows: readonly PlannedRow[];
}

/** Parts of a table that a command is to fill; left out is all. */
export interface Part {
  readonly methods?: readonly string[];
  readonly tasks?: readonly string[];
  readonly seeds?: readonly number[];
}

/** The command that fills a part of a table, or of a sweep as a whole: what is recorded is not run again. */
export function fillCommand(
  { source, experiment, id }: TablePlace,
  profile: string,
  { methods, tasks, seeds }: Part,
  scorer?: string,
): string {
  if (source.kind === 'bench')
    return `npx nx run ${source.target}${profile === 'tiny' ? '' : ` -c ${profile}`}`;
  const flag = (name: string, values: readonly (string | number)[] | undefined) =>
    values === undefined ? [] : [`--${name}=${values.join(',')}`];
  return [
    `npx nx run ${experiment}:${id}`,
    ...(profile === 'tiny' ? [] : [`-c ${profile}`]),
    ...(source.kind === 'table' ? [...flag('methods', methods), ...flag('tasks', tasks)] : []),
    ...flag('seeds', seeds),
    ...flag('scorer', scorer === undefined ? undefined : [scorer]),
  ].join(' ');
}
