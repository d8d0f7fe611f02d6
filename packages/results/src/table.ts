/** Tables as aligned text or as markdown. */

export type TableFormat = 'text' | 'markdown';

export interface TableColumn {
  readonly title: string;
  /** Aligned to the right. */
  readonly isNumeric: boolean;
}

/** Lines of a table, header and rule first. In markdown, `|` and line breaks inside a cell are escaped. */
export function layOutTable(
  columns: readonly TableColumn[],
  body: readonly (readonly string[])[],
  format: TableFormat = 'text',
): string[] {
  const isMarkdown = format === 'markdown';
  const clean = (cell: string) => {
    const line = cell.replace(/\s*\n\s*/g, ' ');
    return isMarkdown ? line.replaceAll('|', '\\|') : line;
  };
  const cells = [columns.map(({ title }) => clean(title)), ...body.map((row) => row.map(clean))];
  const widths = columns.map((_, index) => Math.max(3, ...cells.map((line) => line[index]!.length)));
  const rule = columns.map(({ isNumeric }, index) =>
    isMarkdown && isNumeric ? `${'-'.repeat(widths[index]! - 1)}:` : '-'.repeat(widths[index]!),
  );
  return [cells[0]!, rule, ...cells.slice(1)].map((line) => {
    const padded = line.map((cell, index) =>
      columns[index]!.isNumeric ? cell.padStart(widths[index]!) : cell.padEnd(widths[index]!),
    );
    return isMarkdown ? `| ${padded.join(' | ')} |` : padded.join('  ').trimEnd();
  });
}
