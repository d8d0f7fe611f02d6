/** An answer's LaTeX, or the plain text that models write in its place, as tokens. */

import { add, decimal, divide, integer, type Rational } from './rational.ts';
import {
  CHARACTERS,
  FACES,
  LETTERS,
  NAMES,
  PLAIN,
  SIGNS,
  SPACING,
  SUPERSCRIPTS,
  WORDS,
} from './spellings.ts';

export type Token =
  | { readonly kind: 'number'; readonly text: string; readonly value: Rational }
  /** A variable or constant: `x`, `\pi` as `pi`. */
  | { readonly kind: 'name'; readonly text: string }
  /** A command, function or sign: `frac`, `sin`, `+`, `<=`, `{` for braces and `\{` for those of a set. */
  | { readonly kind: 'sign'; readonly text: string }
  /** The content of `\text{...}` and its like. */
  | { readonly kind: 'words'; readonly text: string };

/** An answer that is no mathematics that we can read. */
export class Unreadable extends Error {}

/** More than any answer has: what is longer is compared as text. */
const MAX_TOKENS = 400;

/** Separators of thousands that can be nothing else: `,\!`, `\,` and the like before three digits. */
const GROUP = /^(?:,\s*\\!\s*|\\[,;]\s*(?=\d{3}(?!\d)))(\d{3})(?!\d)/;
/** A bare comma is one only if the answer is read so. */
const COMMA_GROUP = /^,(\d{3})(?!\d)/;
const REPEATING = /^\\(?:overline|bar)\s*\{(\d+)\}/;
/** After a whole number, with its point. */
const POINT_REPEATING = /^\.\\(?:overline|bar)\s*\{(\d+)\}/;

/**
 * @param readsCommas whether `1,234` is one number (outside brackets), rather than two
 * @throws Unreadable
 */
export const tokenise = (answer: string, readsCommas: boolean): Token[] =>
  new Tokeniser(inLatex(answer), readsCommas).run();

function inLatex(answer: string): string {
  const start = answer.replace(
    /[⁰¹²³⁴-⁹]+/g,
    (run) => `^{${[...run].map((digit) => SUPERSCRIPTS.indexOf(digit)).join('')}}`,
  );
  return CHARACTERS.reduce((text, [pattern, latex]) => text.replace(pattern, latex), start);
}

class Tokeniser {
  private readonly tokens: Token[] = [];
  /** Round, square and set brackets that are open. */
  private brackets = 0;

  constructor(
    private text: string,
    private readonly readsCommas: boolean,
  ) {}

  run(): Token[] {
    while (this.text !== '') this.step();
    return this.tokens;
  }

  private step(): void {
    const digits = this.take(/^(?:\d+(?:\.\d+)?|\.\d+)/)?.[0];
    if (digits !== undefined) {
      this.number(digits);
      return;
    }
    const command = this.take(/^\\([a-zA-Z]+|[\s\S])/)?.[1];
    if (command !== undefined) {
      this.command(command);
      return;
    }
    const word = this.take(/^[a-zA-Z]+/)?.[0];
    if (word !== undefined) {
      this.plainWord(word);
      return;
    }
    if (this.take(/^[\s~]/) !== undefined) return;
    const sign = this.take(/^(?:<=|>=|!=|\*\*|==|[\s\S])/u)![0];
    if (sign === '(' || sign === '[') this.brackets++;
    if (sign === ')' || sign === ']') this.brackets--;
    this.sign(sign === '**' ? '^' : sign === '==' ? '=' : sign);
  }

  /** Takes what matches at the start of the rest. */
  private take(pattern: RegExp): RegExpExecArray | undefined {
    const found = pattern.exec(this.text);
    if (found === null) return undefined;
    this.text = this.text.slice(found[0].length);
    return found;
  }

  private push(token: Token): void {
    this.tokens.push(token);
    if (this.tokens.length > MAX_TOKENS) throw new Unreadable();
  }

  private sign(text: string): void {
    this.push({ kind: 'sign', text });
  }

  private plainWord(word: string): void {
    const lower = word.toLowerCase();
    if (Object.hasOwn(PLAIN, lower)) this.push(PLAIN[lower]!);
    else for (const letter of word) this.push({ kind: 'name', text: letter });
  }

  private number(digits: string): void {
    let all = digits;
    const takesCommas = this.readsCommas && this.brackets === 0 && /^[1-9]\d{0,2}$/.test(digits);
    const isWhole = !digits.includes('.');
    for (;;) {
      const group = isWhole
        ? (this.take(GROUP) ?? (takesCommas ? this.take(COMMA_GROUP) : undefined))
        : undefined;
      if (group === undefined) break;
      all += group[1]!;
    }
    if (all !== digits) all += this.take(/^\.\d+/)?.[0] ?? '';
    const cycle = this.take(all.includes('.') ? REPEATING : POINT_REPEATING)?.[1];
    this.push({
      kind: 'number',
      text: all,
      value: cycle === undefined ? decimal(all) : repeating(all, cycle),
    });
  }

  private command(name: string): void {
    if (SPACING.has(name)) return;
    if (WORDS.has(name) || (FACES.has(name) && /^\s*\{[a-zA-Z ]{2,}\}/.test(this.text))) this.words();
    else if (name === 'begin' || name === 'end') this.environment(name);
    else if (FACES.has(name)) return;
    else if (Object.hasOwn(NAMES, name)) this.push({ kind: 'name', text: NAMES[name]! });
    else if (LETTERS.has(name)) this.push({ kind: 'name', text: name });
    else {
      const sign = Object.hasOwn(SIGNS, name) ? SIGNS[name]! : name;
      if (sign === '\\{' || sign === '<(') this.brackets++;
      if (sign === '\\}' || sign === ')>') this.brackets--;
      this.sign(sign);
    }
  }

  /** The content of `\text`; a number in it is a number. */
  private words(): void {
    const group = this.take(/^\s*\{([^{}]*)\}/);
    // With mathematics in it, what the braces hold is read as such.
    if (group === undefined) return;
    const content = group[1]!.replace(/\s+/g, ' ').trim();
    const lower = content.toLowerCase();
    if (/^[-\d.,/ ]+$/.test(content)) this.text = content + this.text;
    else if (Object.hasOwn(PLAIN, lower)) this.push(PLAIN[lower]!);
    else if (content !== '') this.push({ kind: 'words', text: content });
  }

  /** A sign and its name; the columns of an array say nothing. */
  private environment(sign: string): void {
    const name = this.take(/^\s*\{([a-zA-Z]+)\*?\}(?:\{[lcr|]*\})?/)?.[1];
    if (name === undefined) throw new Unreadable();
    this.sign(sign);
    this.push({ kind: 'words', text: name });
  }
}

/** The digits under an overline go on for ever: 0.1\overline{6} is 1/6. */
function repeating(all: string, cycle: string): Rational {
  const places = all.split('.')[1]?.length ?? 0;
  const bottom = (10n ** BigInt(cycle.length) - 1n) * 10n ** BigInt(places);
  const tail = divide(integer(BigInt(cycle)), integer(bottom));
  const value = tail === undefined ? undefined : add(decimal(all), tail);
  if (value === undefined) throw new Unreadable();
  return value;
}
