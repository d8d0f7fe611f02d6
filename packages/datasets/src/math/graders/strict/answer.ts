/** An answer's structure: a quantity, several, a tuple or interval, a matrix, an equation, or words. */
import { apply, type Expression, expandSigns } from './expression.ts';
import { Reader } from './reader.ts';
import { type Token, tokenise, Unreadable } from './tokens.ts';
import { NO_UNIT, type Unit, unitOf } from './units.ts';

export type Answer =
  | {
      readonly kind: 'quantity';
      readonly value: Expression;
      readonly unit: Unit;
      readonly isPercent: boolean;
    }
  /** `(1, 2)`, `[0, 1)`: point or interval, told apart by nothing but what the problem asks. */
  | {
      readonly kind: 'tuple';
      readonly open: string;
      readonly close: string;
      readonly items: readonly Answer[];
    }
  /** Several answers, in braces or not: their order says nothing. */
  | { readonly kind: 'set'; readonly items: readonly Answer[] }
  | { readonly kind: 'combined'; readonly by: string; readonly items: readonly Answer[] }
  | { readonly kind: 'matrix'; readonly rows: readonly (readonly Answer[])[] }
  | { readonly kind: 'relation'; readonly signs: readonly string[]; readonly sides: readonly Answer[] }
  | { readonly kind: 'words'; readonly text: string };

const OPENING = new Set(['(', '[', '{', '\\{', '<(', 'lfloor', 'lceil', 'begin']);
const CLOSING = new Set([')', ']', '}', '\\}', ')>', 'rfloor', 'rceil', 'end']);
const RELATIONS = new Set(['=', '<', '>', '<=', '>=', '!=', 'in', '~']);
/** Between sets; the later in the list binds no tighter, as they never come together in answers. */
const COMBINATIONS = ['cup', 'cap', 'setminus'] as const;
const MATRICES = new Set(['pmatrix', 'bmatrix', 'matrix', 'vmatrix', 'array', 'smallmatrix', 'Bmatrix']);

/** @throws Unreadable */
export function readAnswer(text: string, readsCommas: boolean): Answer {
  return readTokens(tokenise(text, readsCommas));
}

function readTokens(tokens: readonly Token[]): Answer {
  const items = split(tokens, isSeparator).filter((piece) => piece.length > 0);
  if (items.length === 0) throw new Unreadable();
  if (items.length > 1) return { kind: 'set', items: items.flatMap(expandedItem) };
  return single(items[0]!);
}

const isSign = (token: Token | undefined, text: string): boolean =>
  token?.kind === 'sign' && token.text === text;
const isSeparator = (token: Token): boolean =>
  isSign(token, ',') || isSign(token, ';') || (token.kind === 'words' && /^(?:and|or)$/i.test(token.text));

/** Cut at the tokens that fit, outside brackets. */
function split(tokens: readonly Token[], fits: (token: Token) => boolean): Token[][] {
  const pieces: Token[][] = [[]];
  let depth = 0;
  for (const token of tokens) {
    if (token.kind === 'sign' && OPENING.has(token.text)) depth++;
    if (token.kind === 'sign' && CLOSING.has(token.text)) depth--;
    if (depth === 0 && fits(token)) pieces.push([]);
    else pieces.at(-1)!.push(token);
  }
  return pieces;
}

function expandedItem(tokens: readonly Token[]): Answer[] {
  const item = single(tokens);
  return item.kind === 'set' ? [...item.items] : [item];
}

function single(tokens: readonly Token[]): Answer {
  const signs = relationSigns(tokens);
  if (signs.length === 0) return expression(tokens);
  const sides = split(tokens, (token) => token.kind === 'sign' && RELATIONS.has(token.text));
  return { kind: 'relation', signs, sides: sides.map(readTokens) };
}

function relationSigns(tokens: readonly Token[]): string[] {
  let depth = 0;
  return tokens.flatMap((token) => {
    if (token.kind !== 'sign') return [];
    if (OPENING.has(token.text)) depth++;
    if (CLOSING.has(token.text)) depth--;
    return depth === 0 && RELATIONS.has(token.text) ? [token.text] : [];
  });
}

function expression(tokens: readonly Token[]): Answer {
  for (const by of COMBINATIONS) {
    const items = split(tokens, (token) => isSign(token, by));
    if (items.length > 1) return { kind: 'combined', by, items: items.map(expression) };
  }
  return bracketed(tokens) ?? matrix(tokens) ?? ratio(tokens) ?? quantity(tokens);
}

