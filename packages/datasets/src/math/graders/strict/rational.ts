/** Exact fractions, as far as an answer can need them. */

export interface Rational {
  readonly top: bigint;
  /** Positive, without common divisor with `top`. */
  readonly bottom: bigint;
}

/** Larger numbers count as not computable; 2004! (19,100 bits) still is. */
const MAX_BITS = 24_000;

export const ZERO: Rational = { top: 0n, bottom: 1n };
export const integer = (value: bigint | number): Rational => ({ top: BigInt(value), bottom: 1n });

/** @returns undefined for a zero denominator, or numbers too large */
export function rational(top: bigint, bottom: bigint): Rational | undefined {
  if (bottom === 0n || bits(top) > MAX_BITS || bits(bottom) > MAX_BITS) return undefined;
  if (bottom === 1n) return { top, bottom };
  const divisor = gcd(top, bottom);
  const sign = bottom < 0n ? -1n : 1n;
  return { top: (sign * top) / divisor, bottom: (sign * bottom) / divisor };
}

/** `12`, `3.25`, `.5` */
export function decimal(text: string): Rational {
  const [whole = '', fraction = ''] = text.split('.');
  return rational(BigInt(`${whole}${fraction}` || '0'), 10n ** BigInt(fraction.length)) ?? ZERO;
}

export const add = (a: Rational, b: Rational): Rational | undefined =>
  rational(a.top * b.bottom + b.top * a.bottom, a.bottom * b.bottom);
export const negate = (a: Rational): Rational => ({ top: -a.top, bottom: a.bottom });
export const multiply = (a: Rational, b: Rational): Rational | undefined =>
  rational(a.top * b.top, a.bottom * b.bottom);
export const divide = (a: Rational, b: Rational): Rational | undefined =>
  rational(a.top * b.bottom, a.bottom * b.top);
export const isEqual = (a: Rational, b: Rational): boolean => a.top === b.top && a.bottom === b.bottom;
export const isInteger = (a: Rational): boolean => a.bottom === 1n;

/** Whole exponents, and roots that come out even: 4^(1/2) is 2, 2^(1/2) is none. */
export function power(base: Rational, exponent: Rational): Rational | undefined {
  if (!isInteger(exponent)) {
    const degree = Number(exponent.bottom);
    const inner = root(base, degree);
    return inner === undefined ? undefined : power(inner, integer(exponent.top));
  }
  if (exponent.top < 0n) {
    const positive = power(base, negate(exponent));
    return positive === undefined ? undefined : divide(integer(1), positive);
  }
  if (
    bits(exponent.top) > 20 ||
    Number(exponent.top) * Math.max(bits(base.top) - 1, bits(base.bottom) - 1) > MAX_BITS
  )
    return undefined;
  return { top: base.top ** exponent.top, bottom: base.bottom ** exponent.top };
}

/** The real root of a number that is not negative, where it is a fraction. */
export function root(value: Rational, degree: number): Rational | undefined {
  const [top, bottom] = [integerRoot(value.top, degree), integerRoot(value.bottom, degree)];
  return top === undefined || bottom === undefined ? undefined : { top, bottom };
}

function integerRoot(value: bigint, degree: number): bigint | undefined {
  if (value < 0n || degree < 1 || degree > 64 || bits(value) > 1000) return undefined;
  const guess = BigInt(Math.round(Number(value) ** (1 / degree)));
  for (const near of [guess - 1n, guess, guess + 1n])
    if (near >= 0n && near ** BigInt(degree) === value) return near;
  return undefined;
}

export function toNumber({ top, bottom }: Rational): number {
  // Both shortened by the same factor where one would be Infinity.
  const excess = BigInt(Math.max(0, Math.max(bits(top), bits(bottom)) - 1000));
  return Number(top >> excess) / Number(bottom >> excess);
}

export function factorial(n: number): Rational | undefined {
  let result = 1n;
  for (let i = 2; i <= n; i++) {
    result *= BigInt(i);
    if (i % 64 === 0 && bits(result) > MAX_BITS) return undefined;
  }
  return { top: result, bottom: 1n };
}

export function bits(value: bigint): number {
  return value.toString(16).length * 4;
}

function gcd(a: bigint, b: bigint): bigint {
  let [x, y] = [a < 0n ? -a : a, b < 0n ? -b : b];
  while (y !== 0n) [x, y] = [y, x % y];
  return x;
}
