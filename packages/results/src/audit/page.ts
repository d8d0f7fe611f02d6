/** docs/audit.md: how to read an audit, and the one of the paper as printed. */
import { type Audit, CHECKS } from './audit.ts';
import { formatAudit, summaryOf } from './report.ts';

/** @returns markdown, for `npm run docs:audit` and the test that compares the file */
export function auditPage(audit: Audit): string {
  return `# The paper's numbers, recomputed

Written by \`npm run docs:audit\`; edit \`packages/results/src/audit\` instead.

\`\`\`sh
npx nx run results:audit                           # what does not follow, what cannot be decided, and counts
npx nx run results:audit --format=markdown         # this page's tables; also json and csv, which hold every finding
npx nx run results:audit --all                     # what follows, too
npx psoft audit --strict                           # exits with 2 if something does not follow (under nx with 1)
npx psoft audit --paper-dir=DIR                    # another copy of packages/results/paper
\`\`\`

The command reads the tables and figures of arXiv 2505.11235v3 as they are printed
([packages/results/paper](../packages/results/paper/README.md)) and computes from them, and from nothing else of this project, every
value that has a rule. ${summaryOf(audit)}

**How to read it.** A value *follows* when the rule gives it within rounding: half a unit of its last digit, and what
the rounding of its own inputs adds. It *does not follow* when the rule gives another value. That says that the paper contradicts the rule or
itself, not which of the two is right: a misprint, a setting that the text does not mention and a wrong measurement look alike.
*Cannot be decided* means that the rule needs something that is not printed; what the numbers do say is then given as recomputed. A row may
name several cells; a cell's verdict below is the worst on it. Scores that merely enter an average are *only used*.

A finding is about a printed number, not about the method.

| check | compares |
| --- | --- |
${CHECKS.map(({ name, about }) => `| ${name} | ${about} |`).join('\n')}

Parameter counts are a second statement, apart from \`parameterCount\` of the adapter package: Table 8's formulas are read from its
CSV file and evaluated over the shapes of the four models. Scores on VTAB-1K and QNLI carry too few digits for their number of items: every
printed value is attainable there, and they are checked by their averages only.

${formatAudit(audit, 'markdown')}`;
}
