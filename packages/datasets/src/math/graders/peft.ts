/** The parser of PEFT's benchmark (method_comparison/MetaMathQA). It reads prompt and answer together. */
import { asciiDigits, strip } from './python.ts';

/** The first of these that occurs anywhere is taken, at its last occurrence. */
const MARKS = [
  'The answer is: ',
  'The answer is ',
  'The final answer is: ',
  'The final answer is ',
  '#### ',
] as const;

export function parsePeftAnswer(text: string): string | undefined {
  const trimmed = strip(text).replace(/[.!?]+$/, '');
  const mark = MARKS.find((one) => trimmed.includes(one));
  if (mark === undefined) return undefined;
  const rest = strip(trimmed.slice(trimmed.lastIndexOf(mark) + mark.length));
  return rest.split('\n', 1)[0]!.replace(/^[ .!?$%]+|[ .!?$%]+$/g, '');
}

export function gradePeft(output: string, solution: string) {
  const extracted = parsePeftAnswer(output);
  const gold = parsePeftAnswer(solution);
  const correct = extracted !== undefined && gold !== undefined && isEqual(extracted, gold);
  return { correct, extracted, gold };
}

/** Numbers as doubles; a number and a text never; NaN not even to itself. */
const isEqual = (one: string, other: string): boolean =>
  (numberOf(one) ?? one) === (numberOf(other) ?? other);

/** A decimal, or a quotient of two; undefined for other text. A separator of thousands makes a number such text. */
function numberOf(text: string): number | undefined {
  const parts = text.split('/').map(parseDecimal);
  if (parts.some((part) => part === undefined)) return undefined;
  const [numerator, denominator, ...others] = parts as Decimal[];
  if (denominator === undefined) return toNumber(numerator!);
  return others.length > 0 ? undefined : divide(numerator!, denominator);
}

/** digits x 10^exponent, or a number that is none: Infinity, NaN */
type Decimal = { readonly digits: bigint; readonly exponent: number } | { readonly special: number };

const DECIMAL = /^([+-]?)(?:(\d+)(?:\.(\d*))?|\.(\d+))(?:e([+-]?\d+))?$/i;
const SPECIAL = /^([+-]?)(?:(inf(?:inity)?)|s?nan\d*)$/i;
/** More digits than any answer has; beyond, a text is no number. */
const MAX_LENGTH = 4000;

function parseDecimal(raw: string): Decimal | undefined {
  const text = asciiDigits(strip(raw)).replaceAll('_', '');
  if (text.length > MAX_LENGTH) return undefined;
  const special = SPECIAL.exec(text);
  if (special !== null)
    return { special: special[2] === undefined ? Number.NaN : special[1] === '-' ? -Infinity : Infinity };
  const found = DECIMAL.exec(text);
  if (found === null) return undefined;
  const [, sign, whole = '', fraction = '', bare = '', exponent = '0'] = found;
  const digits = BigInt(whole + fraction + bare);
  return {
    digits: sign === '-' ? -digits : digits,
    exponent: Number(exponent) - fraction.length - bare.length,
  };
}

const toNumber = (value: Decimal): number =>
  'special' in value ? value.special : Number(`${value.digits}e${value.exponent}`);

/** Significant digits of Python's decimal context. */
const PRECISION = 28;

/** The quotient rounded to 28 digits, halves to even, then to a double, as Python's decimals do. */
function divide(a: Decimal, b: Decimal): number | undefined {
  if ('special' in a || 'special' in b) {
    const quotient = toNumber(a) / toNumber(b);
    // Infinity by infinity is an error there, and its text is compared.
    return Number.isNaN(quotient) && !Number.isNaN(toNumber(a)) && !Number.isNaN(toNumber(b))
      ? undefined
      : quotient;
  }
  if (b.digits === 0n) return undefined;
  const [top, bottom] = [abs(a.digits), abs(b.digits)];
  const shift = Math.max(0, PRECISION + 2 + String(bottom).length - String(top).length);
  const scaled = top * 10n ** BigInt(shift);
  const quotient = scaled / bottom;
  // A digit beyond the last keeps what was cut off from looking like a half.
  const sticky = quotient * 10n + (scaled % bottom === 0n ? 0n : 1n);
  const drop = Math.max(0, String(sticky).length - PRECISION);
  const unit = 10n ** BigInt(drop);
  const [kept, rest] = [sticky / unit, sticky % unit];
  const isUp = rest * 2n > unit || (rest * 2n === unit && kept % 2n === 1n);
  const magnitude = Number(`${isUp ? kept + 1n : kept}e${a.exponent - b.exponent - shift - 1 + drop}`);
  return a.digits < 0n !== b.digits < 0n ? -magnitude : magnitude;
}

const abs = (value: bigint): bigint => (value < 0n ? -value : value);
