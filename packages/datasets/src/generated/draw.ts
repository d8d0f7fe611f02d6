/** Splits of a generated task: balanced, without repetitions, decided by a seed. */
import { RandomStream } from '@psoft/engine';
import type { TextExample, TextSplit } from '../text.ts';
import { Speaker } from './speaker.ts';

export interface SplitSizes {
  readonly train: number;
  readonly dev: number;
}

/** Draws in a row that gave nothing new, after which the sentences count as used up. */
const MAX_MISSES = 1000;

/** What a task's generator makes of one draw. `at` counts up, so that labels and forms come in turn. */
export type Draw = (speaker: Speaker, at: number) => TextExample;

/**
 * The named splits, shuffled. No text (or pair of texts) stands twice, within or across splits.
 * @throws when the draws cannot give that many different examples
 */
export function drawSplits<Name extends string>(
  task: string,
  seed: number,
  sizes: Readonly<Record<Name, number>>,
  draw: Draw,
): Record<Name, TextSplit> {
  const seen = new Set<string>();
  const splits = Object.entries(sizes).map(([name, size]): [string, TextSplit] => {
    const count = size as number;
    const rng = RandomStream.from(seed, task, name);
    const speaker = new Speaker(rng);
    const examples: TextExample[] = [];
    for (let misses = 0; examples.length < count; ) {
      if (misses > MAX_MISSES)
        throw new Error(
          `the generated ${task} task has too few texts for ${count} of ${name}: ask for fewer`,
        );
      const example = draw(speaker, examples.length);
      const key = JSON.stringify([example.text, example.textPair ?? null]);
      if (seen.has(key)) {
        misses++;
        continue;
      }
      misses = 0;
      seen.add(key);
      examples.push(example);
    }
    rng.shuffle(examples);
    return [name, { source: `generated ${task}, seed ${seed}, ${name}`, examples }];
  });
  return Object.fromEntries(splits) as Record<Name, TextSplit>;
}
