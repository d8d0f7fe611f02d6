/** Every printed parameter count, from the shapes of the adapted linears and the method's formula. */
import { cutsTo, numberOf, type Paper, type Printed, type Row, roundsTo, TABLES } from '../paper/index.ts';
import { architectureOf, linearsOf } from './architectures.ts';
import { configNumbers, countedBy, countRule } from './counting.ts';
import {
  type Check,
  cells,
  type Finding,
  noted,
  place,
  rowOf,
  settingsOf,
  show,
  verdictOf,
} from './finding.ts';

const BY_METHOD = [
  'table2_glue',
  'table3_vtab',
  'table4_math',
  'table5_commonsense',
  'table6_orthogonality',
  'table13_math_low_budget',
  'table15_commonsense_low_budget',
] as const;
const SWEEPS = ['table17_ranks_cola', 'table18_ranks_commonsense'] as const;
const MILLION = 1e6;

export const parameters: Check = {
  name: 'parameters',
  about: 'parameter counts, from the shapes of the adapted linears and the formula of the method',
  run: (paper) => [
    ...BY_METHOD.flatMap((table) => paper[table].map((row) => ofMethod(paper, table, row))),
    ...SWEEPS.flatMap((table) => paper[table].map((row) => ofRank(paper, table, row))),
    oftFormula(paper),
  ],
};

function ofMethod(
  paper: Paper,
  table: (typeof BY_METHOD)[number],
  row: Row<(typeof BY_METHOD)[number]>,
): Finding {
  const settings = settingsOf(paper, table);
  if (row.method === 'FFT') return ofWholeModel(settings.model, table, row);
  const modules = modulesOf(row) ?? settings.inserted_modules;
  const linears = linearsOf(settings.model, modules);
  const { formula, source, uses } = countRule(paper, row.method, row.config);
  const count = countedBy(formula, linears, configNumbers(row.config)) / MILLION;
  return {
    ...place(table, row, 'params_m'),
    ...judged(count, row.params_m),
    rule: `sum of ${formula} over ${linears.length} linears (${source})`,
    uses,
  };
}

/** Tables of several module sets name each row's own. */
function modulesOf(row: object): readonly string[] | undefined {
  return (row as { readonly inserted_modules?: readonly string[] }).inserted_modules;
}

/** Printed in billions, as 3.21B, the last digit stands for ten million. */
function unitOf(printed: Printed): Printed {
  return (printed.value ?? 0) >= 1000 ? { ...printed, halfUnit: 5 } : printed;
}

/** Adapters' counts leave the classifier out; a model tuned whole may be counted with or without it. */
function ofWholeModel(
  model: string,
  table: (typeof BY_METHOD)[number],
  row: Row<(typeof BY_METHOD)[number]>,
): Finding {
  const { parameters, classifier } = architectureOf(model);
  const [least, most] = [parameters, parameters + classifier[1]].map((count) => count / MILLION) as [
    number,
    number,
  ];
  const params = unitOf(row.params_m);
  const digits = row.params_m.decimals + 2;
  const isSure = roundsTo(least, params) && roundsTo(most, params);
  const printed = numberOf(params);
  const isPossible = printed + params.halfUnit >= least && printed - params.halfUnit <= most;
  return {
    ...place(table, row, 'params_m'),
    recomputed: least === most ? show(least, digits) : `${show(least, digits)} to ${show(most, digits)}`,
    rule: `all parameters of ${model}${classifier[1] > 0 ? ', without and with the classifier of the largest task' : ''}`,
    verdict: isSure ? 'follows' : isPossible ? 'cannot be decided' : 'does not follow',
    ...noted(
      isSure || !isPossible ? undefined : 'follows for the classifiers of some tasks only, and none is named',
    ),
    uses: [],
  };
}

function ofRank(paper: Paper, table: (typeof SWEEPS)[number], row: Row<(typeof SWEEPS)[number]>): Finding {
  const { model, inserted_modules } = settingsOf(paper, table);
  const linears = linearsOf(model, inserted_modules);
  const { formula, source, uses } = countRule(paper, 'PSOFT', '');
  const count = countedBy(formula, linears, { r: numberOf(row.rank) });
  return {
    ...place(table, row, 'params'),
    ...judged(count, row.params),
    rule: `sum of ${formula} over ${linears.length} linears (${source})`,
    uses,
  };
}

function judged(count: number, printed: Printed): Pick<Finding, 'recomputed' | 'verdict' | 'note'> {
  const holds = roundsTo(count, printed);
  return {
    recomputed: show(count, printed.decimals === 0 ? 0 : printed.decimals + 2),
    verdict: verdictOf(holds),
    ...noted(
      !holds && cutsTo(count, printed) ? 'fits when digits are cut off instead of rounded' : undefined,
    ),
  };
}

/** Table 8's OFT row against the one OFT that the result tables hold. */
function oftFormula(paper: Paper): Finding {
  const oft = rowOf(paper, 'table8_param_formulas', 'OFT');
  const tried = BY_METHOD.flatMap((table) => {
    const settings = settingsOf(paper, table);
    return paper[table]
      .filter(({ method }) => method === 'OFTv2')
      .map((row) => {
        const linears = linearsOf(settings.model, modulesOf(row) ?? settings.inserted_modules);
        const block = configNumbers(row.config).b ?? Number.NaN;
        // Table 8's r is the number of blocks.
        const counts = linears.map((linear) =>
          countedBy(oft.formula, [linear], { r: linear.inFeatures / block }),
        );
        return { table, row, count: counts.reduce((sum, count) => sum + count, 0) / MILLION };
      });
  });
  const holds = tried.every(({ row, count }) => roundsTo(count, row.params_m));
  return {
    ...place('table8_param_formulas', oft, 'formula'),
    recomputed: tried
      .map(
        ({ table, row, count }) => `${show(count, 2)} for the ${row.params_m.text} of ${TABLES[table].title}`,
      )
      .join(', '),
    rule: 'with r = d/b blocks, the formula gives the millions of every OFT row (OFTv2)',
    verdict: verdictOf(holds),
    ...noted(holds ? undefined : 'it counts full blocks and a scale; OFTv2 trains skew blocks and no scale'),
    uses: tried.flatMap(({ table, row }) => cells(table, row, ['params_m'])),
  };
}
