/** Byte-pair encoding (Sennrich et al. 2016, algorithm 1) on bytes: the most frequent pair becomes a token, again and again. */
import { byteText, splitText } from './split.ts';

/** Two tokens that become one, in the byte alphabet. */
export type Merge = readonly [left: string, right: string];

/** How often each piece stands in the texts, in the byte alphabet. */
export function countPieces(texts: Iterable<string>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const text of texts)
    for (const piece of splitText(text)) counts.set(piece, (counts.get(piece) ?? 0) + 1);
  return new Map([...counts].map(([piece, count]) => [byteText(piece), count]));
}

interface Word {
  tokens: string[];
  readonly count: number;
}

/**
 * @param counts of pieces, in the byte alphabet
 * @param size of merges; of pairs that are equally frequent, the first in code point order goes first
 * @throws when the pieces have fewer pairs
 */
export function trainBpe(counts: ReadonlyMap<string, number>, size: number): Merge[] {
  const words = [...counts].map(([piece, count]): Word => ({ tokens: [...piece], count }));
  const pairs = new PairCounts();
  for (const word of words) pairs.add(word, 1);
  const merges: Merge[] = [];
  while (merges.length < size) {
    const pair = pairs.mostFrequent();
    if (pair === undefined)
      throw new Error(`the corpus has pairs for ${merges.length} merges, not ${size}: give more text`);
    const [left, right] = pair.merge;
    merges.push(pair.merge);
    for (const word of [...pair.words]) {
      pairs.add(word, -1);
      word.tokens = joined(word.tokens, left, right);
      pairs.add(word, 1);
    }
  }
  return merges;
}

/** The tokens with each `left` and `right` in a row as one, from the left. */
export function joined(tokens: readonly string[], left: string, right: string): string[] {
  const result: string[] = [];
  for (let i = 0; i < tokens.length; i++) {
    const isPair = tokens[i] === left && tokens[i + 1] === right;
    result.push(isPair ? left + right : tokens[i]!);
    if (isPair) i++;
  }
  return result;
}

interface Pair {
  readonly key: string;
  readonly merge: Merge;
  count: number;
  /** Where it stands. */
  readonly words: Set<Word>;
}

class PairCounts {
  readonly #pairs = new Map<string, Pair>();

  /** Counts a word's pairs, or with `sign` -1 takes them back. */
  add(word: Word, sign: 1 | -1): void {
    for (let i = 0; i + 1 < word.tokens.length; i++) {
      const merge = [word.tokens[i]!, word.tokens[i + 1]!] as const;
      const key = merge.join(' ');
      let pair = this.#pairs.get(key);
      if (pair === undefined) {
        pair = { key, merge, count: 0, words: new Set() };
        this.#pairs.set(key, pair);
      }
      pair.count += sign * word.count;
      if (sign > 0) pair.words.add(word);
      else pair.words.delete(word);
    }
  }

  mostFrequent(): Pair | undefined {
    let best: Pair | undefined;
    for (const pair of this.#pairs.values()) {
      const isBetter =
        best === undefined || pair.count > best.count || (pair.count === best.count && pair.key < best.key);
      if (pair.count > 0 && isBetter) best = pair;
    }
    return best;
  }
}
