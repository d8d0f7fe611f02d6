/** Units of answers: what is measured, and how many of the base unit one is. */
import { divide, integer, multiply, power, type Rational } from './rational.ts';

export interface Unit {
  /** `length^2`; undefined for counted things (ways, students), which say nothing about a number. */
  readonly dimension?: string;
  readonly factor: Rational;
}

export const NO_UNIT: Unit = { factor: integer(1) };

/** Dimension, then names with the size of each in the base unit as `a` or `a/b`. */
const TABLE: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
  [
    'length',
    {
      'm meter metre': '1',
      'cm centimeter centimetre': '1/100',
      'mm millimeter millimetre': '1/1000',
      'km kilometer kilometre': '1000',
      'in inch inche': '127/5000',
      'ft foot feet': '381/1250',
      'yd yard': '1143/1250',
      'mi mile': '1609344/1000',
    },
  ],
  [
    'time',
    {
      's sec second': '1',
      'min minute': '60',
      'h hr hour': '3600',
      'day d': '86400',
      'week wk': '604800',
    },
  ],
  [
    'mass',
    {
      'g gm gram': '1',
      'kg kilogram': '1000',
      'mg milligram': '1/1000',
      'lb pound': '45359237/100000',
      'oz ounce': '45359237/1600000',
    },
  ],
  ['money', { 'dollar usd buck $': '1', 'cent ¢': '1/100' }],
  ['angle', { 'degree deg': '1' }],
  ['volume', { 'l liter litre': '1', 'ml milliliter millilitre': '1/1000' }],
];

const UNITS: ReadonlyMap<string, { dimension: string; factor: Rational }> = new Map(
  TABLE.flatMap(([dimension, names]) =>
    Object.entries(names).flatMap(([spellings, size]) => {
      const [top, bottom = '1'] = size.split('/');
      const factor = divide(integer(BigInt(top!)), integer(BigInt(bottom)))!;
      return spellings.split(' ').map((name) => [name, { dimension, factor }] as const);
    }),
  ),
);

const POWERS: Readonly<Record<string, number>> = { square: 2, sq: 2, squared: 2, cubic: 3, cubed: 3, cu: 3 };

/** One letter or two that are a unit after a number: an answer may say `5 cm` without `\text`. */
export const isUnitSymbol = (word: string): boolean => UNITS.has(word) || word in POWERS;

/**
 * @param words `square inches`, `dollars`
 * @param exponent of `\text{cm}^2`
 */
export function unitOf(words: string, exponent = 1): Unit {
  let degree = exponent;
  let found: { dimension: string; factor: Rational } | undefined;
  for (const raw of words.split(/[\s.]+/)) {
    const word = raw.toLowerCase();
    const [, bare = word, digit] = /^([a-z]+)\^?([23])$/.exec(word) ?? [];
    if (Object.hasOwn(POWERS, bare)) degree = POWERS[bare]!;
    else found ??= UNITS.get(raw) ?? UNITS.get(bare) ?? UNITS.get(bare.replace(/s$/, ''));
    if (digit !== undefined) degree = Number(digit);
  }
  // A rate or a named thing (miles per hour, feet of rope) is more than we can compare.
  if (found === undefined || /\bper\b|\//.test(words)) return NO_UNIT;
  const factor = power(found.factor, integer(degree)) ?? integer(1);
  return { dimension: `${found.dimension}^${degree}`, factor };
}

/** The number in base units. */
export const inBaseUnits = (value: Rational, unit: Unit): Rational | undefined =>
  multiply(value, unit.factor);
