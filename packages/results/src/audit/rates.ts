/** Ranks that the hyper-parameter tables name, against the ranks of the result tables. */
import { type Paper, TABLES, type TableName } from '../paper/index.ts';
import { linearsOf } from './architectures.ts';
import { configNumbers, countedBy, countRule } from './counting.ts';
import { type Check, type Finding, noted, place, settingsOf, show, verdictOf } from './finding.ts';

/** Which results a table of hyper-parameters is for. */
const RATES = {
  table10_hparams_glue: ['table2_glue'],
  table11_hparams_vtab: ['table3_vtab'],
  table12_hparams_math: ['table4_math', 'table6_orthogonality', 'table13_math_low_budget'],
  table14_hparams_commonsense: ['table5_commonsense', 'table15_commonsense_low_budget'],
} as const;
type RateTable = keyof typeof RATES;

export const rates: Check = {
  name: 'ranks-with-rates',
  about: 'ranks for which a learning rate is printed are ranks of a result, and the other way round',
  run: (paper) => (Object.keys(RATES) as RateTable[]).flatMap((table) => ofTable(paper, table)),
};

interface RankedRow {
  readonly table: TableName;
  readonly rank: number;
  readonly params: string;
}

function ofTable(paper: Paper, table: RateTable): Finding[] {
  const results = RATES[table].flatMap((name): RankedRow[] =>
    paper[name]
      .filter(({ method }) => method === 'PSOFT')
      .map(({ config, params_m }) => ({
        table: name,
        rank: configNumbers(config).r ?? Number.NaN,
        params: params_m.text,
      })),
  );
  const rated = paper[table].flatMap((row) => {
    const rank = /^lr_psoft_r(\d+)$/.exec(row.hyperparameter)?.[1];
    return rank === undefined ? [] : [{ row, rank: Number(rank) }];
  });
  const named = rated.map(({ row, rank }): Finding => {
    const users = results.filter((result) => result.rank === rank);
    const nearest = [...results].sort((a, b) => Math.abs(a.rank - rank) - Math.abs(b.rank - rank))[0];
    return {
      ...place(table, row, 'hyperparameter', `r=${rank}`),
      cell: row.label,
      recomputed:
        users.length > 0
          ? titles(users)
          : `no result has it; the nearest is r=${nearest?.rank} of ${titles(results.filter((one) => one.rank === nearest?.rank))}`,
      rule: 'a rank with a learning rate is the rank of a PSOFT row',
      verdict: verdictOf(users.length > 0),
      ...noted(users.length === 0 && nearest ? budget(paper, rank, nearest) : undefined),
      uses: [],
    };
  });
  const unrated = results.filter(({ rank }) => !rated.some((one) => one.rank === rank));
  if (unrated.length === 0) return named;
  const ranks = [...new Set(unrated.map(({ rank }) => rank))].sort((a, b) => a - b);
  return [
    ...named,
    {
      table: TABLES[table].title,
      cell: 'ranks without a learning rate',
      printed: 'none',
      recomputed: `r = ${ranks.join(', ')} of ${titles(unrated)}`,
      rule: 'a PSOFT row has a learning rate printed for its rank',
      verdict: 'cannot be decided',
      judges: [],
      uses: [],
    },
  ];
}

function budget(paper: Paper, rank: number, nearest: RankedRow): string {
  const { model, inserted_modules } = settingsOf(paper, nearest.table);
  const { formula } = countRule(paper, 'PSOFT', '');
  const count = countedBy(formula, linearsOf(model, inserted_modules), { r: rank }) / 1e6;
  return `r=${rank} would train ${show(count, 2)}M where ${nearest.params}M is printed`;
}

function titles(rows: readonly RankedRow[]): string {
  return [...new Set(rows.map(({ table }) => TABLES[table].title))].join(', ');
}
