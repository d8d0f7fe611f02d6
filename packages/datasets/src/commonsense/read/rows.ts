/** Questions of one file, each checked. */
import { shown } from '@psoft/engine/errors';
import { readRows, textOf } from '../../rows.ts';
import { DataError } from '../../text.ts';
import { namesWord } from '../scorers.ts';
import { COMMONSENSE_SETS, type CommonsenseRow, type CommonsenseSetInfo, optionsOf } from '../sets.ts';
import type { Wanted } from './layouts.ts';

const FIELDS = ['instruction', 'input', 'output', 'answer'];

export interface Questions {
  readonly rows: readonly CommonsenseRow[];
  /** What is wrong with rows that were let through. */
  readonly faults: readonly string[];
}

/**
 * @param isPublished whether the file is the published training data, which a paper's run has to take as it is: a row
 *   that contradicts itself is then let through
 * @throws DataError naming file, row and value
 */
export async function readQuestions(file: string, wanted: Wanted, isPublished: boolean): Promise<Questions> {
  const { rows: read } = await readRows([file], [FIELDS]);
  const faults: string[] = [];
  const rows = read.map((row) => {
    const question: CommonsenseRow = {
      instruction: textOf(row, 'instruction'),
      input: textOf(row, 'input', { mayBeEmpty: true }),
      output: textOf(row, 'output'),
      answer: textOf(row, 'answer'),
    };
    const fault = faultOf(question, wanted);
    if (fault === undefined) return question;
    if (wanted !== 'training' || !isPublished) throw new DataError(`${row.where}: ${fault}`);
    faults.push(`${row.where}: ${fault}`);
    return question;
  });
  return { rows, faults };
}

function faultOf(question: CommonsenseRow, wanted: Wanted): string | undefined {
  const { instruction, output, answer } = question;
  const options = optionsOf(question);
  if (options === undefined)
    return `"instruction" lists no options, expected it to end in "Answer format: a/b": ${shown(instruction.slice(-60))}`;
  const sets: readonly CommonsenseSetInfo[] =
    wanted === 'training' ? Object.values(COMMONSENSE_SETS) : [COMMONSENSE_SETS[wanted]];
  if (!sets.some(({ words }) => options.every((option) => words.includes(option))))
    return `the options ${shown(options.join('/'))} are not of ${wanted === 'training' ? 'any set' : `${wanted}, which has ${sets[0]!.words.join('/')}`}`;
  if (!options.includes(answer))
    return `"answer" is ${shown(answer)}, expected one of the options ${options.join('/')}`;
  if (!namesWord(output, answer))
    return `"output" is ${shown(output.slice(0, 80))}, expected it to name the answer ${answer}`;
  return undefined;
}
