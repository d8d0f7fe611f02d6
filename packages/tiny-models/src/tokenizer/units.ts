/**
 * The strings that pieces are parts of. A word is a run between spaces, with "▁" standing for the space before it.
 * No piece mixes letters with other signs, and digits and punctuation stand alone, so a word falls into units that
 * are segmented one by one: "▁ship's" is ▁ship, ', s.
 */

/** SentencePiece's sign for a space. */
export const SPACE = '▁';

/** Units of a word that starts with {@link SPACE}. */
export function unitsOf(word: string): string[] {
  return word.match(UNIT) ?? [];
}

const UNIT = /▁?(?:[A-Za-z]+|[^A-Za-z▁])|▁/gu;

/** How often each unit occurs, every sentence counted as often as its weight says. */
export function countUnits(sentences: Iterable<{ text: string; weight: number }>): Map<string, number> {
  const words = new Map<string, number>();
  for (const { text, weight } of sentences)
    for (const word of text.split(' ')) words.set(word, (words.get(word) ?? 0) + weight);
  const units = new Map<string, number>();
  for (const [word, count] of words)
    for (const unit of unitsOf(SPACE + word)) units.set(unit, (units.get(unit) ?? 0) + count);
  return units;
}
