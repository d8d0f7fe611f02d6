/** Lengths to which texts are padded double from here: each takes a program of its own. */
const FIRST_BUCKET = 32;

/** Powers of two that hold every length, the largest cut to the longest text. */
export function bucketsOf(lengths: readonly number[], first = FIRST_BUCKET): number[] {
  const longest = lengths.reduce((a, b) => Math.max(a, b), 1);
  const buckets: number[] = [];
  for (let size = first; size < longest; size *= 2) buckets.push(size);
  return [...buckets, longest];
}

export function checkCounts(counts: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(counts))
    if (!Number.isSafeInteger(value) || value < 1)
      throw new Error(`${name} must be a whole number of at least 1, got ${value}`);
}
