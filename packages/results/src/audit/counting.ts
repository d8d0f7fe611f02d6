/** Trained values of a linear by method: Table 8's formulas where it has one, and those of the methods it lacks. */
import type { Paper } from '../paper/index.ts';
import { PaperError } from '../paper/index.ts';
import type { Linear } from './architectures.ts';
import { type CellPlace, cells } from './finding.ts';
import { evaluate } from './formula.ts';

export interface CountRule {
  /** d inputs and n outputs. */
  readonly formula: string;
  /** Where the formula stands. */
  readonly source: string;
  readonly uses: readonly CellPlace[];
}

/** Methods whose row in Table 8 bears another name. */
const SAME_AS: Readonly<Record<string, string>> = { PiSSA: 'LoRA', 'PiSSA+LoRA-XS': 'LoRA-XS' };

/** Not in Table 8, or there for another variant: the OFT row has full blocks and a scale. */
const OWN: Readonly<Record<string, CountRule>> = {
  OFTv2: { formula: 'd*(b-1)/2', source: 'skew blocks of size b, not in Table 8', uses: [] },
  GOFTv2: { formula: 'd - 1', source: 'one angle a Givens rotation, not in Table 8', uses: [] },
  qGOFTv2: { formula: '4*(d - 1)', source: 'four values a rotation, not in Table 8', uses: [] },
};
const STRICT: CountRule = { formula: 'r*(r-1)/2', source: 'Table 8 without the two vectors', uses: [] };

/**
 * @param config as printed: "b=8 m=2", "r=352 strict_orthogonality"
 * @throws PaperError for a method without a formula
 */
export function countRule(paper: Paper, method: string, config: string): CountRule {
  if (config.includes('strict_orthogonality')) return STRICT;
  const own = OWN[method];
  if (own) return own;
  const name = SAME_AS[method] ?? method;
  const row = paper.table8_param_formulas.find((candidate) => candidate.method === name);
  if (row) {
    const uses = cells('table8_param_formulas', row, ['formula']);
    return { formula: row.formula, source: `Table 8, ${name}`, uses };
  }
  throw new PaperError(`no formula counts the parameters of "${method}": add it to Table 8 or counting.ts`);
}

/** The numbers in a printed configuration. SVFT's plain variant "P" has no off-diagonal: k = 0. */
export function configNumbers(config: string): Readonly<Record<string, number>> {
  const named = [...config.matchAll(/([A-Za-z_]+)=(\d+(?:\.\d+)?)/g)];
  return {
    ...(config === 'P' ? { k: 0 } : {}),
    ...Object.fromEntries(named.map(([, name, value]) => [name!, Number(value)])),
  };
}

/** Over all linears. */
export function countedBy(
  formula: string,
  linears: readonly Linear[],
  config: Readonly<Record<string, number>>,
): number {
  return linears.reduce((sum, { inFeatures: d, outFeatures: n }) => {
    return sum + evaluate(formula, { ...config, d, n, d_min: Math.min(d, n) });
  }, 0);
}
