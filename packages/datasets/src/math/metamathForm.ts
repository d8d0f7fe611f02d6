/** Problems as training data in the form of MetaMathQA, whose responses end in the sentence that its scorer reads. */

import { DataError } from '../text.ts';
import { ANSWER_MARK } from './graders/paper/gsm8k.ts';
import { goldAnswer } from './graders/paper/math.ts';
import { findAnswer, REFERENCE_ORDER } from './graders/strict/extract.ts';
import type { InstructionExample, MathDataset, MathProblem } from './problems.ts';

/** What GSM8K's solutions hold for a calculator: `<<48/2=24>>`. */
const CALCULATION = /<<[^<>]*>>/g;

/**
 * A problem and its solution as query and response: GSM8K's calculator notes left out, then a last line
 * `The answer is: N`, without separators of thousands, which the scorer would stop at.
 * @throws DataError for a solution that states no answer
 */
export function metaMathForm({ problem, solution }: MathProblem, dataset: MathDataset): InstructionExample {
  const stated =
    dataset === 'math'
      ? (goldAnswer(solution) ?? findAnswer(solution, dataset, REFERENCE_ORDER)?.answer)
      : findAnswer(solution, dataset, REFERENCE_ORDER)?.answer.replaceAll(',', '');
  if (stated === undefined)
    throw new DataError(`a solution states no answer (${MARKS[dataset]}): ${solution.slice(-80)}`);
  const text = dataset === 'gsm8k' ? solution.replace(CALCULATION, '') : solution;
  return { query: problem, response: `${text.trimEnd()}\n${ANSWER_MARK}${stated.trim()}` };
}

export const MARKS: Readonly<Record<MathDataset, string>> = { gsm8k: '"#### N"', math: '"\\boxed{...}"' };
