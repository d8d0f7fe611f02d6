/** Tokens to expressions: precedence as in print, products without a sign, arguments without braces. */
import { apply, type Expression, number, symbol } from './expression.ts';
import { FUNCTION_NAMES, type OperationName } from './operations.ts';
import { decimal, integer, isInteger, rational } from './rational.ts';
import { type Token, Unreadable } from './tokens.ts';

/** Signs of functions, by operation. */
const FUNCTIONS: Readonly<Record<string, OperationName>> = Object.fromEntries(
  FUNCTION_NAMES.map((name) => [name, name]),
);
const INVERSES: Readonly<Record<string, OperationName>> = { sin: 'arcsin', cos: 'arccos', tan: 'arctan' };
const CLOSING: Readonly<Record<string, string>> = {
  '(': ')',
  '[': ']',
  '{': '}',
  lfloor: 'rfloor',
  lceil: 'rceil',
};
/** Letters that a bracket makes functions: f(2) is no product. */
const FUNCTION_LETTERS = new Set(['f', 'g', 'h', 'F', 'G', 'H']);
/** Above letters, and about them: the name of a segment or an angle. */
const DECORATIONS = new Set([
  'overline',
  'underline',
  'overrightarrow',
  'widehat',
  'bar',
  'angle',
  'triangle',
]);
/** Nested deeper than any answer. */
const MAX_DEPTH = 40;

export class Reader {
  private readonly tokens: Token[];
  private at = 0;
  private depth = 0;

  constructor(tokens: readonly Token[]) {
    this.tokens = [...tokens];
  }

  /** @throws Unreadable unless all tokens make one expression */
  static read(tokens: readonly Token[]): Expression {
    const reader = new Reader(tokens);
    const result = reader.sum();
    if (reader.at < reader.tokens.length) throw new Unreadable();
    return result;
  }

  private get next(): Token | undefined {
    return this.tokens[this.at];
  }

  private isSign(...texts: readonly string[]): boolean {
    const token = this.next;
    return token?.kind === 'sign' && texts.includes(token.text);
  }

  /** Takes one of these signs, if it is next. */
  private accept(...texts: readonly string[]): string | undefined {
    if (!this.isSign(...texts)) return undefined;
    return this.tokens[this.at++]!.text;
  }

  private expect(text: string): void {
    if (this.accept(text) === undefined) throw new Unreadable();
  }

  private sum(): Expression {
    if (++this.depth > MAX_DEPTH) throw new Unreadable();
    let result = this.product();
    for (;;) {
      const sign = this.accept('+', '-', 'pm', 'mp');
      if (sign === undefined) break;
      result = apply('add', result, signed(sign, this.product()));
    }
    this.depth--;
    return result;
  }

  private product(): Expression {
    let result = this.signedFactor();
    for (;;) {
      const sign = this.accept('*', '/');
      if (sign !== undefined)
        result = apply(sign === '*' ? 'multiply' : 'divide', result, this.signedFactor());
      else if (this.startsFactor()) result = apply('multiply', result, this.factor());
      else return result;
    }
  }

  private signedFactor(): Expression {
    const sign = this.accept('+', '-', 'pm', 'mp');
    if (sign === undefined) return this.factor();
    if (++this.depth > MAX_DEPTH) throw new Unreadable();
    const result = signed(sign, this.signedFactor());
    this.depth--;
    return result;
  }

  /** Whether what follows can be multiplied by without a sign. */
  private startsFactor(): boolean {
    const token = this.next;
    if (token === undefined || token.kind === 'words') return false;
    if (token.kind !== 'sign') return true;
    if (token.text === '|') return false;
    return (
      Object.hasOwn(CLOSING, token.text) ||
      Object.hasOwn(FUNCTIONS, token.text) ||
      DECORATIONS.has(token.text) ||
      ['frac', 'sqrt', 'binom', 'log'].includes(token.text)
    );
  }

