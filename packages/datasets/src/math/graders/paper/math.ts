/** MATH as MetaMath's evaluation scores it: text after the last mark, equal to the boxed answer once both are stripped. */
import { lastBoxed } from '../boxed.ts';
import { afterLast, strip } from '../python.ts';
import { ANSWER_MARK } from './gsm8k.ts';
import { stripAnswer } from './stripAnswer.ts';

const BOX = '\\boxed{';

/** What stands in the last `\boxed{}`. An `\fbox`, or spaces before the brace, leave no answer: always wrong. */
export function goldAnswer(solution: string): string | undefined {
  const boxed = lastBoxed(solution);
  return boxed?.startsWith(BOX) ? boxed.slice(BOX.length, -1) : undefined;
}

/** Text after the last mark up to a full stop that ends a line, less one full stop at its end. */
export function extractAnswer(output: string): string | undefined {
  const rest = afterLast(output, ANSWER_MARK);
  if (rest === undefined) return undefined;
  const answer = strip(rest.split('.\n')[0]!);
  return strip(answer.endsWith('.') ? answer.slice(0, -1) : answer);
}

/** Where stripping either one fails, the two are compared as they stand. */
export function isEquivalent(one: string, other: string): boolean {
  const [a, b] = [stripAnswer(one), stripAnswer(other)];
  return a === undefined || b === undefined ? one === other : a === b;
}

export function gradeMath(output: string, solution: string) {
  const extracted = extractAnswer(output);
  const gold = goldAnswer(solution);
  const correct = extracted !== undefined && gold !== undefined && isEquivalent(extracted, gold);
  return { correct, extracted, gold };
}
