/**
 * Training of a Unigram vocabulary (Kudo 2018, "Subword Regularization", section 3.2): start from frequent
 * substrings, fit their probabilities by EM, drop the pieces whose loss costs the likelihood least, and repeat.
 * Nothing in it is random.
 */
import { Lattices } from './lattice.ts';

/** A piece and its log-probability. */
export interface Piece {
  readonly text: string;
  readonly score: number;
}

export interface UnigramOptions {
  /** How many pieces to end with, `alphabet` included. */
  readonly size: number;
  /** Single characters that are kept whatever their count. */
  readonly alphabet: readonly string[];
  readonly longestPiece?: number;
  readonly seedSize?: number;
  /** Share of pieces kept by one round of pruning. */
  readonly keptPerRound?: number;
}

/** EM steps between two prunings, as in SentencePiece. */
const EM_STEPS = 2;

/** @returns `size` pieces, most probable first */
export function trainUnigram(units: ReadonlyMap<string, number>, options: UnigramOptions): Piece[] {
  const { size, alphabet, longestPiece = 16, seedSize = 60_000, keptPerRound = 0.75 } = options;
  const seeds = seedPieces(units, alphabet, longestPiece, seedSize);
  if (seeds.length < size)
    throw new Error(`the corpus has ${seeds.length} possible pieces, ${size} are wanted: ask for fewer`);
  const texts = seeds.map(({ text }) => text);
  const isRequired = texts.map((text) => alphabet.includes(text));
  const lattices = new Lattices(units, new Map(texts.map((text, i) => [text, i])));
  const ownLattices = new Lattices(
    new Map(texts.map((text) => [text, 1])),
    new Map(texts.map((text, i) => [text, i])),
  );
  let scores = normalise(Float64Array.from(seeds, ({ count }) => Math.max(count, LEAST_COUNT)));
  let left = texts.length;
  while (left > size) {
    for (let step = 0; step < EM_STEPS; step++)
      scores = maximise(lattices.expectedCounts(scores), scores, isRequired, size);
    const losses = lossesWithout(lattices, ownLattices, scores);
    const alive = aliveIn(scores);
    const droppable = alive
      .filter((i) => !isRequired[i])
      .sort((a, b) => compare(losses[b]!, losses[a]!) || a - b);
    const kept = Math.max(size, Math.floor(keptPerRound * alive.length));
    for (const i of droppable.slice(Math.max(0, kept - (alive.length - droppable.length))))
      scores[i] = Number.NEGATIVE_INFINITY;
    left = aliveIn(scores).length;
  }
  scores = normalise(
    lattices
      .expectedCounts(scores)
      .map((count, i) => (scores[i] === Number.NEGATIVE_INFINITY ? 0 : Math.max(count, LEAST_COUNT))),
  );
  return aliveIn(scores)
    .sort((a, b) => scores[b]! - scores[a]! || (texts[a]! < texts[b]! ? -1 : 1))
    .map((i) => ({ text: texts[i]!, score: scores[i]! }));
}

/** What a piece that stays counts as at least: characters of the alphabet may never occur. */
const LEAST_COUNT = 0.01;

interface Seed {
  readonly text: string;
  readonly count: number;
}

/** Substrings that occur at least twice, by count times length; and the alphabet. */
function seedPieces(
  units: ReadonlyMap<string, number>,
  alphabet: readonly string[],
  longest: number,
  limit: number,
): Seed[] {
  const counts = new Map<string, number>(alphabet.map((character) => [character, 0]));
  for (const [unit, count] of units)
    for (let start = 0; start < unit.length; start++)
      for (let end = start + 1; end <= Math.min(unit.length, start + longest); end++) {
        const text = unit.slice(start, end);
        counts.set(text, (counts.get(text) ?? 0) + count);
      }
  const singles: Seed[] = [];
  const longer: Seed[] = [];
  for (const [text, count] of counts) {
    if (text.length === 1) singles.push({ text, count });
    else if (count >= 2) longer.push({ text, count });
  }
  longer.sort((a, b) => b.count * b.text.length - a.count * a.text.length || (a.text < b.text ? -1 : 1));
  return [...singles.sort((a, b) => (a.text < b.text ? -1 : 1)), ...longer.slice(0, limit - singles.length)];
}

/**
 * The M step. Expected counts pass through exp(digamma), the mean of log-probabilities under a sparse Dirichlet
 * prior: rare pieces lose more than frequent ones. Pieces expected less than half a time are dropped, as long as
 * `size` remain.
 */
function maximise(
  expected: Float64Array,
  scores: Float64Array,
  isRequired: readonly boolean[],
  size: number,
) {
  const rank = (i: number) => (isRequired[i] ? Number.POSITIVE_INFINITY : expected[i]!);
  const alive = aliveIn(scores).sort((a, b) => compare(rank(b), rank(a)) || a - b);
  const kept = new Float64Array(expected.length);
  for (const [place, i] of alive.entries())
    if (rank(i) >= 0.5 || place < size) kept[i] = Math.max(expected[i]!, LEAST_COUNT);
  const logTotal = digamma(kept.reduce((sum, count) => sum + count, 0));
  return kept.map((count) => {
    if (count === 0) return Number.NEGATIVE_INFINITY;
    return (count < 0.5 ? Math.log(count) : digamma(count)) - logTotal;
  });
}

function aliveIn(scores: Float64Array): number[] {
  return [...scores.keys()].filter((i) => scores[i] !== Number.NEGATIVE_INFINITY);
}

/** Infinity equals itself, which a difference does not say. */
function compare(a: number, b: number): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function normalise(counts: Float64Array): Float64Array {
  const logTotal = Math.log(counts.reduce((sum, count) => sum + count, 0));
  return counts.map((count) => Math.log(count) - logTotal);
}

/**
 * By how much the log-likelihood of the best segmentations falls when a piece goes and its occurrences become its own
 * best segmentation into other pieces. Infinite when there is no other.
 */
function lossesWithout(lattices: Lattices, own: Lattices, scores: Float64Array): Float64Array {
  const counts = lattices.bestCounts(scores);
  const total = counts.reduce((sum, count) => sum + count, 0);
  return counts.map((count, piece) => {
    if (count === 0 || scores[piece] === Number.NEGATIVE_INFINITY) return 0;
    const parts = own.best(piece, scores, piece);
    if (parts === undefined) return Number.POSITIVE_INFINITY;
    const logTotalAfter = Math.log(total + count * (parts.length - 1));
    const before = Math.log(count) - Math.log(total);
    const after = parts.reduce((sum, part) => sum + Math.log(counts[part]! + count) - logTotalAfter, 0);
    return count * (before - after);
  });
}

/** The derivative of log gamma, by recurrence up to 7 and the asymptotic series (error below 1e-10). */
function digamma(x: number): number {
  let result = 0;
  let y = x;
  for (; y < 7; y++) result -= 1 / y;
  const inverse = 1 / (y * y);
  return (
    result +
    Math.log(y) -
    1 / (2 * y) -
    inverse * (1 / 12 - inverse * (1 / 120 - inverse * (1 / 252 - inverse * (1 / 240 - inverse / 132))))
  );
}
