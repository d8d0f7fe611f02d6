/** The normal form of Hendrycks' MATH code, with the inputs on which it raises. */
import { parseInteger } from '../python.ts';

/** Raised where the released code raises. */
class Failure extends Error {}

/** What is left out or rewritten, in order. The first mark of a unit cuts between the two lists. */
const BEFORE_UNITS: readonly (readonly [string, string])[] = [
  ['\n', ''],
  ['\\!', ''],
  ['\\\\', '\\'],
  ['tfrac', 'frac'],
  ['dfrac', 'frac'],
  ['\\left', ''],
  ['\\right', ''],
  ['^{\\circ}', ''],
  ['^\\circ', ''],
  ['\\$', ''],
];
const AFTER_UNITS: readonly (readonly [string, string])[] = [
  ['\\%', ''],
  [' .', ' 0.'],
  ['{.', '{0.'],
];
const UNIT = '\\text{ ';

/** @returns undefined where the released code raises: `x/y`, two units, a `\frac` or `\sqrt` at the end */
export function stripAnswer(answer: string): string | undefined {
  try {
    return strip(answer);
  } catch (error) {
    if (error instanceof Failure) return undefined;
    throw error;
  }
}

function strip(answer: string): string {
  let text = cutUnit(rewrite(answer, BEFORE_UNITS));
  text = rewrite(text, AFTER_UNITS);
  if (text === '') return '';
  if (text.startsWith('.')) text = `0${text}`;
  const sides = text.split('=');
  if (sides.length === 2 && [...sides[0]!].length <= 2) text = sides[1]!;
  text = braceFractions(braceRoots(text).replaceAll(' ', ''));
  if (text === '0.5') text = '\\frac{1}{2}';
  return integerFraction(text);
}

const rewrite = (text: string, rules: readonly (readonly [string, string])[]): string =>
  rules.reduce((result, [from, to]) => result.replaceAll(from, to), text);

function cutUnit(text: string): string {
  const pieces = text.split(UNIT);
  if (pieces.length > 2) throw new Failure();
  return pieces[0]!;
}

/** `\sqrt3` to `\sqrt{3}` */
function braceRoots(text: string): string {
  const [start, ...rest] = text.split('\\sqrt');
  return start + rest.map((piece) => `\\sqrt${braceFirst(piece)}`).join('');
}

function braceFirst(piece: string): string {
  const [first, ...others] = piece;
  if (first === undefined) throw new Failure();
  return first === '{' ? piece : `{${first}}${others.join('')}`;
}

/** `\frac12` to `\frac{1}{2}`, `\frac1{72}` to `\frac{1}{72}`; with one character after a `\frac`, the text as it was. */
function braceFractions(text: string): string {
  const [start, ...rest] = text.split('\\frac');
  let result = start!;
  for (const piece of rest) {
    const [first, second, ...others] = piece;
    if (first === undefined) throw new Failure();
    result += '\\frac';
    if (first === '{') result += piece;
    else if (second === undefined) return text;
    else result += `{${first}}${second === '{' ? second : `{${second}}`}${others.join('')}`;
  }
  return result;
}

/** `3/4` to `\frac{3}{4}`. With one slash, sides that are no integers raise; `03/4` stays. */
function integerFraction(text: string): string {
  const sides = text.split('/');
  if (sides.length !== 2) return text;
  const isPlain = sides.every((side) => /^(?:0|-?[1-9]\d*)$/.test(side));
  if (isPlain) return `\\frac{${sides[0]}}{${sides[1]}}`;
  if (sides.some((side) => parseInteger(side) === undefined)) throw new Failure();
  return text;
}
