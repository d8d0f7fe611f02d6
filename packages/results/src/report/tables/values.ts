/** The numbers of a row, by column and seed, read from its records. */
import type { RunRecord } from '../../schema.ts';
import type { PlannedRow } from './plan.ts';
import type { CellRecords, Chosen, Selection } from './select.ts';
import type { ColumnSpec } from './spec.ts';

/** By seed. */
export type SeedValues = ReadonlyMap<number, number>;

/** Records of one row. */
export interface RowRecords {
  readonly row: PlannedRow;
  cell(task: string): CellRecords | undefined;
  /** By configHash: an evaluation names the run that it evaluated. */
  readonly trainings: ReadonlyMap<string, RunRecord>;
}

export function rowRecords(
  row: PlannedRow,
  selection: Selection,
  trainings: ReadonlyMap<string, RunRecord>,
): RowRecords {
  return { row, cell: (task) => selection.cell(row.key, task), trainings };
}

/** @param isDevice memory of the accelerator; otherwise the training process's resident set */
export function valuesOf(column: ColumnSpec, records: RowRecords, isDevice: boolean): SeedValues {
  switch (column.kind) {
    case 'score':
      return map(records.cell(column.task)?.bySeed, ({ record, metric }) => record.trainInfo.test?.[metric!]);
    case 'mean':
      return meanOf(column.of, records);
    case 'parameters':
      return map(first(records), ({ record }) => record.trainInfo.parameters.trainableWithoutHead);
    case 'memory':
      return ofTrainings(column.task, records, ({ trainInfo }) =>
        gigabytes(isDevice ? trainInfo.peakDeviceMemoryBytes : trainInfo.peakMemoryBytes),
      );
    case 'loss':
      return ofTrainings(column.task, records, ({ trainInfo: { best, selectionMetric } }) =>
        selectionMetric === 'loss' ? best?.value : undefined,
      );
    case 'training time':
      return ofTrainings(column.task, records, ({ trainInfo: { metrics } }) =>
        metrics.length === 0
          ? undefined
          : metrics.reduce((sum, { trainSeconds = 0 }) => sum + trainSeconds, 0),
      );
    case 'start time':
      return ofTrainings(column.task, records, ({ trainInfo }) => trainInfo.initialisationSeconds);
    case 'modules':
    case 'varied':
    case 'bench':
      return new Map();
  }
}

/** Tasks whose records a column is made of. */
export function tasksOf(column: ColumnSpec, { cells }: PlannedRow): readonly string[] {
  if (column.kind === 'mean') return column.of.flat();
  if (column.kind === 'parameters') return Object.keys(cells);
  if (!('task' in column)) return [];
  // What evaluations evaluated has no cell of its own: any of them leads to it.
  return column.task in cells ? [column.task] : Object.keys(cells).slice(0, 1);
}

function map(
  bySeed: ReadonlyMap<number, Chosen> | undefined,
  read: (chosen: Chosen) => number | undefined,
): SeedValues {
  return new Map(
    [...(bySeed ?? [])].flatMap(([seed, chosen]) => {
      const value = read(chosen);
      return value === undefined ? [] : [[seed, value] as const];
    }),
  );
}

/** The number of parameters is the same whatever the task: that of the first that has records. */
function first(records: RowRecords): ReadonlyMap<number, Chosen> | undefined {
  const cells = Object.keys(records.row.cells).map((task) => records.cell(task)?.bySeed);
  return cells.find((bySeed) => bySeed !== undefined && bySeed.size > 0);
}

function ofTrainings(
  task: string,
  records: RowRecords,
  read: (record: RunRecord) => number | undefined,
): SeedValues {
  const own = records.cell(task)?.bySeed ?? (task in records.row.cells ? undefined : first(records));
  return map(own, ({ record }) => {
    const { evaluates } = record.runInfo;
    const training = evaluates === undefined ? record : records.trainings.get(evaluates.configHash);
    return training === undefined ? undefined : read(training);
  });
}

/** Of each seed for which every task has a score: a mean over some of them would be another number. */
function meanOf(lists: readonly (readonly string[])[], records: RowRecords): SeedValues {
  const scores = (task: string) =>
    map(records.cell(task)?.bySeed, ({ record, metric }) => record.trainInfo.test?.[metric!]);
  const means = lists.map((tasks) => meanBySeed(tasks.map(scores)));
  return meanBySeed(means);
}

function meanBySeed(all: readonly SeedValues[]): SeedValues {
  const seeds = [...(all[0]?.keys() ?? [])].filter((seed) => all.every((values) => values.has(seed)));
  return new Map(
    seeds.map((seed) => [seed, all.reduce((sum, values) => sum + values.get(seed)!, 0) / all.length]),
  );
}

const gigabytes = (bytes: number | undefined) => (bytes === undefined ? undefined : bytes / 1e9);
