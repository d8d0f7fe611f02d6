/** A table as lines of short texts: what text, Markdown and LaTeX have in common. */
import { formatCount } from '../../../summary.ts';
import type { Mark, ReportCell, ReportColumn, ReportRow, ReportTable } from '../model.ts';

export interface TextCell {
  readonly text: string;
  readonly mark?: Mark;
  /** Differs from its rival. */
  readonly isSignificant?: true;
}

/** A row has a line of ours; in the paper profile, one of the paper's and, where there is any, one of differences. */
export interface Line {
  readonly kind: 'ours' | 'paper' | 'difference';
  readonly label: string;
  readonly cells: readonly TextCell[];
}

export interface LineGroup {
  /** Groups are set apart. */
  readonly lines: readonly Line[];
}

export const LABEL_TITLE = 'Method';
export const MISSING = '—';
export const UNAVAILABLE = 'n/a';

export function labelOf({ method, setting }: Pick<ReportRow, 'method' | 'setting'>): string {
  return [method, setting].filter((part) => part !== '').join(' ');
}

/** Groups of compared rows, and of rows that the paper does not have. */
export function lineGroups(table: ReportTable): LineGroup[] {
  return rowGroups(table).map((rows) => ({ lines: rows.flatMap((row) => linesOf(row, table)) }));
}

/** Rows that stand together, in their order. */
export function rowGroups(table: ReportTable): ReportRow[][] {
  const isPaper = table.rows.some(({ cells }) =>
    Object.values(cells).some(({ paper }) => paper !== undefined),
  );
  const keyOf = (row: ReportRow) => `${row.group} ${isPaper && row.paperRow === undefined}`;
  const groups: { key: string; rows: ReportRow[] }[] = [];
  for (const row of table.rows) {
    if (groups.at(-1)?.key !== keyOf(row)) groups.push({ key: keyOf(row), rows: [] });
    groups.at(-1)!.rows.push(row);
  }
  return groups.map(({ rows }) => rows);
}

/** Of one row: ours, then what there is of the paper's and the difference. */
export function linesOf(row: ReportRow, { columns, seeds }: Pick<ReportTable, 'columns' | 'seeds'>): Line[] {
  const cells = columns.map((column) => ({ column, cell: row.cells[column.id]! }));
  const line = (
    kind: Line['kind'],
    label: string,
    textOf: (cell: ReportCell, column: ReportColumn) => TextCell,
  ) => ({
    ...{ kind, label },
    cells: cells.map(({ cell, column }) => textOf(cell, column)),
  });
  const has = (test: (cell: ReportCell) => boolean) => cells.some(({ cell }) => test(cell));
  return [
    line('ours', labelOf(row), (cell, column) => oursText(cell, column, seeds.length)),
    ...(has(({ paper }) => paper !== undefined) ? [line('paper', 'paper', paperText)] : []),
    ...(has(({ difference }) => difference !== undefined)
      ? [line('difference', 'difference', differenceText)]
      : []),
  ];
}

function oursText(cell: ReportCell, column: ReportColumn, planned: number): TextCell {
  const { text, ours, mark, test, unavailable, missing } = cell;
  if (text !== undefined) return { text };
  if (ours === undefined) return { text: unavailable === undefined ? (missing ? MISSING : '') : UNAVAILABLE };
  const { mean, deviation, n } = ours;
  // How much memory and time vary says more of the machine than of the method.
  const spread = deviation === undefined || !isScore(column) ? '' : ` ± ${deviation.toFixed(column.digits)}`;
  const few = isScore(column) && n < planned ? ` (n=${n})` : '';
  return {
    text: `${valueText(mean, column)}${spread}${few}`,
    ...(mark === undefined ? {} : { mark }),
    ...(test !== undefined && 'p' in test && test.isSignificant ? { isSignificant: true } : {}),
  };
}

function paperText({ paper, paperMark }: ReportCell): TextCell {
  return { text: paper?.text ?? '', ...(paperMark === undefined ? {} : { mark: paperMark }) };
}

/** The paper's counts are rounded: a difference of them says nothing. */
function differenceText({ difference }: ReportCell, column: ReportColumn): TextCell {
  return {
    text: difference === undefined || column.unit === 'count' ? '' : signed(difference, column.digits),
  };
}

/** "+0.12", "−3.40"; what rounds to nothing has no sign. */
function signed(value: number, digits: number): string {
  const text = Math.abs(value).toFixed(digits);
  return Number(text) === 0 ? text : `${value < 0 ? '−' : '+'}${text}`;
}

const isScore = ({ kind }: ReportColumn) => kind === 'score' || kind === 'mean' || kind === 'loss';

export function valueText(value: number, { unit, digits }: Pick<ReportColumn, 'unit' | 'digits'>): string {
  if (unit === 'count') return formatCount(Math.round(value));
  return unit === 's' && digits === 0 ? duration(value) : value.toFixed(digits);
}

/** "17m34s", as the paper writes it. */
function duration(seconds: number): string {
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)}m${String(whole % 60).padStart(2, '0')}s`;
}

/** Headings stand above the columns of a group in LaTeX; elsewhere they go into the titles. */
export function flatTitle({ kind, title, group }: ReportColumn): string {
  return group === undefined || kind === 'score' ? title : `${group}: ${title}`;
}

/** "Table 2, profile tiny: seeds 1, 2, 3". */
export function headingOf({ title, profile, seeds }: ReportTable): string {
  const of = seeds.length === 0 ? '' : `, ${seeds.length === 1 ? 'seed' : 'seeds'} ${seeds.join(', ')}`;
  return `${title}, profile ${profile}${of}`;
}

/** Reasons of cells that cannot be had, and what went wrong in those that are missing. */
export function reasonsOf({ rows }: ReportTable): string[] {
  const reasons = rows.flatMap((row) =>
    Object.values(row.cells).flatMap(({ unavailable, missing }) =>
      unavailable !== undefined
        ? [`${UNAVAILABLE}, ${labelOf(row)}: ${unavailable}`]
        : missing?.reason !== undefined
          ? [`${MISSING}, ${labelOf(row)}: ${missing.reason}`]
          : [],
    ),
  );
  return [...new Set(reasons)].map((reason) => (/[.!?]$/.test(reason) ? reason : `${reason}.`));
}
