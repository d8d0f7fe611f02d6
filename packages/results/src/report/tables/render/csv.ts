/** One line a cell, for programs: numbers whole, in the column's unit. */
import Papa from 'papaparse';
import type { ReportTable } from '../model.ts';

const FIELDS = [
  ...['table', 'profile', 'experiment', 'scorer', 'row', 'method', 'setting', 'paperRow', 'group', 'role'],
  ...['column', 'title', 'metric', 'unit', 'text'],
  ...['mean', 'deviation', 'n', 'seeds', 'mark'],
  ...['paper', 'paperText', 'paperMark', 'difference'],
  ...['rival', 'testedOver', 'testedPairs', 'rivalDifference', 'p', 'isSignificant', 'notTested'],
  ...['missingSeeds', 'command', 'reason', 'unavailable'],
];

export function toCsv(table: ReportTable): string {
  const { id, profile, experiment, scorer, columns, rows } = table;
  const lines = rows.flatMap((row) =>
    columns.map((column) => {
      const { text, ours, mark, paper, paperMark, difference, test, missing, unavailable } =
        row.cells[column.id]!;
      const { rival } = test ?? {};
      const tested = test !== undefined && 'p' in test ? test : undefined;
      return {
        ...{ table: id, profile, experiment, scorer, row: row.key, method: row.method, setting: row.setting },
        ...{ paperRow: row.paperRow, group: row.group, role: row.role },
        ...{ column: column.id, title: column.title, metric: column.metric, unit: column.unit, text },
        ...{ mean: ours?.mean, deviation: ours?.deviation, n: ours?.n, seeds: ours?.seeds.join(';'), mark },
        ...{ paper: paper?.value, paperText: paper?.text, paperMark, difference },
        ...{ rival, testedOver: tested?.over, testedPairs: tested?.n, rivalDifference: tested?.difference },
        ...{ p: tested?.p, isSignificant: tested?.isSignificant },
        notTested: test !== undefined && 'notTested' in test ? test.notTested : undefined,
        ...{
          missingSeeds: missing?.seeds.join(';'),
          command: missing?.command,
          reason: missing?.reason,
          unavailable,
        },
      };
    }),
  );
  return `${Papa.unparse({ fields: FIELDS, data: lines }, { newline: '\n' })}\n`;
}
