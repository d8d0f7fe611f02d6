/** Where an output states its answer. */
import type { MathDataset } from '../../problems.ts';

/**
 * The ways of stating an answer, the surest first; of each the last is taken:
 * 1. `\boxed{...}`
 * 2. "The answer is ..." (also "the final answer is", with or without a colon), up to the end of its sentence or line
 * 3. `#### ...`, up to the end of its line
 * 4. nothing of that: the last number, or for MATH the last number or piece of mathematics between dollar signs
 */
export type Statement = 'boxed' | 'sentence' | 'hashes' | 'last';

export interface Stated {
  readonly answer: string;
  readonly by: Statement;
  /** Whether its end was seen: an output that was cut off may break off within its answer. */
  readonly isClosed: boolean;
}

type Finder = (text: string, dataset: MathDataset) => Stated | undefined;

const FINDERS: Readonly<Record<Statement, Finder>> = { boxed, sentence, hashes, last };

/** @param order ways to look for, in this order */
export function findAnswer(
  text: string,
  dataset: MathDataset,
  order: readonly Statement[],
): Stated | undefined {
  for (const by of order) {
    const found = FINDERS[by](text, dataset);
    if (found !== undefined && found.answer.trim() !== '') return found;
  }
  return undefined;
}

export const OUTPUT_ORDER: readonly Statement[] = ['boxed', 'sentence', 'hashes', 'last'];
/** A reference states its answer. */
export const REFERENCE_ORDER: readonly Statement[] = ['boxed', 'hashes', 'sentence'];

/** An output that repeats itself may open thousands, and each that is not closed is searched to the end. */
const MAX_OPEN_BOXES = 20;

function boxed(text: string): Stated | undefined {
  const starts = [...text.matchAll(/\\(?:boxed|fbox)(?![a-zA-Z])\s*/g)];
  for (const start of starts.slice(-MAX_OPEN_BOXES).reverse()) {
    const at = start.index + start[0].length;
    if (text[at] !== '{') {
      const bare = /^(?:\\[a-zA-Z]+|-?[\w.]+)/.exec(text.slice(at))?.[0];
      if (bare !== undefined) return { answer: bare, by: 'boxed', isClosed: at + bare.length < text.length };
      continue;
    }
    const end = closingBrace(text, at);
    if (end !== undefined) return { answer: text.slice(at + 1, end), by: 'boxed', isClosed: true };
  }
  return undefined;
}

/** Escaped braces are those of sets, and come in pairs or not. */
function closingBrace(text: string, open: number): number | undefined {
  let depth = 0;
  for (let i = open; i < text.length; i++) {
    if (text[i] === '\\') i++;
    else if (text[i] === '{') depth++;
    else if (text[i] === '}' && --depth === 0) return i;
  }
  return undefined;
}

const SENTENCE = /\banswer\s*(?:is|:|=)\s*:?[ \t*]*/gi;

function sentence(text: string): Stated | undefined {
  const start = [...text.matchAll(SENTENCE)].at(-1);
  if (start === undefined) return undefined;
  return upTo(text.slice(start.index + start[0].length), /\n|(?<!\\)[.!?](?=\s|$)/g, 'sentence');
}

function hashes(text: string): Stated | undefined {
  const at = text.lastIndexOf('####');
  return at < 0 ? undefined : upTo(text.slice(at + 4), /\n/g, 'hashes');
}

/** Up to an end that does not stand within braces; or a display of mathematics, if it is the whole statement. */
function upTo(rest: string, end: RegExp, by: Statement): Stated {
  const display = /^\s*(\$\$?)([^$]+)\1/.exec(rest) ?? /^\s*(\\[[(])([\s\S]+?)\\[\])]/.exec(rest);
  if (display !== null && by === 'sentence') {
    const after = rest.slice(display[0].length);
    // 3$ and $4 are two prices or two answers: the whole sentence is one statement then.
    if (/^\s*(?:[.!?\n]|$)/.test(after)) return { answer: display[2]!, by, isClosed: true };
  }
  const ends = [...rest.matchAll(end)].slice(0, MAX_ENDS).map(({ index }) => index);
  const found = [...ends, rest.length].find((index) => isBalanced(rest.slice(0, index))) ?? ends[0];
  return { answer: rest.slice(0, found), by, isClosed: found !== undefined && found < rest.length };
}

/** Ends that are tried before the first is taken, braces or not. */
const MAX_ENDS = 10;

const isBalanced = (text: string): boolean =>
  (text.match(/(?<!\\)\{/g)?.length ?? 0) === (text.match(/(?<!\\)\}/g)?.length ?? 0);

const NUMBER = String.raw`[-−]?(?:\$\s?|\\\$)?(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)?(?:\.\d+|(?<=\d))(?:\s?\/\s?\d+)?\s?\\?%?`;
const LAST_NUMBER = new RegExp(NUMBER, 'g');
const LAST_PIECE = new RegExp(String.raw`\$[^$\n]{1,300}\$|\\\([^\n]{1,300}?\\\)|${NUMBER}`, 'g');

function last(text: string, dataset: MathDataset): Stated | undefined {
  const found = [...text.matchAll(dataset === 'gsm8k' ? LAST_NUMBER : LAST_PIECE)]
    .filter(([piece]) => piece.trim() !== '')
    .at(-1);
  if (found === undefined) return undefined;
  const isClosed = found.index + found[0].length < text.length;
  return { answer: found[0], by: 'last', isClosed };
}

/** The number of a statement that holds exactly one: "He has 5 apples left". */
export function onlyNumber(statement: string): string | undefined {
  const numbers = [...statement.matchAll(LAST_NUMBER)]
    .map(([piece]) => piece.trim())
    .filter((piece) => piece !== '');
  return numbers.length === 1 ? numbers[0] : undefined;
}
