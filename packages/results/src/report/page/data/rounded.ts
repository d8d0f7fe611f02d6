/** Six digits are more than is shown anywhere; the records have all of them. */
const DIGITS = 6;

/** A copy of plain JSON whose fractions are short. Whole numbers stay whole. */
export function rounded<T>(value: T, digits = DIGITS): T {
  if (typeof value === 'number')
    return (Number.isInteger(value) ? value : Number(value.toPrecision(digits))) as T;
  if (Array.isArray(value)) return value.map((one) => rounded(one, digits)) as T;
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, rounded(one, digits)])) as T;
}
