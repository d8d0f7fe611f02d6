/** GSM8K and MATH as problems with solutions that state their answers. */
import { optionalText, readRows, textOf } from '../../rows.ts';
import { DataError } from '../../text.ts';
import { findAnswer } from '../graders/strict/extract.ts';
import { MARKS } from '../metamathForm.ts';
import type { MathDataset, MathProblem } from '../problems.ts';

/** Field names: of the sets themselves, and of the copies in MetaMath's repository. */
const NAMINGS: Readonly<Record<MathDataset, readonly (readonly [string, string])[]>> = {
  gsm8k: [
    ['question', 'answer'],
    ['query', 'response'],
    ['problem', 'solution'],
  ],
  math: [
    ['problem', 'solution'],
    ['instruction', 'output'],
    ['query', 'response'],
  ],
};

const OPTIONAL = ['level', 'type'] as const;

const STATED_BY = { gsm8k: 'hashes', math: 'boxed' } as const;

/** @throws DataError naming file, row and field, also for a solution that states no answer */
export async function readProblems(files: readonly string[], dataset: MathDataset): Promise<MathProblem[]> {
  const { rows, naming } = await readRows(files, NAMINGS[dataset], OPTIONAL);
  const [problem, solution] = naming as [string, string];
  return rows.map((row) => {
    const worked = textOf(row, solution);
    if (findAnswer(worked, dataset, [STATED_BY[dataset]]) === undefined)
      throw new DataError(`${row.where}: "${solution}" states no answer, expected ${MARKS[dataset]}`);
    return { problem: textOf(row, problem), solution: worked, ...optionalText(row, OPTIONAL) };
  });
}
