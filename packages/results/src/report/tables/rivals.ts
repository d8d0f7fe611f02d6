/** Every row against the rival of its group. */
import { LEAST_PAIRS, pairedBootstrap, SIGNIFICANCE } from './bootstrap.ts';
import type { RivalTest } from './model.ts';
import type { RowRecords, SeedValues } from './values.ts';

/**
 * Per cent by example, of one record: what `runs/` may hold beside it. Undefined where nothing is at hand.
 * @param hash its configHash
 */
export type ExamplesOf = (hash: string) => ReadonlyMap<string, number> | undefined;

export interface Side {
  readonly records: RowRecords;
  readonly values: SeedValues;
}

/**
 * Over the common seeds where there are three or more, else over the examples of the common seeds, else not.
 * @param task of the column; a mean of tasks has no examples
 */
export function testAgainst(
  rival: string,
  mine: Side,
  theirs: Side,
  task: string | undefined,
  examplesOf: ExamplesOf,
): RivalTest {
  const seeds = [...mine.values.keys()].filter((seed) => theirs.values.has(seed)).sort((a, b) => a - b);
  const overExamples = (): RivalTest | undefined => {
    if (task === undefined || seeds.length === 0) return undefined;
    const [a, b] = [mine, theirs].map((side) => meanByExample(side.records, task, seeds, examplesOf));
    if (a === undefined || b === undefined || a.size !== b.size) return undefined;
    const keys = [...a.keys()];
    if (!keys.every((key) => b.has(key))) return undefined;
    return resultOf(
      rival,
      'examples',
      keys.map((key) => a.get(key)! - b.get(key)!),
    );
  };
  if (seeds.length < LEAST_PAIRS) {
    const tested = overExamples();
    if (tested !== undefined) return tested;
    return {
      rival,
      notTested: `${seeds.length} common ${seeds.length === 1 ? 'seed' : 'seeds'}, at least ${LEAST_PAIRS} are needed`,
    };
  }
  return resultOf(
    rival,
    'seeds',
    seeds.map((seed) => mine.values.get(seed)! - theirs.values.get(seed)!),
  );
}

function resultOf(rival: string, over: 'seeds' | 'examples', differences: readonly number[]): RivalTest {
  const result = pairedBootstrap(differences);
  if ('notTested' in result) return { rival, notTested: `${over}: ${result.notTested}` };
  return { rival, over, ...result, isSignificant: result.p < SIGNIFICANCE };
}

/** Mean over the seeds by example; undefined unless every seed has the same examples. */
function meanByExample(
  records: RowRecords,
  task: string,
  seeds: readonly number[],
  examplesOf: ExamplesOf,
): ReadonlyMap<string, number> | undefined {
  const bySeed = records.cell(task)?.bySeed;
  const sums = new Map<string, number>();
  let size: number | undefined;
  for (const seed of seeds) {
    const chosen = bySeed?.get(seed);
    const examples = chosen && examplesOf(chosen.record.runInfo.configHash);
    if (examples === undefined || (size !== undefined && examples.size !== size)) return undefined;
    size = examples.size;
    for (const [key, value] of examples) sums.set(key, (sums.get(key) ?? 0) + value / seeds.length);
  }
  return sums.size === size ? sums : undefined;
}
