/**
 * What the tiny Llama reads of mathematics before it is fine-tuned: calculations, and problems of the kinds that the
 * generated sets have, in other words. Questions and answers are marked "Q:" and "A:", the answers are bare
 * calculations, and no text states its answer as MetaMathQA does. No problem of it is in any generated set.
 */
import { RandomStream } from '@psoft/engine';
import { drawExercise, greatestCommonDivisor } from './exercises.ts';
import { type Part, partOf } from './sets.ts';
import { drawStory } from './stories.ts';

const PART: Part = 'pre-training';

/** How often each kind of text comes, in tenths. */
const KINDS: readonly (readonly [weight: number, draw: (rng: RandomStream) => string])[] = [
  [3, calculations],
  [4, story],
  [3, exercise],
];

/**
 * Texts of some lines each.
 * @param at of the block: each has texts of its own
 */
export function mathTexts(seed: number, at: number, count: number): string[] {
  const rng = RandomStream.from(seed, 'math', PART, String(at));
  return Array.from({ length: count }, () => {
    let place = rng.integer(KINDS.reduce((sum, [weight]) => sum + weight, 0));
    for (const [weight, draw] of KINDS) {
      if (place < weight) return draw(rng);
      place -= weight;
    }
    throw new Error('unreachable: the place is below the sum of the weights');
  });
}

/** A few calculations, one a line or in a row. */
function calculations(rng: RandomStream): string {
  const between = (low: number, high: number) => low + rng.integer(high - low + 1);
  const one = () => {
    const kind = rng.integer(10);
    if (kind < 3) {
      const sum = between(2, 99);
      const a = between(1, sum - 1);
      return `${a}+${sum - a}=${sum}`;
    }
    if (kind < 6) {
      const a = between(2, 99);
      const b = between(1, a - 1);
      return `${a}-${b}=${a - b}`;
    }
    const a = between(2, 12);
    const b = between(2, Math.min(30, Math.floor(99 / a)));
    if (kind === 9) return `gcd(${a},${b})=${greatestCommonDivisor(a, b)}`;
    const [x, y] = rng.integer(2) === 0 ? [a, b] : [b, a];
    return kind < 8 ? `${x}*${y}=${x * y}` : `${x * y}/${x}=${y}`;
  };
  return Array.from({ length: between(3, 10) }, one).join(rng.integer(2) === 0 ? '\n' : ', ');
}

/**
 * Half of the answers begin with what evaluation puts before them: a model that knows it from nowhere takes it for the
 * first step of the solution.
 */
const opening = (rng: RandomStream) => (rng.integer(2) === 0 ? 'A:' : "A: Let's think step by step.");

function story(rng: RandomStream): string {
  for (;;) {
    const { question, steps, answer, unit } = drawStory(rng);
    if (partOf(question) !== PART) continue;
    const chain = steps.map(({ left, result }) => `${left}=${result}`).join(', ');
    return `Q: ${question}\n${opening(rng)} ${chain}. ${answer} ${unit}.`;
  }
}

function exercise(rng: RandomStream): string {
  for (;;) {
    const { problem, steps, answer } = drawExercise(rng);
    if (partOf(problem) !== PART) continue;
    return `Q: ${problem}\n${opening(rng)} ${steps.join(' ')} Result: $${answer}$.`;
  }
}