  /** An atom with its powers, factorials, degrees and percent signs. */
  private factor(): Expression {
    let result = this.atom();
    for (;;) {
      const sign = this.accept('^', '!', 'degree', 'circ', '%', "'");
      if (sign === '^') result = apply('power', result, this.exponent());
      else if (sign === '!') result = apply('factorial', result);
      else if (sign === 'degree' || sign === 'circ') result = apply('degree', result);
      else if (sign === '%') result = apply('percent', result);
      else if (sign === "'") result = apply('unknown', symbol("'"), result);
      else return result;
    }
  }

  /** Braced, or one factor: x^12 is meant as it is typed, not as LaTeX prints it. */
  private exponent(): Expression {
    if (this.isSign('{', '(')) return this.group();
    const sign = this.accept('-', '+');
    // Not as an atom, which would take a fraction after a whole number for a mixed one.
    const base = this.next?.kind === 'number' ? this.wholeNumber() : this.atom();
    const result = this.accept('^') === undefined ? base : apply('power', base, this.exponent());
    return sign === '-' ? apply('negate', result) : result;
  }

  private wholeNumber(): Expression {
    const token = this.tokens[this.at++]!;
    if (token.kind !== 'number') throw new Unreadable();
    return number(token.value);
  }

  /** What an opening bracket holds. */
  private group(): Expression {
    const open = this.accept(...Object.keys(CLOSING));
    if (open === undefined) throw new Unreadable();
    const result = this.sum();
    this.expect(CLOSING[open]!);
    return result;
  }

  private atom(): Expression {
    const token = this.next;
    if (token === undefined) throw new Unreadable();
    if (token.kind === 'number') return this.mixedNumber(token);
    if (token.kind === 'name') return this.name();
    if (token.kind === 'words') throw new Unreadable();
    const { text } = token;
    if (text === '(' || text === '[' || text === '{') return this.group();
    if (text === 'lfloor') return apply('floor', this.group());
    if (text === 'lceil') return apply('ceiling', this.group());
    this.at++;
    if (text === '|') {
      const inner = this.sum();
      this.expect('|');
      return apply('absolute', inner);
    }
    if (text === 'frac' || text === 'binom') {
      const top = this.argument();
      return apply(text === 'frac' ? 'divide' : 'choose', top, this.argument());
    }
    if (text === 'sqrt') {
      const degree = this.isSign('[') ? this.group() : undefined;
      const inner = this.isSign('(') ? this.group() : this.argument();
      return degree === undefined ? apply('sqrt', inner) : apply('root', inner, degree);
    }
    if (text === 'log') return this.logarithm();
    if (Object.hasOwn(FUNCTIONS, text)) return this.functionCall(text);
    if (DECORATIONS.has(text))
      return apply('unknown', symbol(text), this.isSign('{') ? this.group() : this.atom());
    throw new Unreadable();
  }

  /** `2\frac{1}{3}` and `2 1/3` are sums, as people write them; so is nothing whose fraction is not below 1. */
  private mixedNumber(token: Token & { kind: 'number' }): Expression {
    this.at++;
    const whole = number(token.value);
    if (!isInteger(token.value)) return whole;
    const start = this.at;
    const fraction = this.properFraction();
    if (fraction !== undefined) return apply('add', whole, fraction);
    this.at = start;
    return whole;
  }

  private properFraction(): Expression | undefined {
    let parts: [bigint, bigint] | undefined;
    if (this.accept('frac') !== undefined) {
      const [top, bottom] = [this.plainArgument(), this.plainArgument()];
      if (top !== undefined && bottom !== undefined) parts = [top, bottom];
    } else {
      const [top, slash, bottom] = this.tokens.slice(this.at, this.at + 3);
      if (top?.kind === 'number' && slash?.text === '/' && bottom?.kind === 'number')
        if (isInteger(top.value) && isInteger(bottom.value)) {
          parts = [top.value.top, bottom.value.top];
          this.at += 3;
        }
    }
    const value =
      parts === undefined || parts[0] <= 0n || parts[0] >= parts[1] ? undefined : rational(...parts);
    return value === undefined ? undefined : number(value);
  }

