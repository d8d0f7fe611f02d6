/** A number as the paper prints it: what it says, and how far the number behind it may lie from that. */
export interface Printed {
  /** As printed: "0.08", "OOM", "17m34s", or "" where the cell is empty. */
  readonly text: string;
  /** Durations in seconds. Undefined for "OOM" and empty cells. */
  readonly value: number | undefined;
  /** Half a unit of the last printed digit: the largest error of rounding. */
  readonly halfUnit: number;
  /** Digits after the decimal point. */
  readonly decimals: number;
}

export const OUT_OF_MEMORY = 'OOM';

/**
 * @returns undefined unless `text` is a plain decimal number, "OOM" or empty
 */
export function printedNumber(text: string): Printed | undefined {
  if (text === '' || text === OUT_OF_MEMORY) return { text, value: undefined, halfUnit: 0, decimals: 0 };
  if (!/^-?\d+(\.\d+)?$/.test(text)) return undefined;
  const decimals = text.includes('.') ? text.length - text.indexOf('.') - 1 : 0;
  return { text, value: Number(text), halfUnit: 0.5 * 10 ** -decimals, decimals };
}

/**
 * @param text minutes and seconds, as in "17m34s"
 * @returns undefined unless `text` is one
 */
export function printedDuration(text: string): Printed | undefined {
  const parts = /^(\d+)m([0-5]\d)s$/.exec(text);
  if (parts === null) return undefined;
  return { text, value: Number(parts[1]) * 60 + Number(parts[2]), halfUnit: 0.5, decimals: 0 };
}

/** NaN for what is no number, which no comparison holds of. */
export function numberOf(printed: Printed | undefined): number {
  return printed?.value ?? Number.NaN;
}

/** Whether a computed number is printed so, by rounding. `slack` is what rounding of its own inputs may add. */
export function roundsTo(value: number, printed: Printed, slack = 0): boolean {
  return printed.value !== undefined && Math.abs(value - printed.value) <= printed.halfUnit + slack + 1e-9;
}

/** Whether a computed number is printed so when its further digits are cut off. */
export function cutsTo(value: number, printed: Printed): boolean {
  if (printed.value === undefined) return false;
  const rest = value - printed.value;
  return rest >= -1e-9 && rest < 2 * printed.halfUnit;
}
