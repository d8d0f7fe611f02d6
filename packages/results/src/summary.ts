/** Means and spreads over seeds, computed from records, and their tables. */
import { type Comparison, compareRecords, type RunGroup } from './groups.ts';
import type { ParameterCounts, ReferenceScore, RunRecord } from './schema.ts';
import { layOutTable, type TableColumn, type TableFormat } from './table.ts';

export interface Spread {
  readonly n: number;
  readonly mean: number;
  /** With n - 1 in the denominator; absent for a single value. */
  readonly standardDeviation?: number;
}

/** One row of a table: the completed runs of a group. */
export interface Summary extends Omit<Comparison, 'groups'>, Omit<RunGroup, 'records'> {
  /** Test scores; absent when no run completed. */
  readonly score?: Spread;
  readonly seeds: readonly number[];
  readonly parameters: ParameterCounts;
  readonly failed: number;
  readonly cancelled: number;
  readonly reference?: ReferenceScore;
}

/** @throws Error for no values: there is no mean of nothing */
export function spreadOf(values: readonly number[]): Spread {
  const n = values.length;
  if (n === 0) throw new Error('cannot take the mean of no values');
  const mean = values.reduce((sum, value) => sum + value, 0) / n;
  if (n === 1) return { n, mean };
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { n, mean, standardDeviation: Math.sqrt(squares / (n - 1)) };
}

/**
 * The test score of a completed run, in the metric that chose its best epoch. Undefined for a training whose result is
 * evaluated by runs of their own.
 */
export function testScore({ trainInfo: { test, selectionMetric } }: RunRecord): number | undefined {
  return test?.[selectionMetric];
}

/** The records of a group that count: those that ran to their end. */
export function completed(group: RunGroup): RunRecord[] {
  return group.records.filter(({ runInfo }) => runInfo.status === 'completed');
}

/** One summary for each group of runs that differ in their seed only; profiles, data sets and models stay apart. */
export function summarise(records: readonly RunRecord[]): Summary[] {
  return compareRecords(records).flatMap(({ groups, ...comparison }) =>
    groups.map((group) => summariseGroup(comparison, group)),
  );
}

function summariseGroup(comparison: Omit<Comparison, 'groups'>, group: RunGroup): Summary {
  const { records, ...names } = group;
  const done = completed(group);
  const scores = done.flatMap((record) => testScore(record) ?? []);
  const count = (status: string) => records.filter(({ runInfo }) => runInfo.status === status).length;
  const reference = records.find(
    ({ referenceScore }) => referenceScore?.metric === comparison.metric,
  )?.referenceScore;
  return {
    ...comparison,
    ...names,
    ...(scores.length === 0 ? {} : { score: spreadOf(scores) }),
    seeds: done.map(({ runInfo }) => runInfo.seed),
    parameters: records[0]!.trainInfo.parameters,
    failed: count('failed'),
    cancelled: count('cancelled'),
    ...(reference === undefined ? {} : { reference }),
  };
}

/** "0.5123 ± 0.0042", or the mean alone for one run. */
export function formatSpread({ mean, standardDeviation }: Spread, digits = 4): string {
  const spread = standardDeviation === undefined ? '' : ` ± ${standardDeviation.toFixed(digits)}`;
  return `${mean.toFixed(digits)}${spread}`;
}

/** "81,144", the same on every machine whatever its locale. */
export function formatCount(value: number): string {
  return value.toString().replace(/\B(?=(\d{3})+$)/g, ',');
}

interface Column extends TableColumn {
  cell(row: Summary): string;
}

const COLUMNS: readonly Column[] = [
  { title: 'method', isNumeric: false, cell: ({ label }) => label },
  {
    title: 'adapter params',
    isNumeric: true,
    cell: (row) => formatCount(row.parameters.trainableWithoutHead),
  },
  { title: 'all trained', isNumeric: true, cell: (row) => formatCount(row.parameters.trainable) },
  { title: 'mean ± sd', isNumeric: true, cell: ({ score }) => (score ? formatSpread(score) : '-') },
  { title: 'n', isNumeric: true, cell: ({ score }) => String(score?.n ?? 0) },
  { title: 'seeds', isNumeric: false, cell: ({ seeds }) => seeds.join(' ') },
];

const REFERENCE: Column = {
  title: 'reference',
  isNumeric: true,
  cell: ({ reference }) => (reference ? `${reference.value} (${reference.source})` : ''),
};

/** Runs without a score stay visible in the table. */
const NOT_COMPLETED: Column = {
  title: 'not completed',
  isNumeric: false,
  cell: ({ failed, cancelled }) =>
    [failed > 0 ? `${failed} failed` : '', cancelled > 0 ? `${cancelled} cancelled` : '']
      .filter((part) => part !== '')
      .join(', '),
};

/** Tables of summaries, one below a heading for each set that may be compared; empty text for no rows. */
export function formatTable(summaries: readonly Summary[], format: TableFormat = 'text'): string {
  const tables = new Map<string, Summary[]>();
  for (const row of summaries) {
    const heading = headingOf(row);
    tables.set(heading, [...(tables.get(heading) ?? []), row]);
  }
  return [...tables]
    .map(([heading, rows]) => {
      const columns = [...COLUMNS, REFERENCE, NOT_COMPLETED].filter(
        (column) => COLUMNS.includes(column) || rows.some((row) => column.cell(row) !== ''),
      );
      const body = rows.map((row) => columns.map((column) => column.cell(row)));
      const lines = layOutTable(columns, body, format);
      return `${format === 'markdown' ? `**${heading}**\n` : heading}\n${lines.join('\n')}\n`;
    })
    .join('\n');
}

/** "nlu/cola, profile tiny: matthews on cola, deberta-tiny (1a2b3c4d), protocol 1". */
export function headingOf(row: Omit<Comparison, 'groups'>): string {
  const { experiment, task, profile, metric } = row;
  return `${experiment}/${task}, profile ${profile}: ${metric} on ${describeSetting(row)}`;
}

/** Data, base model and protocol, the last with its variant where that is not the paper's. */
export function describeSetting(
  row: Pick<Comparison, 'dataset' | 'model' | 'protocol' | 'protocolVariant'>,
): string {
  const variant = row.protocolVariant === 'paper' ? '' : ` ${row.protocolVariant}`;
  return `${row.dataset}, ${row.model}, protocol ${row.protocol}${variant}`;
}
