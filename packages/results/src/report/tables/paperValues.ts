/** What the paper prints in a cell, in the column's unit. */
import type { Paper } from '../../paper/index.ts';
import { formatCount, spreadOf } from '../../summary.ts';
import type { PaperValue } from './model.ts';
import type { ColumnSpec, TableSpec } from './spec.ts';

export interface PaperRow {
  /** "OFTv2 b=32". */
  readonly label: string;
  /** "OFTv2"; of tables that name rows otherwise the label. */
  readonly method: string;
  readonly config: string;
  readonly cells: Readonly<Record<string, unknown>>;
}

export function paperRows(paper: Paper, { paper: name }: TableSpec): PaperRow[] {
  return paper[name].map((row) => {
    const cells = row as unknown as Readonly<Record<string, unknown>>;
    const { method = row.label, config = '' } = cells as { method?: string; config?: string };
    return { label: row.label, method, config: config.replaceAll('_', ' '), cells };
  });
}

export function paperText({ paper }: ColumnSpec, { cells }: PaperRow): string {
  const cell = paper === undefined ? '' : cells[paper];
  if (Array.isArray(cell)) return cell.join(';');
  return typeof cell === 'object' ? (cell as { text: string }).text : String(cell);
}

/** @returns undefined where the paper has no such column */
export function paperValue(column: ColumnSpec, row: PaperRow): PaperValue | undefined {
  if (column.paper === undefined) return computed(column, row);
  const { text, value } = row.cells[column.paper] as { text: string; value: number | undefined };
  if (value === undefined) return { text };
  if (column.kind !== 'parameters') return { text, value };
  return column.inMillions ? { text: `${text}M`, value: value * 1e6 } : { text: formatCount(value), value };
}

function computed(column: ColumnSpec, row: PaperRow): PaperValue | undefined {
  if (column.kind !== 'mean' || column.paperOf === undefined) return undefined;
  const values = column.paperOf.flatMap((one) => (row.cells[one] as { value?: number }).value ?? []);
  if (values.length < column.paperOf.length) return undefined;
  const { mean } = spreadOf(values);
  return { text: mean.toFixed(column.digits ?? 1), value: mean, isComputed: true };
}
