/**
 * Angles between the columns of a weight, before and after fine-tuning (PSOFT, theorem of section 4 and Appendix K). The
 * paper's W is [in, out]; checkpoints keep [out, in], so its columns are rows here: one vector for each output.
 */

/** `count` vectors of `length` values, one after the other. */
export interface Vectors {
  readonly data: Float32Array | Float64Array;
  readonly count: number;
  readonly length: number;
}

/** How far angles and norms moved, over all pairs of the vectors looked at. */
export interface AngleChange {
  readonly pairs: number;
  /** Degrees. */
  readonly largest: number;
  readonly mean: number;
  /** Of a vector's norm, relative to what it was. */
  readonly largestNormChange: number;
  /** Pairs by the size of their change: see {@link binOf}. */
  readonly histogram: readonly number[];
}

/** Four bins a power of ten, from 1e-7 degrees (float32 resolves no less) to above 100. */
const BINS_A_DECADE = 4;
const LOWEST = -7;
export const BINS = 38;

/** The histogram's bin of a change in degrees; what is smaller than its lowest edge, 0 included, is in the first. */
export function binOf(degrees: number): number {
  const bin = Math.floor((Math.log10(degrees) - LOWEST) * BINS_A_DECADE);
  return Math.min(Math.max(bin, 0), BINS - 1);
}

/** Lower edge of a bin, in degrees. */
export const edgeOf = (bin: number): number => 10 ** (LOWEST + bin / BINS_A_DECADE);

/** Degrees between two vectors, from products in double precision. */
export function angleBetween(vectors: Vectors, i: number, j: number): number {
  const cosine = dot(vectors, i, j) / Math.sqrt(dot(vectors, i, i) * dot(vectors, j, j));
  return (Math.acos(Math.min(1, Math.max(-1, cosine))) * 180) / Math.PI;
}

/** All angles between some of the vectors, degrees; 0 on the diagonal. */
export function angleMatrix(vectors: Vectors, places: readonly number[]): number[][] {
  return places.map((i) => places.map((j) => (i === j ? 0 : angleBetween(vectors, i, j))));
}

/**
 * `wanted` places spread evenly over the vectors, or all of them. A vector of zeros has no angles: such are left out.
 */
export function placesOf(all: readonly Vectors[], wanted: number): number[] {
  const { count } = all[0]!;
  const usable = Array.from({ length: count }, (_, i) => i).filter((i) =>
    all.every((vectors) => dot(vectors, i, i) > 0),
  );
  if (usable.length <= wanted) return usable;
  return Array.from({ length: wanted }, (_, i) => usable[Math.floor((i * usable.length) / wanted)]!);
}

/** Compares the same vectors before and after, at the places given. */
export function changeOf(before: Vectors, after: Vectors, places: readonly number[]): AngleChange {
  const norms = (vectors: Vectors) => places.map((i) => Math.sqrt(dot(vectors, i, i)));
  const [old, now] = [norms(before), norms(after)];
  const histogram = new Array<number>(BINS).fill(0);
  let [pairs, largest, sum] = [0, 0, 0];
  for (const [i, place] of places.entries())
    for (const other of places.slice(0, i)) {
      const change = Math.abs(angleBetween(after, place, other) - angleBetween(before, place, other));
      histogram[binOf(change)]! += 1;
      largest = Math.max(largest, change);
      sum += change;
      pairs++;
    }
  const largestNormChange = old.reduce((most, norm, i) => Math.max(most, Math.abs(now[i]! / norm - 1)), 0);
  return { pairs, largest, mean: pairs === 0 ? 0 : sum / pairs, largestNormChange, histogram };
}

/** Of several modules together. */
export function sumOfChanges(all: readonly AngleChange[]): AngleChange {
  const pairs = all.reduce((sum, one) => sum + one.pairs, 0);
  return {
    pairs,
    largest: Math.max(0, ...all.map(({ largest }) => largest)),
    mean: pairs === 0 ? 0 : all.reduce((sum, one) => sum + one.mean * one.pairs, 0) / pairs,
    largestNormChange: Math.max(0, ...all.map(({ largestNormChange }) => largestNormChange)),
    histogram: Array.from({ length: BINS }, (_, bin) =>
      all.reduce((sum, { histogram }) => sum + histogram[bin]!, 0),
    ),
  };
}

function dot({ data, length }: Vectors, i: number, j: number): number {
  let sum = 0;
  for (let k = 0, a = i * length, b = j * length; k < length; k++) sum += data[a + k]! * data[b + k]!;
  return sum;
}
