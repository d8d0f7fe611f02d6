/** Data as it was read, with what a record should say of it. */
import path from 'node:path';
import { gitSum } from '../../hub/transfer.ts';
import { DataError } from '../../text.ts';
import { COMMONSENSE_SET_NAMES, COMMONSENSE_TRAINING, type CommonsenseRow } from '../sets.ts';
import type { Found, Wanted } from './layouts.ts';
import { comparison, publishedSum, setOfSum } from './published.ts';
import { readQuestions } from './rows.ts';

/** A file that was read. */
export interface CommonsenseFile {
  /** Below the place that it was found at, with `/` between the parts. */
  readonly path: string;
  /** The SHA-1 that git names its content by. */
  readonly blob: string;
}

export interface CommonsenseData {
  /** Where it came from, for messages and records. */
  readonly source: string;
  /** In the order of the files. */
  readonly rows: readonly CommonsenseRow[];
  readonly files: readonly CommonsenseFile[];
  /** Whether it is what LLM-Adapters published, byte for byte. */
  readonly isPublished: boolean;
  /** The same in words, with the difference. */
  readonly note: string;
  /** The commit that the files are of, for data from the Hub. */
  readonly commit?: string;
}

/** A place that files were found at. */
export interface Place {
  /** On this machine. */
  readonly folder: string;
  /** What the user calls it. */
  readonly name: string;
  /** What the user calls a file of it. */
  nameOf(path: string): string;
  readonly commit?: string;
}

/** @throws DataError naming file, row and value */
export async function readFound(
  wanted: Wanted,
  found: readonly Found[],
  place: Place,
): Promise<CommonsenseData> {
  const rows: CommonsenseRow[] = [];
  const files: CommonsenseFile[] = [];
  const counts = new Map<string, number>();
  const faults: string[] = [];
  for (const { path: name, set } of found) {
    const file = path.join(place.folder, name);
    const blob = await gitSum(file);
    const isPublished = blob === publishedSum(wanted);
    const other = setOfSum(blob);
    if (other !== undefined && !isPublished)
      throw new DataError(
        `${file} is the published test file of ${other}, ${wanted === 'training' ? 'which is not to be trained on' : `not of ${wanted}`}; name the folder that is meant`,
      );
    const read = await readQuestions(file, wanted, isPublished);
    // One at a time: as arguments of a call so many would not fit the stack.
    for (const row of read.rows) rows.push(row);
    files.push({ path: name, blob });
    faults.push(...read.faults);
    if (set !== undefined) counts.set(set, read.rows.length);
  }
  const source =
    counts.size === 0
      ? place.nameOf(files[0]!.path)
      : `${place.name} (train.json of ${[...counts.keys()].join(', ')})`;
  const about =
    counts.size === 0
      ? `${source} ${comparison(wanted, files[0]!.blob, rows.length)}`
      : joined(place.name, counts, rows.length);
  const letThrough =
    faults.length === 0
      ? ''
      : `; ${faults.length} of its rows contradict themselves, the first: ${faults[0]}`;
  return {
    source,
    rows,
    files,
    isPublished: counts.size === 0 && files[0]!.blob === publishedSum(wanted),
    note: about + letThrough,
    ...(place.commit === undefined ? {} : { commit: place.commit }),
  };
}

function joined(name: string, counts: ReadonlyMap<string, number>, total: number): string {
  const parts = [...counts].map(([set, count]) => `${set} (${count})`).join(', ');
  const absent = COMMONSENSE_SET_NAMES.filter((set) => !counts.has(set));
  return `${name} has no ${COMMONSENSE_TRAINING.file}: ${total} rows are joined from train.json of ${parts}${absent.length === 0 ? '' : `; there is none of ${absent.join(', ')}`}`;
}