/** Whether the first token's bracket is closed by the last token. */
function isEnclosed(tokens: readonly Token[]): boolean {
  let depth = 0;
  return tokens.every((token, at) => {
    if (token.kind === 'sign' && OPENING.has(token.text)) depth++;
    if (token.kind === 'sign' && CLOSING.has(token.text)) depth--;
    return depth > 0 || at === tokens.length - 1;
  });
}

function bracketed(tokens: readonly Token[]): Answer | undefined {
  const [first, last] = [tokens[0], tokens.at(-1)];
  if (first?.kind !== 'sign' || last?.kind !== 'sign' || tokens.length < 2) return undefined;
  if (!['(', '[', '\\{', '{', '<('].includes(first.text) || !isEnclosed(tokens)) return undefined;
  const inner = tokens.slice(1, -1);
  if (first.text === '{') return readTokens(inner);
  const items = split(inner, (token) => isSign(token, ',')).filter((piece) => piece.length > 0);
  if (first.text === '\\{') return { kind: 'set', items: items.flatMap(expandedItem) };
  // A matrix written with brackets of its own.
  if (isSign(inner[0], 'begin')) return matrix(inner);
  if (items.length < 2) return undefined;
  const [open, close] = first.text === '<(' ? ['(', ')'] : [first.text, last.text];
  return { kind: 'tuple', open, close, items: items.map(single) };
}

function matrix(tokens: readonly Token[]): Answer | undefined {
  const [begin, name, ...rest] = tokens;
  if (!isSign(begin, 'begin') || name?.kind !== 'words' || !MATRICES.has(name.text)) return undefined;
  const end = rest.findIndex((token) => isSign(token, 'end'));
  if (end !== rest.length - 2) return undefined;
  const rows = split(rest.slice(0, end), (token) => isSign(token, '\\\\'))
    .filter((row) => row.length > 0)
    .map((row) => split(row, (token) => isSign(token, '&')).map(single));
  return { kind: 'matrix', rows };
}

/** `3:1` as the quotient. */
function ratio(tokens: readonly Token[]): Answer | undefined {
  const sides = split(tokens, (token) => isSign(token, ':'));
  if (sides.length !== 2) return undefined;
  const [top, bottom] = sides.map((side) => Reader.read(side));
  return { kind: 'quantity', value: apply('divide', top!, bottom!), unit: NO_UNIT, isPercent: false };
}

/** An expression with its unit before or after it. */
function quantity(tokens: readonly Token[]): Answer {
  let rest = [...tokens];
  let unit = NO_UNIT;
  const currency = isSign(rest[0], '-') ? 1 : 0;
  if (isSign(rest[currency], '$')) {
    rest.splice(currency, 1);
    unit = unitOf('dollar');
  }
  const at = rest.findIndex((token) => token.kind === 'words' || isSign(token, '$'));
  if (at === 0 && rest.every((token) => token.kind === 'words'))
    return { kind: 'words', text: rest.map(({ text }) => text).join(' ') };
  if (at > 0) {
    unit = unitAfter(rest.slice(at));
    rest = rest.slice(0, at);
  }
  let value = Reader.read(rest);
  let isPercent = false;
  if (value.kind === 'apply' && value.name === 'percent') {
    value = value.to[0]!;
    isPercent = true;
  }
  const angle = withoutDegree(value);
  if (angle !== undefined) {
    value = angle;
    unit = unitOf('degree');
  }
  const readings = expandSigns(value).map(
    (one): Answer => ({ kind: 'quantity', value: one, unit, isPercent }),
  );
  return readings.length === 1 ? readings[0]! : { kind: 'set', items: readings };
}

/** `square inches`, `cm^2`: words, then perhaps an exponent. */
function unitAfter(tokens: readonly Token[]): Unit {
  const words: string[] = [];
  let at = 0;
  for (; at < tokens.length; at++) {
    const token = tokens[at]!;
    if (token.kind === 'words') words.push(token.text);
    else if (isSign(token, '$')) words.push('dollar');
    else break;
  }
  const rest = tokens.slice(at).filter((token) => !isSign(token, '{') && !isSign(token, '}'));
  if (rest.length === 0) return unitOf(words.join(' '));
  const [caret, exponent] = rest;
  if (rest.length !== 2 || !isSign(caret, '^') || exponent?.kind !== 'number' || !/^\d$/.test(exponent.text))
    throw new Unreadable();
  return unitOf(words.join(' '), Number(exponent.text));
}

/** The number of degrees, where the whole is so many. */
function withoutDegree(value: Expression): Expression | undefined {
  if (value.kind !== 'apply') return undefined;
  if (value.name === 'degree') return value.to[0];
  const inner = value.name === 'negate' ? withoutDegree(value.to[0]!) : undefined;
  return inner === undefined ? undefined : apply('negate', inner);
}
