/** Tables as aligned text, as markdown or as CSV. */

export const TABLE_FORMATS = ['text', 'markdown', 'csv'] as const;
export type TableFormat = (typeof TABLE_FORMATS)[number];

/** Lines of a table. */
export function formatTable(
  header: readonly string[],
  body: readonly (readonly string[])[],
  format: TableFormat,
): string[] {
  return format === 'csv' ? csv(header, body) : layOut(header, body, format === 'markdown');
}

function csv(header: readonly string[], body: readonly (readonly string[])[]): string[] {
  const quoted = (cell: string) => (/[",\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);
  return [header, ...body].map((row) => row.map(quoted).join(','));
}

export function layOut(
  header: readonly string[],
  body: readonly (readonly string[])[],
  isMarkdown: boolean,
): string[] {
  if (isMarkdown) {
    const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
    return [line(header), line(header.map(() => '---')), ...body.map(line)];
  }
  const widths = header.map((_, i) => Math.max(...[header, ...body].map((row) => row[i]!.length)));
  return [header, ...body].map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i]!))
      .join('  ')
      .trimEnd(),
  );
}