  /** An argument that is an integer and nothing else; the tokens stay as they were. */
  private plainArgument(): bigint | undefined {
    const token = this.next;
    if (token?.kind === 'number') {
      // \frac12 takes a digit for each; what is left of the number is the next argument.
      if (!/^\d+$/.test(token.text)) return undefined;
      const [first, ...others] = token.text;
      if (others.length === 0) this.at++;
      else this.splitNumber(token);
      return BigInt(first!);
    }
    const [open, inner, close] = this.tokens.slice(this.at, this.at + 3);
    if (open?.text !== '{' || inner?.kind !== 'number' || close?.text !== '}' || !isInteger(inner.value))
      return undefined;
    this.at += 3;
    return inner.value.top;
  }

  /** Leaves the digits after the first as a token of their own. */
  private splitNumber(token: Token & { kind: 'number' }): void {
    const rest = token.text.slice(1);
    const piece = (text: string): Token => ({ kind: 'number', text, value: decimal(text) });
    this.tokens.splice(this.at, 1, piece(token.text[0]!), piece(rest));
    this.at++;
  }

  /** The argument of a LaTeX command: braced, or one digit, letter or command. */
  private argument(): Expression {
    const token = this.next;
    if (token?.kind === 'sign' && token.text === '{') return this.group();
    if (token?.kind !== 'number') return this.atom();
    if (!/^\d\d+$/.test(token.text)) return this.wholeNumber();
    this.splitNumber(token);
    return number(decimal(token.text[0]!));
  }

  private name(): Expression {
    let name = this.tokens[this.at++]!.text;
    if (this.accept('_') !== undefined) name += `_${this.subscript()}`;
    if (!FUNCTION_LETTERS.has(name) || !this.isSign('(')) return symbol(name);
    return apply('unknown', symbol(name), this.group());
  }

  /** As text: it is part of a name. */
  private subscript(): string {
    if (this.accept('{') === undefined) return this.tokens[this.at++]?.text ?? '';
    let text = '';
    while (this.next !== undefined && !this.isSign('}')) text += this.tokens[this.at++]!.text;
    this.expect('}');
    return text;
  }

  private functionCall(text: string): Expression {
    const exponent = this.accept('^') === undefined ? undefined : this.exponent();
    const isInverse =
      exponent?.kind === 'apply' && exponent.name === 'negate' && Object.hasOwn(INVERSES, text);
    const result = apply(isInverse ? INVERSES[text]! : FUNCTIONS[text]!, this.functionArgument());
    return exponent === undefined || isInverse ? result : apply('power', result, exponent);
  }

  /** To the base ten where none is given. */
  private logarithm(): Expression {
    const base = this.accept('_') === undefined ? number(integer(10)) : this.argument();
    return apply('logarithm', this.functionArgument(), base);
  }

  /** A bracketed group, or factors up to the next sign or function: `\sin 3x`, `\sin x \cos x`. */
  private functionArgument(): Expression {
    if (++this.depth > MAX_DEPTH) throw new Unreadable();
    const isBracketed = this.isSign('(', '[', '{');
    let result = isBracketed ? this.group() : this.signedFactor();
    if (!isBracketed)
      while (this.startsFactor()) {
        const token = this.next!;
        if (token.kind === 'sign' && (Object.hasOwn(FUNCTIONS, token.text) || token.text === 'log')) break;
        if (token.kind === 'sign' && token.text === '(') break;
        result = apply('multiply', result, this.factor());
      }
    this.depth--;
    return result;
  }
}

function signed(sign: string, of: Expression): Expression {
  if (sign === '+') return of;
  if (sign === '-') return apply('negate', of);
  return { kind: 'plusMinus', sign: sign === 'pm' ? 1 : -1, of };
}
