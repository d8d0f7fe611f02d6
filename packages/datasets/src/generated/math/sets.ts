/** Sets of generated problems that have nothing in common, for any seeds. */
import { createHash } from 'node:crypto';
import { RandomStream } from '@psoft/engine';

export interface MathSizes {
  readonly train: number;
  readonly test: number;
}

export type Part = 'pre-training' | 'train' | 'test';

/** Shares of all problems, in sixteenths. */
const SHARES: readonly (readonly [Part, number])[] = [
  ['test', 3],
  ['train', 6],
  ['pre-training', 7],
];

/** What a problem is for, by its text alone: the tiny Llama has seen neither the training nor the test set. */
export function partOf(text: string): Part {
  let place = createHash('sha256').update(text).digest()[0]! % 16;
  for (const [part, share] of SHARES) {
    if (place < share) return part;
    place -= share;
  }
  throw new Error(`the shares of ${SHARES.map(([part]) => part).join(', ')} do not add up to 16`);
}

/** No answer is that of more than so many problems of a set: a constant guess earns no more. */
const MOST_ALIKE = 0.06;

/** Draws in a row that gave nothing new, after which the problems count as used up. */
const MAX_MISSES = 4_000;

/**
 * So many different problems of a part.
 * @throws when the draws cannot give that many
 */
export function drawSet<Item>(
  task: string,
  seed: number,
  part: Part,
  count: number,
  draw: (rng: RandomStream) => Item,
  describe: (item: Item) => { readonly text: string; readonly answer: string },
): Item[] {
  const rng = RandomStream.from(seed, 'math', task, part);
  const most = Math.max(1, Math.floor(MOST_ALIKE * count));
  const alike = new Map<string, number>();
  const seen = new Set<string>();
  const items: Item[] = [];
  for (let misses = 0; items.length < count; ) {
    if (misses > MAX_MISSES)
      throw new Error(`the generated ${task} problems are too few for ${count} of ${part}: ask for fewer`);
    const item = draw(rng);
    const { text, answer } = describe(item);
    const times = alike.get(answer) ?? 0;
    if (partOf(text) !== part || seen.has(text) || times >= most) {
      misses++;
      continue;
    }
    misses = 0;
    seen.add(text);
    alike.set(answer, times + 1);
    items.push(item);
  }
  return items;
}
