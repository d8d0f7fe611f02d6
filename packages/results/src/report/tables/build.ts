/** A table from its spec, the paper, what is planned and what is recorded. */
import type { Paper } from '../../paper/index.ts';
import type { RunRecord } from '../../schema.ts';
import { buildBench, type Measurement } from './bench.ts';
import { cellOf, type RowContext } from './cells.ts';
import { columnsOf } from './columns.ts';
import { commandsFor, type Missing } from './commands.ts';
import { withMarks } from './marks.ts';
import type { ReportRow, ReportTable } from './model.ts';
import { captionOf, filledOf, notesOf, titleOf } from './notes.ts';
import { paperRows } from './paperValues.ts';
import { placesOf } from './places.ts';
import type { PlannedRow, PlannedTable } from './plan.ts';
import type { ExamplesOf } from './rivals.ts';
import { type RowMapping, rowsOfTable } from './rows.ts';
import { selectRecords } from './select.ts';
import type { TableSpec } from './spec.ts';
import { rowRecords, tasksOf, valuesOf } from './values.ts';

export interface BuildInput {
  readonly spec: TableSpec;
  readonly paper: Paper;
  readonly profile: string;
  /** Of tables that are made of runs. */
  readonly planned?: PlannedTable;
  /** Of every experiment and profile; what does not belong is left out. */
  readonly records: readonly RunRecord[];
  /** For tests over examples, where there are too few seeds. */
  readonly examplesOf?: ExamplesOf;
  /** Of tables that are made of benches: the paper's values stand alone without. */
  readonly measured?: readonly Measurement[];
  readonly measuredNotes?: readonly string[];
  /** For tests. */
  readonly mapping?: readonly RowMapping[];
}

/** @throws Error where a table of runs comes without a plan */
export function buildTable(input: BuildInput): ReportTable {
  const { spec, paper, profile, planned } = input;
  const mapping = input.mapping ?? rowsOfTable(spec.id);
  if (spec.source.kind === 'bench')
    return buildBench(spec, paper, profile, mapping, input.measured ?? [], input.measuredNotes);
  if (planned === undefined) throw new Error(`${spec.id}: a table of runs needs to know which`);

  const isPaper = profile === 'paper';
  const columns = columnsOf(spec, isPaper);
  const metricOf = (task: string) => scoreMetric(spec, task);
  const selection = selectRecords(planned, input.records, metricOf);
  const trainings = new Map(input.records.map((record) => [record.runInfo.configHash, record]));
  const places = placesOf(spec, planned, mapping, paperRows(paper, spec), isPaper);
  const contexts = places.map((place): RowContext => {
    const records = place.row && rowRecords(place.row, selection, trainings);
    const values = new Map(
      spec.columns.map((column) => [column.id, records ? valuesOf(column, records, isPaper) : new Map()]),
    );
    return { ...place, ...(records && { records }), values };
  });
  const missing: Missing[] = [];
  const rows = contexts.map((context): ReportRow => {
    const rival = contexts.find((one) => one.isRival && one.group === context.group);
    const cells = spec.columns.map((column) => [
      column.id,
      cellOf(column, context, {
        spec,
        planned,
        isPaper,
        ...(rival && { rival }),
        examplesOf: input.examplesOf ?? (() => undefined),
      }),
    ]);
    if (context.row) missing.push(...missingOf(spec, planned, context, context.row));
    const { key, method, setting, paperRow, group, role } = context;
    return {
      ...{ key, method, setting, ...(paperRow && { paperRow: paperRow.label }), group, role },
      cells: Object.fromEntries(cells),
    };
  });
  const marked = withMarks(rows, columns);
  return {
    ...{ id: spec.id, title: titleOf(spec), caption: captionOf(spec, paper, profile, selection.model?.name) },
    ...{ profile, experiment: spec.experiment },
    ...(selection.model && { model: selection.model }),
    ...(planned.scorer === undefined ? {} : { scorer: planned.scorer }),
    ...(planned.isScorerAsked ? { isScorerAsked: true } : {}),
    ...{ seeds: planned.seeds, columns, rows: marked },
    notes: [...notesOf(spec, marked, columns, planned.scorer), ...selection.notes],
    commands: commandsFor(spec, planned, missing),
    filled: filledOf(marked),
  };
}

/** Undefined for tasks whose score no column is made of. */
export function scoreMetric(spec: TableSpec, task: string): string | undefined {
  const own = spec.columns.find((column) => column.kind === 'score' && column.task === task);
  if (own?.kind === 'score') return own.metric;
  const isAveraged = spec.columns.some((column) => column.kind === 'mean' && column.of.flat().includes(task));
  return isAveraged ? 'accuracy' : undefined;
}

function missingOf(spec: TableSpec, planned: PlannedTable, context: RowContext, row: PlannedRow): Missing[] {
  const tasks = new Set(spec.columns.flatMap((column) => tasksOf(column, row)));
  return [...tasks].flatMap((task) => {
    const cell = row.cells[task];
    if (cell === undefined || 'unavailable' in cell) return [];
    const seeds = planned.seeds.filter((seed) => !context.records?.cell(task)?.bySeed.has(seed));
    return seeds.length === 0 ? [] : [{ row: row.key, task, seeds }];
  });
}
