/**
 * Scores that a whole number of right answers can give. An accuracy over N items is k/N, and the mean of R runs is
 * k/(R N): where R N is small beside the digits printed, most printable values are impossible.
 */
import {
  COMMONSENSE_TASKS,
  cutsTo,
  MATH_TASKS,
  numberOf,
  type Paper,
  type Printed,
  type Row,
  roundsTo,
  TABLES,
  type TableName,
} from '../paper/index.ts';
import { type Check, type Finding, noted, place, rowOf, settingsOf, verdictOf } from './finding.ts';

const SCORED: readonly (readonly [TableName, readonly string[]])[] = [
  ['table2_glue', ['rte', 'mrpc', 'sst2', 'qnli']],
  ['table4_math', MATH_TASKS],
  ['table5_commonsense', COMMONSENSE_TASKS],
  ['table6_orthogonality', MATH_TASKS],
  ['table7_initialization', ['rte']],
  ['table13_math_low_budget', MATH_TASKS],
  ['table15_commonsense_low_budget', COMMONSENSE_TASKS],
  ['figure3_tunable_vectors', ['gsm8k']],
];
/** More runs than this are not looked for. */
const MOST_RUNS = 5;

export const attainability: Check = {
  name: 'attainability',
  about: 'accuracies, as a whole number of right answers of the test set',
  run: (paper) => SCORED.flatMap(([table, tasks]) => ofTable(paper, table, tasks)),
};

interface Score {
  readonly task: string;
  readonly score: Printed;
  readonly set: Row<'test_sets'>;
}

function ofTable(paper: Paper, table: TableName, tasks: readonly string[]): Finding[] {
  const stated = settingsOf(paper, table).runs.value;
  const runs = stated ?? 1;
  const judged: { readonly finding: Finding; readonly chance: number }[] = [];
  for (const row of paper[table] as readonly Row<TableName>[]) {
    const scores = scoresOf(paper, row, tasks).filter(
      ({ score, set }) => chanceOf(score, itemsOf(set) * runs) < 1,
    );
    const bad = scores.filter(({ score, set }) => !isAttainable(score, itemsOf(set) * runs));
    const other = stated === undefined && bad.length > 0 ? runsThatFit(scores) : undefined;
    for (const { task, score, set } of scores) {
      const items = itemsOf(set);
      const total = items * runs;
      const holds = isAttainable(score, total);
      const nearest = Math.round((numberOf(score) * total) / 100);
      judged.push({
        chance: chanceOf(score, total),
        finding: {
          ...place(table, row as never, task),
          recomputed: `${nearest}/${total} = ${((nearest * 100) / total).toFixed(score.decimals + 1)}`,
          rule: `k/(R*N), N = ${items} items, R = ${stated === undefined ? '1 run (none stated)' : `${runs} runs`}`,
          verdict: verdictOf(holds),
          ...noted(holds ? undefined : (other ?? elsewhere(score, set))),
          uses: [],
        },
      });
    }
  }
  const findings = judged.map(({ finding }) => finding);
  return stated === undefined && judged.length > 1 ? [...findings, runsOf(table, judged)] : findings;
}

function scoresOf(paper: Paper, row: object, tasks: readonly string[]): Score[] {
  const byName = row as Readonly<Record<string, Printed>>;
  return tasks
    .map((task) => ({ task, score: byName[task]!, set: rowOf(paper, 'test_sets', task) }))
    .filter(({ score }) => score.value !== undefined);
}

function itemsOf(set: Row<'test_sets'>): number {
  return numberOf(set.reported_items);
}

/** The share of printable values that `total` items can give; at 1 every value is possible and nothing is learnt. */
function chanceOf(score: Printed, total: number): number {
  return Math.min(1, total * 10 ** -(score.decimals + 2));
}

function isAttainable(score: Printed, total: number): boolean {
  return roundsTo((Math.round((numberOf(score) * total) / 100) * 100) / total, score);
}

/** The fewest runs whose mean gives every score of a row. */
function runsThatFit(scores: readonly Score[]): string | undefined {
  for (let runs = 2; runs <= MOST_RUNS; runs++)
    if (scores.length > 1 && scores.every(({ score, set }) => isAttainable(score, itemsOf(set) * runs)))
      return `the whole row fits a mean of ${runs} runs`;
  return undefined;
}

/** Other numbers of items and runs that give a score: the other part of a set that was cut in two, or all of it. */
function elsewhere(score: Printed, set: Row<'test_sets'>): string {
  const all = numberOf(set.items);
  const reported = itemsOf(set);
  const sizes = [...new Set([reported, all - reported, all])].filter((size) => size > 0);
  for (const fits of [isAttainable, isCut])
    for (let runs = 1; runs <= MOST_RUNS; runs++)
      for (const size of sizes)
        if (chanceOf(score, size * runs) < 1 && fits(score, size * runs)) {
          const right = Math.floor((numberOf(score) * size * runs) / 100 + 0.5);
          const what =
            size === all && all !== reported ? `all ${all} items of the set, uncut` : `${size} items`;
          const how = fits === isCut ? ', digits cut off' : '';
          return `fits ${right}/${size * runs}: ${runs === 1 ? 'one run' : `${runs} runs`} of ${what}${how}`;
        }
  return `no mean of 1 to ${MOST_RUNS} runs of ${sizes.join(', ')} items gives it`;
}

function isCut(score: Printed, total: number): boolean {
  return cutsTo((Math.ceil((numberOf(score) * total) / 100) * 100) / total, score);
}

/** Tables that state no number of runs: what their scores say of it. */
function runsOf(
  table: TableName,
  judged: readonly { readonly finding: Finding; readonly chance: number }[],
): Finding {
  const fitting = judged.filter(({ finding }) => finding.verdict === 'follows');
  const power = -fitting.reduce((sum, { chance }) => sum + Math.log10(chance), 0);
  return {
    table: TABLES[table].title,
    cell: 'number of runs',
    printed: 'not stated',
    recomputed: `one run gives ${fitting.length} of ${judged.length} scores that could tell`,
    rule: 'scores of one run are k/N',
    verdict: 'cannot be decided',
    ...noted(power < 1 ? undefined : `by chance as many would fit about once in 10^${Math.floor(power)}`),
    judges: [],
    uses: judged.flatMap(({ finding }) => finding.judges),
  };
}
