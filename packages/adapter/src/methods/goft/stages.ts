/**
 * The arrangement of n - 1 Givens rotations over n entries as a tournament: stage t pairs the entries 2k 2^t and
 * (2k + 1) 2^t, as long as both exist; the first of each pair, and one left over, go on. Four stages act inside aligned
 * blocks of 16 entries, the next four inside blocks of 16 of every 16th entry, and so on: a level is a block-diagonal
 * matrix on ever fewer entries.
 */

/** Stages a level. */
const DEPTH = 4;

export interface Stage {
  /** Where its rotations start among all. */
  readonly offset: number;
  /** Rotations. */
  readonly count: number;
}

export interface Level {
  /** Entries it acts on: every (16^level)-th. */
  readonly entries: number;
  /** Entries a block: 16, or fewer at the top. */
  readonly size: number;
  readonly blocks: number;
  readonly stages: readonly Stage[];
}

/** @param n entries, at least 1 */
export function levelsOf(n: number): Level[] {
  const levels: Level[] = [];
  let offset = 0;
  let left = n;
  while (left > 1) {
    const entries = left;
    const stages: Stage[] = [];
    while (left > 1 && stages.length < DEPTH) {
      const count = Math.floor(left / 2);
      stages.push({ offset, count });
      offset += count;
      left = Math.ceil(left / 2);
    }
    const size = 2 ** stages.length;
    levels.push({ entries, size, blocks: Math.ceil(entries / size), stages });
  }
  return levels;
}

/**
 * Constants that place the four numbers of each pair of a stage in a block's matrix, as a matrix product:
 * [4 · pairs, size²] and the ones of entries that no pair touches, [size²].
 * @param stage within the level
 */
export function placement(
  size: number,
  stage: number,
): { select: Float32Array; rest: Float32Array; pairs: number } {
  const step = 2 ** stage;
  const pairs = size / (2 * step);
  const select = new Float32Array(4 * pairs * size * size);
  const rest = new Float32Array(size * size);
  const touched = new Set<number>();
  for (let k = 0; k < pairs; k++) {
    const [i, j] = [2 * k * step, (2 * k + 1) * step];
    touched.add(i).add(j);
    // Row by row: G00, G01, G10, G11 of pair k stand at k, pairs + k, 2 pairs + k, 3 pairs + k.
    [i * size + i, i * size + j, j * size + i, j * size + j].forEach((place, which) => {
      select[(which * pairs + k) * size * size + place] = 1;
    });
  }
  for (let i = 0; i < size; i++) if (!touched.has(i)) rest[i * size + i] = 1;
  return { select, rest, pairs };
}
