/** Differences that the text states (claims.csv), against the table that it speaks of. */
import {
  numberOf,
  OUT_OF_MEMORY,
  type Paper,
  PaperError,
  type Printed,
  type Row,
  TABLES,
  type TableName,
} from '../paper/index.ts';
import { deviceOf } from './devices.ts';
import { type Check, type Finding, noted, rowOf, settingsOf, show, verdictOf } from './finding.ts';

export const claims: Check = {
  name: 'claims',
  about: 'differences that the text states, from the tables',
  run: (paper) => paper.claims.map((claim) => judged(paper, claim)),
};

function judged(paper: Paper, claim: Row<'claims'>): Finding {
  const table = tableNamed(claim.table);
  const [row, reference] = [rowOf(paper, table, claim.row), rowOf(paper, table, claim.reference)];
  const [ours, theirs] = [row, reference].map((one) => printedOf(one, claim.column)) as [Printed, Printed];
  const shared = {
    table: TABLES[table].title,
    cell: `${claim.place}: ${claim.row} against ${claim.reference}, ${claim.column}`,
    // The claim is judged, not the cells that it speaks of.
    judges: [],
    uses: [row, reference].map(({ line }) => ({ table, line, column: claim.column })),
  };
  if (claim.kind === 'less') return { ...shared, ...less(paper, table, ours, theirs) };
  if (claim.kind === 'lead') return { ...shared, ...lead(paper, table, claim, ours, theirs) };
  throw new PaperError(`claims.csv line ${claim.line}: kind must be "lead" or "less", got "${claim.kind}"`);
}

type Judged = Pick<Finding, 'printed' | 'recomputed' | 'rule' | 'verdict' | 'note'>;

function lead(paper: Paper, table: TableName, claim: Row<'claims'>, ours: Printed, theirs: Printed): Judged {
  const value = numberOf(ours) - numberOf(theirs);
  const holds = isStated(value, claim.difference);
  return {
    printed: claim.difference.text,
    recomputed: `${show(value, claim.difference.decimals)} (${ours.text} - ${theirs.text})`,
    rule: 'the difference of the two printed scores',
    verdict: verdictOf(holds),
    ...noted(holds ? undefined : elsewhere(paper, table, claim)),
  };
}

function isStated(value: number, stated: Printed): boolean {
  return Math.abs(value - numberOf(stated)) < stated.halfUnit;
}

/** Other pairs of a PSOFT row and a baseline of the table that the stated difference would fit. */
function elsewhere(paper: Paper, table: TableName, claim: Row<'claims'>): string {
  const rows = paper[table] as readonly Row<TableName>[];
  const isOurs = ({ label }: Row<TableName>) => label.startsWith('PSOFT');
  const psoft = rows.filter(isOurs);
  const others = rows.filter((row) => !isOurs(row));
  const found = psoft.flatMap((row) =>
    others
      .filter((other) =>
        isStated(
          numberOf(printedOf(row, claim.column)) - numberOf(printedOf(other, claim.column)),
          claim.difference,
        ),
      )
      .map((other) => `${row.label} above ${other.label}`),
  );
  return found.length > 0
    ? `fits ${found.join(', ')}`
    : `no PSOFT row of the table is ${claim.difference.text} above any baseline in ${claim.column}`;
}

/** What runs out of memory takes more than the device has. */
function less(paper: Paper, table: TableName, ours: Printed, theirs: Printed): Judged {
  const { memoryGb } = deviceOf(settingsOf(paper, table).device);
  const limit = theirs.text === OUT_OF_MEMORY ? memoryGb : numberOf(theirs);
  return {
    printed: 'less memory',
    recomputed: `${ours.text} against ${theirs.text}`,
    rule: `the first takes less memory than the second; ${OUT_OF_MEMORY} is more than ${memoryGb} GB`,
    verdict: verdictOf(numberOf(ours) < limit),
  };
}

function tableNamed(name: string): TableName {
  if (Object.hasOwn(TABLES, name)) return name as TableName;
  throw new PaperError(`claims.csv: unknown table "${name}"; known: ${Object.keys(TABLES).join(', ')}`);
}

function printedOf(row: object, column: string): Printed {
  const value = (row as Readonly<Record<string, Printed>>)[column];
  if (value?.text !== undefined) return value;
  throw new PaperError(`claims.csv: no column "${column}" of numbers in its table`);
}
