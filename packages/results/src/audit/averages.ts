/** Printed averages, from the printed scores. */
import {
  COMMONSENSE_TASKS,
  GLUE_TASKS,
  numberOf,
  type Paper,
  type Printed,
  roundsTo,
  type TableName,
  VTAB_GROUPS,
} from '../paper/index.ts';
import { type Check, type Finding, noted, place, show, verdictOf } from './finding.ts';

interface AveragedRow {
  readonly line: number;
  readonly label: string;
  readonly avg: Printed;
}

/** Columns of scores that are averaged first, each on its own. */
interface Averaged {
  readonly table: TableName;
  readonly groups: readonly (readonly string[])[];
  readonly rule: string;
}

const AVERAGED: readonly Averaged[] = [
  { table: 'table2_glue', groups: GLUE_TASKS.map((task) => [task]), rule: 'mean of the 6 tasks' },
  {
    table: 'table3_vtab',
    groups: Object.values(VTAB_GROUPS),
    rule: "mean of the three groups' means (7 natural, 4 specialized, 8 structured)",
  },
  ...(['table5_commonsense', 'table15_commonsense_low_budget'] as const).map((table) => ({
    table,
    groups: COMMONSENSE_TASKS.map((task) => [task]),
    rule: 'mean of the 8 tasks',
  })),
];

export const averages: Check = {
  name: 'averages',
  about: 'averages, from the printed scores of their rows',
  run: (paper) => AVERAGED.flatMap((averaged) => ofTable(paper, averaged)),
};

function ofTable(paper: Paper, { table, groups, rule }: Averaged): Finding[] {
  const rows = (paper[table] as readonly unknown[] as readonly AveragedRow[]).filter(
    ({ avg }) => avg.value !== undefined,
  );
  const tasks = groups.flat();
  return rows.map((row) => {
    const scores = row as unknown as Readonly<Record<string, Printed>>;
    const valuesOf = (columns: readonly string[]) => columns.map((column) => numberOf(scores[column]));
    const value = mean(groups.map((columns) => mean(valuesOf(columns))));
    // The mean of rounded scores is off by no more than one score's rounding.
    const slack = Math.max(...tasks.map((task) => scores[task]?.halfUnit ?? 0));
    const holds = roundsTo(value, row.avg, slack);
    const flat = mean(valuesOf(tasks));
    const isFlat = !holds && tasks.length > groups.length && roundsTo(flat, row.avg, slack);
    const digits = row.avg.decimals + 1;
    return {
      ...place(table, row as never, 'avg'),
      recomputed: show(value, digits),
      rule,
      verdict: verdictOf(holds),
      ...noted(
        isFlat
          ? `the flat mean of all ${tasks.length} tasks, ${show(flat, digits)}, is what is printed: no other row is averaged so`
          : undefined,
        isFlat ? leadOf(rows, row, value) : undefined,
      ),
      uses: tasks.map((column) => ({ table, line: row.line, column })),
    };
  });
}

/** What the other average means for the table's main comparison. */
function leadOf(rows: readonly AveragedRow[], row: AveragedRow, value: number): string | undefined {
  const ours = rows.find(({ label }) => label.startsWith('PSOFT'));
  if (ours?.avg.value === undefined || row.avg.value === undefined) return undefined;
  const [now, before] = [ours.avg.value - value, ours.avg.value - row.avg.value];
  return `PSOFT's ${ours.avg.text} is then ${show(now, 1)} above it, not ${show(before, 1)}`;
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
