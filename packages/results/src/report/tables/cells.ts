/** One cell of a row. */
import { spreadOf } from '../../summary.ts';
import { commandFor } from './commands.ts';
import type { OurValue, ReportCell, RowRole } from './model.ts';
import { type PaperRow, paperText, paperValue } from './paperValues.ts';
import type { PlannedRow, PlannedTable } from './plan.ts';
import { type ExamplesOf, testAgainst } from './rivals.ts';
import { modulesText } from './settings.ts';
import type { ColumnSpec, TableSpec } from './spec.ts';
import { type RowRecords, type SeedValues, tasksOf } from './values.ts';

/** A row before it has cells. */
export interface RowContext {
  readonly key: string;
  readonly method: string;
  readonly setting: string;
  readonly paperRow?: PaperRow;
  readonly group: number;
  readonly role: RowRole;
  readonly isRival: boolean;
  readonly notOffered?: string;
  /** With its records; absent where it is not offered. */
  readonly row?: PlannedRow;
  readonly records?: RowRecords;
  /** By column. */
  readonly values: ReadonlyMap<string, SeedValues>;
}

export interface CellContext {
  readonly spec: TableSpec;
  readonly planned: PlannedTable;
  readonly isPaper: boolean;
  readonly rival?: RowContext;
  readonly examplesOf: ExamplesOf;
}

export function cellOf(column: ColumnSpec, context: RowContext, more: CellContext): ReportCell {
  const { paperRow, row, notOffered } = context;
  if (column.kind === 'modules' || column.kind === 'varied')
    return { text: more.isPaper && paperRow ? paperText(column, paperRow) : ownText(column, row!) };
  const paper = more.isPaper && paperRow ? paperValue(column, paperRow) : undefined;
  const shown = paper === undefined ? {} : { paper };
  if (row === undefined) return { ...shown, unavailable: notOffered! };
  const reason = unavailableIn(column, row);
  if (reason !== undefined) return { ...shown, unavailable: reason };
  const ours = ourValue(context.values.get(column.id)!);
  const missing = missingIn(column, context, row, more);
  const test = testOf(column, context, more);
  return {
    ...(ours && { ours }),
    ...shown,
    ...(ours && paper?.value !== undefined ? { difference: ours.mean - paper.value } : {}),
    ...(test && { test }),
    ...(missing && { missing }),
  };
}

function ownText(column: ColumnSpec, row: PlannedRow): string {
  if (column.kind === 'varied') return String(row.varied?.[column.setting] ?? column.otherwise ?? '');
  const [run] = Object.values(row.cells).flatMap((cell) =>
    'seeds' in cell ? cell.seeds.flatMap(({ candidates }) => candidates) : [],
  );
  return modulesText(run?.adapterConfig ?? {});
}

function ourValue(values: SeedValues): OurValue | undefined {
  if (values.size === 0) return undefined;
  const seeds = [...values.keys()].sort((a, b) => a - b);
  const { n, mean, standardDeviation } = spreadOf(seeds.map((seed) => values.get(seed)!));
  return { mean, ...(standardDeviation === undefined ? {} : { deviation: standardDeviation }), n, seeds };
}

/** A cell of several tasks cannot be had where one of them cannot. */
function unavailableIn(column: ColumnSpec, row: PlannedRow): string | undefined {
  const reasons = tasksOf(column, row).flatMap((task) => {
    const cell = row.cells[task];
    return cell !== undefined && 'unavailable' in cell ? [cell.unavailable] : [];
  });
  const isAll = column.kind === 'parameters' && reasons.length < Object.keys(row.cells).length;
  return isAll ? undefined : reasons[0];
}

/**
 * Seeds without a record. A record that lacks a measurement (device memory of a run on the CPU) leaves the cell empty
 * and not missing: no command would fill it.
 */
function missingIn(
  column: ColumnSpec,
  { key, records }: RowContext,
  row: PlannedRow,
  { spec, planned }: CellContext,
): ReportCell['missing'] {
  const tasks = tasksOf(column, row).filter((task) => task in row.cells);
  const has = (task: string, seed: number) => records?.cell(task)?.bySeed.has(seed) === true;
  // Of parameters one record tells enough.
  const isThere =
    column.kind === 'parameters'
      ? () => tasks.some((task) => planned.seeds.some((seed) => has(task, seed)))
      : (seed: number) => tasks.every((task) => has(task, seed));
  const seeds = planned.seeds.filter((seed) => !isThere(seed));
  if (seeds.length === 0) return undefined;
  const open =
    column.kind === 'parameters'
      ? tasks.slice(0, 1)
      : tasks.filter((task) => seeds.some((seed) => !has(task, seed)));
  const wanted = column.kind === 'parameters' ? seeds.slice(0, 1) : seeds;
  const reasons = open.flatMap((task) =>
    wanted.flatMap((seed) => records?.cell(task)?.reasons.get(seed) ?? []),
  );
  return {
    seeds: wanted,
    command: commandFor(spec, planned, { methods: [key], tasks: open, seeds: wanted }),
    ...(reasons.length === 0 ? {} : { reason: reasons.join('; ') }),
  };
}

function testOf(
  column: ColumnSpec,
  context: RowContext,
  { rival, examplesOf }: CellContext,
): ReportCell['test'] {
  if (column.kind !== 'score' && column.kind !== 'mean') return undefined;
  if (rival === undefined || rival === context || context.role === 'apart') return undefined;
  const sides = [context, rival].map(({ records, values }) => ({
    records: records!,
    values: values.get(column.id)!,
  }));
  const [mine, theirs] = sides as [(typeof sides)[0], (typeof sides)[0]];
  if (rival.records === undefined || mine.values.size === 0 || theirs.values.size === 0) return undefined;
  return testAgainst(rival.key, mine, theirs, column.kind === 'score' ? column.task : undefined, examplesOf);
}
