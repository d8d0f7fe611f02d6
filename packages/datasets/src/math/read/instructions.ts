/** Queries and responses to train on. */
import { optionalText, readRows, textOf } from '../../rows.ts';
import { DataError } from '../../text.ts';
import { metaMathForm } from '../metamathForm.ts';
import type { InstructionExample } from '../problems.ts';

const QUERY = ['query', 'response'];
/** GSM8K's own, to be brought into MetaMathQA's form. */
const QUESTION = ['question', 'answer'];

/** @throws DataError naming file, row and field */
export async function readInstructions(files: readonly string[]): Promise<InstructionExample[]> {
  const { rows, naming } = await readRows(files, [QUERY, QUESTION], ['type']);
  const [query, response] = naming as [string, string];
  return rows.map((row) => {
    const [asked, answered] = [textOf(row, query), textOf(row, response)];
    const { type } = optionalText(row, ['type']);
    if (naming === QUERY)
      return { query: asked, response: answered, ...(type === undefined ? {} : { type }) };
    if (!answered.includes('#### '))
      throw new DataError(`${row.where}: "${response}" states no answer, expected "#### N"`);
    try {
      return metaMathForm({ problem: asked, solution: answered }, 'gsm8k');
    } catch (cause) {
      throw new DataError(`${row.where}: ${(cause as Error).message}`, { cause });
    }
  });
}
