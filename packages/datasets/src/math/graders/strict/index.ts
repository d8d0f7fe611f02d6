/** The strict scorer: what a mathematician would accept. Pure, bounded in time, and it never throws. */
import type { MathDataset } from '../../problems.ts';
import { type Answer, readAnswer } from './answer.ts';
import { sameAnswer } from './equal.ts';
import { findAnswer, OUTPUT_ORDER, onlyNumber, REFERENCE_ORDER } from './extract.ts';
import { Unreadable } from './tokens.ts';
import { isUnitSymbol } from './units.ts';
import { isInWords, spelledNumber, unwrap, wordForm } from './words.ts';

/** Longer answers are compared as text: none in the data comes near. */
const MAX_LENGTH = 500;

export function gradeStrict(output: string, solution: string, dataset: MathDataset, finished: boolean) {
  const gold = findAnswer(solution, dataset, REFERENCE_ORDER)?.answer.trim();
  const stated = findAnswer(output, dataset, OUTPUT_ORDER);
  const extracted = stated?.answer.trim();
  // An output that was cut off has an answer only where it stated one, to its end.
  const counts = finished || (stated?.isClosed === true && stated.by !== 'last');
  if (gold === undefined || extracted === undefined || !counts) return { correct: false, extracted, gold };
  let correct = isSame(gold, extracted);
  if (!correct && dataset === 'gsm8k' && stated!.by !== 'boxed') {
    const number = onlyNumber(extracted);
    correct = number !== undefined && isSame(gold, number);
  }
  return { correct, extracted, gold };
}

/**
 * Whether an answer says what the reference says.
 * @param gold as the reference has it: units in `\text`
 * @param answer as a model wrote it, perhaps in plain text
 */
export function isSame(gold: string, answer: string): boolean {
  const [a, b] = [tidy(gold), tidy(answer)];
  if (a === '' || b === '') return false;
  if (compact(a) === compact(b)) return true;
  if (a.length > MAX_LENGTH || b.length > MAX_LENGTH) return false;
  if (isInWords(a)) return sameWords(a, b);
  const form = wordForm(a);
  // 9 a.m. is no quantity; letters of choices may stand in brackets or in `\text`.
  const isWording = unwrap(a) !== a && /[A-Za-z]{2}/.test(form) && !a.includes('^');
  if ((isWording || /^[A-Za-z](?:,[A-Za-z])*$/.test(form)) && form === wordForm(b)) return true;
  const digits = inBase(a);
  if (digits !== undefined) return sameDigits(digits, inBase(b) ?? { digits: compact(b) });
  const golds = readings(a);
  return readings(spelledNumber(b) ?? b, true).some((one) => golds.some((wanted) => sameAnswer(wanted, one)));
}

/** Without the marks around an answer: dollar signs in pairs, brackets of displays, stars, a full stop. */
function tidy(answer: string): string {
  let text = answer
    .trim()
    .replace(/^\*+|\*+$/g, '')
    .trim();
  const dollars = text.match(/(?<!\\)\$/g)?.length ?? 0;
  if (dollars % 2 === 0) text = text.replace(/(?<!\\)\$/g, '');
  text = text.replace(/\\\[|\\\]|\\\(|\\\)/g, ' ');
  return text.replace(/(?:\\[,;! ]|[\s.,;:](?<!\\[,;:]))+$/, '').replace(/^[\s,;:]+/, '');
}

/** As LaTeX prints it: spaces and sizes say nothing. */
const compact = (text: string): string =>
  text
    .replace(/\\(?:left|right|displaystyle)(?![a-zA-Z])|\\[,;:!]|\\ (?! )/g, '')
    .replace(/\\[dtc]frac(?![a-zA-Z])/g, '\\frac')
    .replace(/(\\[a-zA-Z]+)\s+(?=[a-zA-Z])/g, '$1\u0000')
    .replace(/\s+/g, '');

function sameWords(gold: string, answer: string): boolean {
  const parts = (text: string): string[] =>
    unwrap(text)
      .split(/,|;|\band\b/)
      .map(wordForm)
      .filter((part) => part !== '')
      .sort();
  const [a, b] = [parts(gold), parts(answer)];
  return a.length === b.length && a.every((part, i) => part === b[i]);
}

const BASE = /^(-?[0-9A-Z]*\.?[0-9A-Z]+)_(?:\{(?:\\text\{)?([a-z0-9]+)\}{1,2}|(\d))$/;
const BASES: Readonly<Record<string, string>> = {
  two: '2',
  three: '3',
  four: '4',
  five: '5',
  six: '6',
  seven: '7',
  eight: '8',
  nine: '9',
  ten: '10',
  eleven: '11',
  twelve: '12',
  sixteen: '16',
};

/** `2516_8`, `152A_{11}`: digits are compared, not values, for the base is asked for. */
function inBase(answer: string): { digits: string; base?: string } | undefined {
  const text = compact(answer).replace(/\(?base(\w+)\)?$/, '_{$1}');
  const found = BASE.exec(text);
  if (found === null || !/\d/.test(found[1]!)) return undefined;
  const base = found[2] ?? found[3]!;
  return { digits: found[1]!, base: BASES[base] ?? base };
}

const sameDigits = (a: { digits: string; base?: string }, b: { digits: string; base?: string }): boolean =>
  a.digits === b.digits && (b.base === undefined || a.base === b.base);

/** What an answer may mean: 1,234 one number or two; `5 cm` five centimetres, if a model wrote it. */
function readings(answer: string, mayNameUnits = false): Answer[] {
  const texts = [answer];
  if (mayNameUnits) {
    const upright = answer.replace(/\\mathrm\s*\{/g, '\\text{');
    if (upright !== answer) texts.push(upright);
    const plain = wordsAsUnit(answer);
    if (plain !== undefined) texts.push(plain);
  }
  const found: Answer[] = [];
  for (const text of texts)
    for (const readsCommas of /\d,\d{3}(?!\d)/.test(text) ? [true, false] : [true])
      try {
        found.push(readAnswer(text, readsCommas));
      } catch (error) {
        if (!(error instanceof Unreadable)) throw error;
      }
  return found;
}

const TRAILING_WORDS =
  /^(.*[\d}%)!]|.*\\pi)(\s*)((?:[A-Za-z]+[.]?(?:\/|-|\s+|$|(?=\^)))+)((?:\^\{?[23]\}?)?)$/s;

/** `5 cm^2` as `5 \text{cm}^2`: words after a number that can hardly be variables. */
function wordsAsUnit(answer: string): string | undefined {
  const [, value, space, words, exponent] = TRAILING_WORDS.exec(answer) ?? [];
  if (value === undefined) return undefined;
  const isUnit = words!
    .trim()
    .split(/[\s/.-]+/)
    .filter((word) => word !== '')
    .every(
      (word, i) =>
        isUnitSymbol(word) ||
        (space !== '' && word.length >= 3) ||
        (i > 0 && word.length === 2) ||
        (i > 0 && word === 'a'),
    );
  return isUnit ? `${value}\\text{ ${words!.trim()}}${exponent}` : undefined;
}
