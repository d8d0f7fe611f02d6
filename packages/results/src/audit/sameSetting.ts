/** One setting, printed in two tables; and rows that repeat another's scores. */
import { numberOf, type Paper, type Printed, type Row, TABLES, type TableName } from '../paper/index.ts';
import { type CellPlace, type Check, type Finding, noted, place, rowOf, show, verdictOf } from './finding.ts';

interface Where {
  readonly table: TableName;
  readonly row: string;
  /** As many as the twin's, in its order. */
  readonly columns: readonly string[];
}

/** Both are one method, model, rank and test set, by their captions. */
const SAME: readonly (readonly [Where, Where, hint?: string])[] = [
  [
    {
      table: 'table6_orthogonality',
      row: 'PiSSA+LoRA-XS r=248 gamma=0.0',
      columns: ['params_m', 'gsm8k', 'math'],
    },
    { table: 'table4_math', row: 'LoRA-XS r=248', columns: ['params_m', 'gsm8k', 'math'] },
  ],
  [
    { table: 'table17_ranks_cola', row: 'rank=64', columns: ['matthews'] },
    { table: 'table7_initialization', row: 'A_orth R_orth B', columns: ['cola'] },
    'Table 7 fits the whole validation sets, where Table 17 may report a half',
  ],
];

export const sameSetting: Check = {
  name: 'same-setting',
  about: 'scores of one setting in two tables, and scores that repeat in a table',
  run: (paper) => [
    ...SAME.flatMap((same) => compared(paper, ...same)),
    ...REPEATS.map((table) => repeats(paper, table)),
  ],
};

function compared(paper: Paper, left: Where, right: Where, hint?: string): Finding[] {
  const [row, twin] = [rowOf(paper, left.table, left.row), rowOf(paper, right.table, right.row)];
  const pairs = left.columns.map((column, i) => {
    const [here, there] = [printedOf(row, column), printedOf(twin, right.columns[i]!)];
    const apart = show(Math.abs(numberOf(here) - numberOf(there)), here.decimals);
    return { column, twinColumn: right.columns[i]!, there, apart, holds: here.text === there.text };
  });
  const apart = pairs.filter(({ holds }) => !holds);
  const isOneShift = apart.length > 1 && new Set(apart.map((pair) => pair.apart)).size === 1;
  return pairs.map((pair): Finding => {
    return {
      ...place(left.table, row as never, pair.column),
      recomputed: `${pair.there.text} (${TABLES[right.table].title}, ${right.row})`,
      rule: 'one setting has one value, whichever table prints it',
      verdict: verdictOf(pair.holds),
      ...noted(
        pair.holds ? undefined : `${pair.apart} apart: two runs, or a difference that no caption names`,
        pair.holds ? undefined : hint,
        !pair.holds && isOneShift
          ? `${apart.map(({ column }) => column).join(' and ')} are apart by the same amount`
          : undefined,
      ),
      uses: [{ table: right.table, line: twin.line, column: pair.twinColumn }],
    };
  });
}

function printedOf(row: object, column: string): Printed {
  return (row as Readonly<Record<string, Printed>>)[column]!;
}

const REPEATS = [
  'table2_glue',
  'table3_vtab',
  'table5_commonsense',
  'table15_commonsense_low_budget',
] as const satisfies readonly TableName[];
const NO_SCORES = new Set(['params_m', 'peak_memory_gb', 'avg']);

/** Two rows of different settings that agree in half of their scores or more: a sign of a copied line. */
function repeats(paper: Paper, table: (typeof REPEATS)[number]): Finding {
  const rows: readonly Row<TableName>[] = paper[table];
  const columns = Object.entries(TABLES[table].columns)
    .filter(([name, kind]) => kind === 'number' && !NO_SCORES.has(name))
    .map(([name]) => name);
  const isScored = (row: object) => columns.every((column) => printedOf(row, column).value !== undefined);
  const scored = rows.filter(isScored);
  const pairs = scored.flatMap((row, i) =>
    scored.slice(0, i).map((other) => ({
      row,
      other,
      equal: columns.filter((column) => printedOf(row, column).text === printedOf(other, column).text),
    })),
  );
  const most = pairs.reduce((best, pair) => (pair.equal.length > best.equal.length ? pair : best));
  const holds = most.equal.length < columns.length / 2;
  const uses = scored.flatMap(({ line }): CellPlace[] => columns.map((column) => ({ table, line, column })));
  return {
    table: TABLES[table].title,
    cell: 'rows alike',
    printed: `${scored.length} rows of ${columns.length} scores`,
    recomputed: `at most ${most.equal.length} equal scores (${most.row.label} and ${most.other.label}${most.equal.length > 0 ? `: ${most.equal.join(', ')}` : ''})`,
    rule: 'two settings agree in fewer than half of their scores',
    verdict: verdictOf(holds),
    judges: [],
    uses,
  };
}
