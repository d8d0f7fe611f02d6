/** Which printed cells the findings reach. */
import {
  type Paper,
  type Printed,
  TABLE_NAMES,
  TABLES,
  type TableName,
  type TableShape,
} from '../paper/index.ts';
import { type CellPlace, type Finding, VERDICTS, type Verdict } from './finding.ts';

export interface TableCoverage {
  /** As in the paper: "Table 5". */
  readonly table: string;
  /** Numbers, out of memory and formulas; without settings and the columns that name a row. */
  readonly printed: number;
  /** Cells by the worst verdict on them. */
  readonly judged: Readonly<Record<Verdict, number>>;
  /** Not judged alone, but part of a computation: scores of an average, for one. */
  readonly used: number;
  readonly unreached: number;
}

/** Text that states a result. */
const FORMULAS: Readonly<Partial<Record<TableName, readonly string[]>>> = {
  table8_param_formulas: ['formula'],
  table9_activation_memory: ['relative', 'absolute'],
};

/** Tables that print nothing checkable are left out. */
export function coverageOf(paper: Paper, findings: readonly Finding[]): TableCoverage[] {
  const worst = new Map<string, Verdict>();
  const used = new Set<string>();
  for (const { judges, uses, verdict } of findings) {
    for (const cell of judges) {
      const before = worst.get(keyOf(cell));
      const isWorse = before === undefined || VERDICTS.indexOf(verdict) < VERDICTS.indexOf(before);
      if (isWorse) worst.set(keyOf(cell), verdict);
    }
    for (const cell of uses) used.add(keyOf(cell));
  }
  return TABLE_NAMES.flatMap((table) => {
    const keys = printedCells(paper, table).map(keyOf);
    if (keys.length === 0) return [];
    const judged = Object.fromEntries(
      VERDICTS.map((verdict) => [verdict, keys.filter((key) => worst.get(key) === verdict).length]),
    ) as Record<Verdict, number>;
    const unjudged = keys.filter((key) => !worst.has(key));
    const inUse = unjudged.filter((key) => used.has(key)).length;
    return [
      {
        table: TABLES[table].title,
        printed: keys.length,
        judged,
        used: inUse,
        unreached: unjudged.length - inUse,
      },
    ];
  });
}

function keyOf({ table, line, column }: CellPlace): string {
  return `${table}:${line}:${column}`;
}

function printedCells(paper: Paper, table: TableName): CellPlace[] {
  const shape: TableShape = TABLES[table];
  if (shape.isAside) return [];
  const columns = Object.entries(shape.columns)
    .filter(
      ([name, kind]) =>
        !shape.key.includes(name) &&
        (kind === 'number' || kind === 'duration' || (FORMULAS[table]?.includes(name) ?? false)),
    )
    .map(([name]) => name);
  return (paper[table] as readonly { readonly line: number }[]).flatMap((row) =>
    columns
      .filter((column) => {
        const value = (row as unknown as Readonly<Record<string, Printed | string>>)[column]!;
        return typeof value === 'string' ? value !== '' : value.text !== '';
      })
      .map((column) => ({ table, line: row.line, column })),
  );
}

/** The sum over tables. */
export function totalOf(coverage: readonly TableCoverage[]): TableCoverage {
  const sum = (count: (table: TableCoverage) => number) =>
    coverage.reduce((total, one) => total + count(one), 0);
  return {
    table: 'all',
    printed: sum(({ printed }) => printed),
    judged: Object.fromEntries(
      VERDICTS.map((verdict) => [verdict, sum(({ judged }) => judged[verdict])]),
    ) as Record<Verdict, number>,
    used: sum(({ used }) => used),
    unreached: sum(({ unreached }) => unreached),
  };
}
