/** GSM8K as MetaMath's evaluation scores it, quirk for quirk: the paper's figures are made so. */
import { afterLast, asciiDigits, integerText, parseInteger, roundHalfEven } from '../python.ts';

export const ANSWER_MARK = 'The answer is: ';

/** Sign, digits, at most one of `. , /`, digits: of 1,234,567 it takes 1,234. */
const NUMBER = /[-+]?\p{Nd}*[.,/]?\p{Nd}+/u;

/**
 * The number that an output counts as: the first after the last mark, rounded to an integer, halves to even.
 * Undefined counts as wrong; so does what makes the released script stop with an error (3/00, or a fraction of numbers
 * too large for a double).
 */
export function extractNumber(output: string): number | undefined {
  const found = NUMBER.exec(afterLast(output, ANSWER_MARK) ?? '')?.[0];
  if (found === undefined) return undefined;
  const value = quotient(asciiDigits(found).replaceAll(',', ''), found);
  return value === undefined || !Number.isFinite(value) ? undefined : roundHalfEven(value);
}

function quotient(text: string, raw: string): number | undefined {
  if (!text.includes('/')) return Number(text);
  const [numerator, denominator] = text.split('/') as [string, string];
  if (!/\d/.test(numerator)) return undefined;
  // Only the plain 0 is looked for.
  if (raw.endsWith('/0') && denominator === '0') return Number(numerator);
  return Number(numerator) / Number(denominator);
}

/** The integer between the first `#### ` and the next. */
export function goldNumber(solution: string): bigint | undefined {
  const piece = solution.split('#### ')[1];
  return piece === undefined ? undefined : parseInteger(piece.replaceAll(',', ''));
}

export function gradeGsm8k(output: string, solution: string) {
  const predicted = extractNumber(output);
  const gold = goldNumber(solution);
  return {
    correct: predicted !== undefined && gold !== undefined && predicted === Number(gold),
    extracted: predicted === undefined ? undefined : integerText(predicted),
    gold: gold?.toString(),
  };
}
