/** Sweeps over ranks and iterations (Tables 16, 17 and 18): what should grow, and what merely might. */
import { numberOf, type Paper, type Printed, type Row, TABLES, type TableName } from '../paper/index.ts';
import { type Check, type Finding, noted, show, verdictOf } from './finding.ts';

export const sweeps: Check = {
  name: 'sweeps',
  about: 'scores, losses and times over ranks and iterations of the SVD',
  run: (paper) => [...decompositions(paper), ...ranks(paper)],
};

/** A value that falls, or for losses rises, along a sweep. */
interface Step {
  readonly to: string;
  readonly change: number;
}

function steps(
  rows: readonly { readonly label: string }[],
  values: readonly Printed[],
  sign: 1 | -1,
): Step[] {
  return rows.slice(1).flatMap((row, i) => {
    const change = numberOf(values[i + 1]!) - numberOf(values[i]!);
    // Not "< 0": a gap in the sweep is shown, not passed over.
    return !(sign * change >= 0) ? [{ to: row.label, change }] : [];
  });
}

/** Nothing says that one run's score must grow; that it does not is worth knowing. */
function trend(
  table: TableName,
  what: string,
  column: string,
  rows: readonly (Row<TableName> & object)[],
  sign: 1 | -1,
  digits: number,
): Finding {
  const values = rows.map((row) => (row as unknown as Readonly<Record<string, Printed>>)[column]!);
  const wrong = steps(rows, values, sign);
  const numbers = values.map(numberOf);
  const extreme = numbers.indexOf(sign > 0 ? Math.max(...numbers) : Math.min(...numbers));
  return {
    table: TABLES[table].title,
    cell: `${what}: ${column}`,
    printed: values.map(({ text }) => text).join(', '),
    recomputed:
      wrong.length === 0
        ? 'monotone'
        : `not monotone: ${wrong.map(({ to, change }) => `${show(change, digits)} at ${to}`).join(', ')}`,
    rule: sign > 0 ? 'more rank, more of it' : 'more iterations, less of it',
    verdict: wrong.length === 0 ? 'follows' : 'cannot be decided',
    ...noted(
      wrong.length === 0
        ? undefined
        : `${sign > 0 ? 'largest' : 'smallest'} at ${rows[extreme]!.label}; no number of runs or spread is printed`,
    ),
    judges: [],
    uses: rows.map(({ line }) => ({ table, line, column })),
  };
}

function ranks(paper: Paper): Finding[] {
  const tables = [
    ['table17_ranks_cola', 'matthews'],
    ['table18_ranks_commonsense', 'avg'],
  ] as const;
  return tables.flatMap(([table, score]) => [
    trend(table, 'by rank', score, paper[table], 1, 2),
    trend(table, 'by rank, in seconds', 'runtime', paper[table], 1, 0),
  ]);
}

function decompositions(paper: Paper): Finding[] {
  const table = 'table16_svd_init';
  const ofRank = new Map<string, Row<typeof table>[]>();
  for (const row of paper[table]) ofRank.set(row.rank.text, [...(ofRank.get(row.rank.text) ?? []), row]);
  const full = paper[table].filter(({ n_iter }) => n_iter === 'full');
  const times = full.map(({ init_time_s }) => numberOf(init_time_s));
  const spread = Math.max(...times) / Math.min(...times) - 1;
  return [
    ...[...ofRank].flatMap(([rank, rows]) => [
      times16(table, rank, rows),
      trend(table, `rank ${rank} by iterations`, 'validation_loss', rows, -1, 4),
    ]),
    {
      table: TABLES[table].title,
      cell: 'n_iter=full: init_time_s',
      printed: full.map(({ init_time_s }) => init_time_s.text).join(', '),
      recomputed: `${show(100 * spread, 1)} % apart`,
      rule: 'a full SVD costs the same whatever the rank, within 5 %',
      verdict: verdictOf(spread <= 0.05),
      judges: full.map(({ line }) => ({ table, line, column: 'init_time_s' })),
      uses: [],
    },
  ];
}

function times16(table: 'table16_svd_init', rank: string, rows: readonly Row<'table16_svd_init'>[]): Finding {
  const values = rows.map(({ init_time_s }) => init_time_s);
  const wrong = steps(rows, values, 1);
  return {
    table: TABLES[table].title,
    cell: `rank ${rank} by iterations: init_time_s`,
    printed: values.map(({ text }) => text).join(', '),
    recomputed: wrong.length === 0 ? 'rises' : `falls at ${wrong.map(({ to }) => to).join(', ')}`,
    rule: 'more iterations take longer, and a full SVD longest',
    verdict: verdictOf(wrong.length === 0),
    judges: rows.map(({ line }) => ({ table, line, column: 'init_time_s' })),
    uses: [],
  };
}
