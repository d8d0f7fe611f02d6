/** Tables as CSV (RFC 4180), by papaparse. */
import papaparse from 'papaparse';
import type { Tabular } from './tabular.ts';

/** Absent values are empty cells, lists are JSON, numbers keep all their digits. */
export function toCsv({ columns, rows }: Tabular): string {
  const cells = rows.map((row) => columns.map((column) => cell(row[column])));
  return `${papaparse.unparse({ fields: [...columns], data: cells }, { newline: '\n' })}\n`;
}

function cell(value: unknown): string {
  if (value === undefined) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
