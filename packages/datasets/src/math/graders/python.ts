/** What Python does where JavaScript does something else: the released scorers rest on it. */

/** Characters that `str.isspace` holds for. */
const SPACE = '\\t-\\r\\x1c- \\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000';
const ENDS = new RegExp(`^[${SPACE}]+|[${SPACE}]+$`, 'g');

/** `str.strip()` */
export const strip = (text: string): string => text.replace(ENDS, '');

/** `text.split(separator)[-1]`, or undefined where the separator does not occur. */
export function afterLast(text: string, separator: string): string | undefined {
  const at = text.lastIndexOf(separator);
  return at < 0 ? undefined : text.slice(at + separator.length);
}

/** Decimal digits of every script, which `\d`, `int` and `float` take, as those of ASCII. */
export const asciiDigits = (text: string): string =>
  text.replace(/\p{Nd}/gu, (digit) => {
    const code = digit.codePointAt(0)!;
    // Digits come in runs of ten from zero, and runs may follow one another.
    let start = code;
    while (/\p{Nd}/u.test(String.fromCodePoint(start - 1))) start--;
    return String((code - start) % 10);
  });

const INTEGER = /^[+-]?\d+(?:_\d+)*$/;

/** `int(text)`; undefined where it raises ValueError. */
export function parseInteger(text: string): bigint | undefined {
  const digits = asciiDigits(strip(text));
  if (!INTEGER.test(digits)) return undefined;
  const value = BigInt(digits.replace(/^[+-]|_/g, ''));
  return digits.startsWith('-') ? -value : value;
}

/** `round(value)`: halves go to the even neighbour (2.5 to 2). */
export function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const fraction = value - floor;
  const isUp = fraction > 0.5 || (fraction === 0.5 && floor % 2 !== 0);
  // Adding 0 makes -0 the 0 that Python's integer is.
  return (isUp ? floor + 1 : floor) + 0;
}

/** An integer-valued number as Python prints the integer: never with an exponent. */
export const integerText = (value: number): string => BigInt(value).toString();
