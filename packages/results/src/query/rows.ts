/** Records as rows of a table: order, columns, cells. */
import { layOutTable, type TableFormat } from '../table.ts';
import { type Field, findField } from './field.ts';
import type { Entry, Ledger } from './ledger.ts';

/** What `psoft runs list` shows of runs unless told otherwise. */
export const RUN_COLUMNS = [
  'profile',
  'experiment',
  'task',
  'method',
  'variant',
  'seed',
  'status',
  'score',
  'metric',
  'trainableWithoutHead',
  'totalSeconds',
  'createdAt',
  'hash',
];

/** Of imported results. */
export const IMPORTED_COLUMNS = [
  'name',
  'importedFrom.format',
  'method',
  'seed',
  'status',
  'trainInfo.test',
  'createdAt',
  'hash',
];

export interface Row {
  readonly [column: string]: unknown;
}

/** @throws RecordError for an unknown field */
export function findFields(
  names: readonly string[],
  ledger: Pick<Ledger, 'entries' | 'jsonSchema'>,
): Field[] {
  return names.map((name) => findField(name, ledger));
}

/**
 * Sorted by several fields, the first first; a name that begins with "-" sorts from the largest. Numbers come before
 * texts, entries without the field last; equal ones keep their order.
 * @throws RecordError for an unknown field
 */
export function sortEntries<R>(
  entries: readonly Entry<R>[],
  names: readonly string[],
  ledger: Pick<Ledger, 'entries' | 'jsonSchema'>,
): Entry<R>[] {
  const keys = names.map((name) => ({
    field: findField(name.replace(/^-/, ''), ledger),
    sign: name.startsWith('-') ? -1 : 1,
  }));
  return [...entries].sort((a, b) => {
    for (const { field, sign } of keys) {
      const order = compareValues(field.of(a.view), field.of(b.view), sign);
      if (order !== 0) return order;
    }
    return 0;
  });
}

function compareValues(a: unknown, b: unknown, sign: number): number {
  if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined);
  if (typeof a === 'number' && typeof b === 'number') return sign * (a - b);
  if (typeof a === 'number' || typeof b === 'number') return typeof a === 'number' ? -1 : 1;
  const [x, y] = [a, b].map((value) => (typeof value === 'string' ? value : JSON.stringify(value))) as [
    string,
    string,
  ];
  return x === y ? 0 : x < y ? -sign : sign;
}

/** One row an entry, its absent fields left out. */
export function rowsOf(entries: readonly Entry[], fields: readonly Field[]): Row[] {
  return entries.map(({ view }) =>
    Object.fromEntries(
      fields.map(({ name, of }) => [name, of(view)]).filter(([, value]) => value !== undefined),
    ),
  );
}

/** For people: hashes by their first digits, numbers to six digits, columns without any value left out. */
export function formatRows(rows: readonly Row[], names: readonly string[], format: TableFormat): string[] {
  const shown = names.filter((name) => rows.length === 0 || rows.some((row) => row[name] !== undefined));
  const columns = shown.map((title) => ({
    title,
    isNumeric: rows.some((row) => typeof row[title] === 'number'),
  }));
  return layOutTable(
    columns,
    rows.map((row) => shown.map((name) => cellText(row[name]))),
    format,
  );
}

export function cellText(value: unknown): string {
  if (value === undefined) return '';
  if (typeof value === 'number') return numberText(value);
  if (typeof value !== 'string') return JSON.stringify(value);
  return /^[0-9a-f]{64}$/.test(value) ? value.slice(0, 8) : value;
}

/** Six digits at most, whole numbers whole. */
export function numberText(value: number): string {
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(6)));
}
