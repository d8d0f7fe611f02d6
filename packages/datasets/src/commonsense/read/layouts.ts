/** Where the sets lie in a folder, below a web address or in a repository: alike everywhere. */
import {
  COMMONSENSE_SET_NAMES,
  COMMONSENSE_SETS,
  COMMONSENSE_TRAINING,
  type CommonsenseSetName,
} from '../sets.ts';

/** The test questions of a set, or what is trained on. */
export type Wanted = CommonsenseSetName | 'training';

/** For messages. */
export const titleOf = (wanted: Wanted): string =>
  wanted === 'training' ? 'commonsense training' : `${wanted} test`;

/** LLM-Adapters' own repository keeps the sets there. */
const ROOTS = ['', 'dataset/'];

const below = (set: CommonsenseSetName, file: string): string[] =>
  ROOTS.map((root) => `${root}${COMMONSENSE_SETS[set].folder}/${file}`);

const TRAINING = [COMMONSENSE_TRAINING.file, `ft-training_set/${COMMONSENSE_TRAINING.file}`, 'train.json'];

/** Paths that hold all that is wanted in one file: the first that is there is taken. */
export const wholePaths = (wanted: Wanted): readonly string[] =>
  wanted === 'training' ? TRAINING : [...below(wanted, 'test.json'), 'test.json'];

/** Paths of the training files that each set has of its own, which together may stand for the published one. */
export const partPaths = (): readonly string[] =>
  COMMONSENSE_SET_NAMES.flatMap((set) => below(set, 'train.json'));

/** A file that a place has of those that were looked for. */
export interface Found {
  /** With `/` between the parts. */
  readonly path: string;
  /** Of a part of the training data. */
  readonly set?: CommonsenseSetName;
}

/**
 * What a place holds of what is wanted.
 * @param has whether the place has a file; asked in turn, and no further than need be
 * @returns one file, or the sets' own training files in the sets' order, or nothing
 */
export async function locate(
  wanted: Wanted,
  has: (path: string) => boolean | Promise<boolean>,
): Promise<Found[]> {
  const first = async (paths: readonly string[]): Promise<string | undefined> => {
    for (const path of paths) if (await has(path)) return path;
    return undefined;
  };
  const whole = await first(wholePaths(wanted));
  if (whole !== undefined) return [{ path: whole }];
  if (wanted !== 'training') return [];
  const parts: Found[] = [];
  for (const set of COMMONSENSE_SET_NAMES) {
    const path = await first(below(set, 'train.json'));
    if (path !== undefined) parts.push({ path, set });
  }
  return parts;
}

/** What was looked for, for the message that nothing of it is there. */
export const lookedFor = (wanted: Wanted): string =>
  [...wholePaths(wanted), ...(wanted === 'training' ? [`train.json in the folders of the sets`] : [])].join(
    ', ',
  );
