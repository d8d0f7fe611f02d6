/** A paper with other values in it. */
import { type Paper, printedDuration, printedNumber, type TableName } from '../src/paper/index.ts';

/** One cell, by table, label of its row, and column. */
export type Change = readonly [table: TableName, row: string, column: string, text: string];

export function withCells(paper: Paper, ...changes: readonly Change[]): Paper {
  const changed: Record<string, readonly { readonly label: string }[]> = { ...paper };
  for (const [table, label, column, text] of changes) {
    const rows = changed[table]!;
    if (!rows.some((row) => row.label === label && column in row))
      throw new Error(`${table} has no cell "${label}", ${column}`);
    changed[table] = rows.map((row) => {
      if (row.label !== label) return row;
      const isText = typeof row[column as keyof typeof row] === 'string';
      return { ...row, [column]: isText ? text : (printedNumber(text) ?? printedDuration(text)) };
    });
  }
  return changed as unknown as Paper;
}
