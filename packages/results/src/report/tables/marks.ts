/** Best and second best of a column, as printed: values that read alike share a mark. */
import type { Mark, ReportCell, ReportColumn, ReportRow } from './model.ts';

/** Marks of ours and of the paper's values, within each group, among the rows that are ranked. */
export function withMarks(rows: readonly ReportRow[], columns: readonly ReportColumn[]): ReportRow[] {
  const marks = new Map<ReportCell, { mark?: Mark; paperMark?: Mark }>();
  for (const column of columns) {
    if (column.better === undefined) continue;
    for (const group of new Set(rows.map((row) => row.group))) {
      const cells = rows
        .filter((row) => row.group === group && row.role === 'ranked')
        .flatMap(({ cells: all }) => all[column.id] ?? []);
      const ours = rank(cells, column, ({ ours: value }) => value?.mean);
      const papers = rank(cells, column, ({ paper }) => paper?.value);
      for (const cell of cells)
        marks.set(cell, { ...of('mark', ours.get(cell)), ...of('paperMark', papers.get(cell)) });
    }
  }
  return rows.map((row) => ({
    ...row,
    cells: Object.fromEntries(
      Object.entries(row.cells).map(([id, cell]) => [id, { ...cell, ...marks.get(cell) }]),
    ),
  }));
}

const of = <K extends string>(key: K, mark: Mark | undefined) =>
  (mark === undefined ? {} : { [key]: mark }) as { [key in K]?: Mark };

/** A single value is not the best of anything. */
function rank(
  cells: readonly ReportCell[],
  { better, digits }: ReportColumn,
  read: (cell: ReportCell) => number | undefined,
): Map<ReportCell, Mark> {
  const printed = cells.flatMap((cell) => {
    const value = read(cell);
    return value === undefined ? [] : [{ cell, value: Number(value.toFixed(digits)) }];
  });
  const sign = better === 'lower' ? 1 : -1;
  const [best, second] = [...new Set(printed.map(({ value }) => value))].sort((a, b) => sign * (a - b));
  if (printed.length < 2) return new Map();
  const marks = new Map<ReportCell, Mark>();
  for (const { cell, value } of printed)
    if (value === best) marks.set(cell, 'best');
    else if (value === second) marks.set(cell, 'second');
  return marks;
}
