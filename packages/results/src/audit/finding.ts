/** What a check says of a printed value. */
import type { Paper, Row, TableName } from '../paper/index.ts';
import { PaperError, TABLES } from '../paper/index.ts';

export const VERDICTS = ['does not follow', 'cannot be decided', 'follows'] as const;
export type Verdict = (typeof VERDICTS)[number];

/** One printed cell of the paper. */
export interface CellPlace {
  readonly table: TableName;
  /** 1-based, in the table's file. */
  readonly line: number;
  readonly column: string;
}

export interface Finding {
  /** As in the paper: "Table 5". */
  readonly table: string;
  /** Row and column: "OFTv2 b=32: params_m". */
  readonly cell: string;
  /** As printed. */
  readonly printed: string;
  /** What the rule gives. */
  readonly recomputed: string;
  /** In words, with its formula. */
  readonly rule: string;
  readonly verdict: Verdict;
  /** What else was seen: which other rule fits, how far off. */
  readonly note?: string;
  /** The cells judged. */
  readonly judges: readonly CellPlace[];
  /** Further cells that entered the computation. */
  readonly uses: readonly CellPlace[];
}

/** A kind of finding. */
export interface Check {
  readonly name: string;
  /** What is compared, in one line. */
  readonly about: string;
  /** Pure: every finding follows from the tables alone. */
  readonly run: (paper: Paper) => readonly Finding[];
}

/** What `about` fills in of a finding: where it is, and what is printed there. */
type Place = Pick<Finding, 'table' | 'cell' | 'printed' | 'judges'>;

/** A cell, or what is said of several cells of one row. */
export function place<T extends TableName>(
  table: T,
  row: Row<T>,
  columns: string | readonly string[],
  printed?: string,
): Place {
  const names = typeof columns === 'string' ? [columns] : columns;
  const texts = names.map((name) => textOf(row, name));
  return {
    table: TABLES[table].title,
    cell: `${row.label}: ${names.join(', ')}`,
    printed: printed ?? texts.join(', '),
    judges: names.map((column) => ({ table, line: row.line, column })),
  };
}

export function cells<T extends TableName>(
  table: T,
  row: Row<T>,
  columns: readonly string[],
): readonly CellPlace[] {
  return columns.map((column) => ({ table, line: row.line, column }));
}

/** A cell as printed. Not typed by column: for places, whose columns are only names. */
function textOf(row: { readonly [column: string]: unknown }, column: string): string {
  const value = row[column];
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return value.join(';');
  return (value as { readonly text: string }).text;
}

export function verdictOf(holds: boolean): Verdict {
  return holds ? 'follows' : 'does not follow';
}

/**
 * The row of a table that bears a label.
 * @throws PaperError that lists the labels there are
 */
export function rowOf<T extends TableName>(paper: Paper, table: T, label: string): Row<T> {
  const rows = paper[table] as readonly Row<T>[];
  const found = rows.find((row) => row.label === label);
  if (found) return found;
  throw new PaperError(
    `${table}.csv: no row "${label}"; it has ${rows.map((row) => `"${row.label}"`).join(', ')}`,
  );
}

/**
 * What captions and text say of a table.
 * @throws PaperError without an entry in settings.csv
 */
export function settingsOf(paper: Paper, table: TableName): Row<'settings'> {
  return rowOf(paper, 'settings', table);
}

/** A note as a finding has it: absent where there is nothing to say. */
export function noted(...parts: readonly (string | undefined)[]): { note?: string } {
  const said = parts.filter((part) => part !== undefined && part !== '');
  return said.length === 0 ? {} : { note: said.join('; ') };
}

/** A number with so many digits after the point, and no minus before a zero. */
export function show(value: number, decimals: number): string {
  return value.toFixed(decimals).replace(/^-(0(\.0*)?)$/, '$1');
}
