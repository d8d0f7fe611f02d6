/** Which data PEFT's benchmark (method_comparison/MetaMathQA) trains on and chooses by; it reports GSM8K's test set. */
import { numpyLegacyShuffle } from '@psoft/engine';
import type { InstructionExample, MathProblem } from './problems.ts';

/** Characters (code points) of query, a space and response. */
export const PEFT_CHARACTER_LIMIT = 1300;
export const PEFT_VALIDATION_SIZE = 50;

/** MetaMathQA (all 395,000) without its long examples, in file order. */
export const peftTrainingSet = (examples: readonly InstructionExample[]): InstructionExample[] =>
  examples.filter(({ query, response }) => {
    const text = `${query} ${response}`;
    return text.length <= PEFT_CHARACTER_LIMIT || [...text].length <= PEFT_CHARACTER_LIMIT;
  });

/** 50 problems of GSM8K's training set: the first of NumPy's legacy shuffle with seed 0. */
export function peftValidationSet(train: readonly MathProblem[]): MathProblem[] {
  const order = numpyLegacyShuffle(train.length, 0);
  return Array.from(order.subarray(0, PEFT_VALIDATION_SIZE), (i) => train[i]!);
}
