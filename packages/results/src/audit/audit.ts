/** Recomputes what the paper prints, from what it prints. */
import { type Paper, TABLES } from '../paper/index.ts';
import { activations } from './activations.ts';
import { attainability } from './attainability.ts';
import { averages } from './averages.ts';
import { claims } from './claims.ts';
import { coverageOf, type TableCoverage } from './coverage.ts';
import type { Check, Finding } from './finding.ts';
import { memoryBounds } from './memoryBounds.ts';
import { memoryShape } from './memoryShape.ts';
import { memoryTwice } from './memoryTwice.ts';
import { outOfMemory } from './outOfMemory.ts';
import { parameters } from './parameters.ts';
import { rates } from './rates.ts';
import { sameSetting } from './sameSetting.ts';
import { sweeps } from './sweeps.ts';
import { timings } from './timings.ts';
import { wallTimes } from './wallTimes.ts';

/** A new check is a module and a line here. */
export const CHECKS: readonly Check[] = [
  averages,
  parameters,
  attainability,
  sameSetting,
  claims,
  rates,
  memoryTwice,
  memoryShape,
  memoryBounds,
  outOfMemory,
  activations,
  timings,
  wallTimes,
  sweeps,
];

export interface CheckedFinding extends Finding {
  /** The name of its check. */
  readonly check: string;
}

export interface Audit {
  /** In the order of the tables, then of the checks. */
  readonly findings: readonly CheckedFinding[];
  readonly coverage: readonly TableCoverage[];
}

export function audit(paper: Paper): Audit {
  const order = Object.values(TABLES).map(({ title }): string => title);
  const findings = CHECKS.flatMap(({ name, run }) =>
    run(paper).map((finding) => ({ ...settled(finding), check: name })),
  );
  // Sorting is stable, so a table's findings stay in the order of the checks.
  const sorted = findings.sort((a, b) => order.indexOf(a.table) - order.indexOf(b.table));
  return { findings: sorted, coverage: coverageOf(paper, sorted) };
}

/** A rule whose inputs are not all there decides nothing. */
function settled(finding: Finding): Finding {
  if (!finding.recomputed.includes('NaN')) return finding;
  return { ...finding, verdict: 'cannot be decided', note: 'a cell that the rule needs holds no number' };
}
