/** Records on disk: one file a run below a root folder ("results"), found by what they are. */
import { lstat, readFile } from 'node:fs/promises';
import path from 'node:path';
import { writeAtomically } from './atomic.ts';
import { findFiles } from './files.ts';
import { configHash, identityOf, RESERVED, type RunIdentity, recordPath } from './identity.ts';
import type { Migrations } from './migrations.ts';
import { checkHash, oneLine, parseRecord } from './parse.ts';
import { checkRecord, RecordError, type RunInfo, type RunRecord } from './schema.ts';

/** Records must equal every field given; a variant of null asks for records without one. */
export interface RecordFilter
  extends Partial<Pick<RunInfo, 'profile' | 'experiment' | 'task' | 'method' | 'seed' | 'status'>> {
  readonly variant?: string | null;
}

export interface SkippedFile {
  /** Relative to the root. */
  readonly file: string;
  readonly reason: string;
}

export interface RecordSet {
  /** In the order of their paths. */
  readonly records: readonly RunRecord[];
  /** Files named like records that are none: damaged, of an unknown version, edited or misplaced. */
  readonly skipped: readonly SkippedFile[];
}

/**
 * Writes a record to its place below `root`, replacing an earlier one of the same run. A kill at any moment leaves
 * the earlier record or the new one.
 * @returns the file's path
 * @throws RecordError when the record is not valid, its configHash is not that of its contents, or its place holds the
 * record of another run
 */
export async function writeRecord(root: string, record: RunRecord): Promise<string> {
  checkRecord(record);
  checkHash(record);
  const file = path.join(root, recordPath(identityOf(record)));
  await refuseCollision(file, record);
  await writeAtomically(file, `${JSON.stringify(record, undefined, 2)}\n`);
  return file;
}

/**
 * Reads every record below `root` that the filter takes. An absent root holds no records. Charts, figures, tables,
 * imported results, hidden files and files that do not end in .json are not looked at; any other that is not read is among
 * `skipped`, which callers show.
 * @param migrations for tests
 */
export async function readRecords(
  root: string,
  filter: RecordFilter = {},
  migrations?: Migrations,
): Promise<RecordSet> {
  const records: RunRecord[] = [];
  const { files, unread } = await findFiles(root, (name) => name.endsWith('.json'), RESERVED);
  const skipped: SkippedFile[] = [...unread];
  for (const file of files) {
    const parts = file.split(path.sep);
    const folders = parts.length === 4 ? [filter.profile, filter.experiment, filter.task] : [];
    if (folders.some((wanted, index) => wanted !== undefined && wanted !== parts[index])) continue;
    try {
      const text = await readUnlessRemoved(path.join(root, file));
      if (text === undefined) continue;
      const record = parseRecord(text, migrations);
      const home = recordPath(identityOf(record));
      if (home !== file) throw new RecordError(`is the record of ${home}; move it there`);
      if (matches(record, filter)) records.push(record);
    } catch (error) {
      skipped.push({ file, reason: oneLine(error) });
    }
  }
  return { records, skipped };
}

/** "results/tiny/nlu/cola/x.json was not read: the file is empty", one line a file, for people. */
export function describeSkipped(root: string, skipped: readonly SkippedFile[]): string[] {
  return skipped.map(({ file, reason }) => `${path.join(root, file)} was not read: ${reason}`);
}

/**
 * The record of a run, if it exists.
 * @throws RecordError when its file exists but holds no such record
 */
export async function findRecord(root: string, identity: RunIdentity): Promise<RunRecord | undefined> {
  const file = path.join(root, recordPath(identity));
  try {
    const text = await readUnlessRemoved(file);
    if (text === undefined) return undefined;
    const record = parseRecord(text);
    if (record.runInfo.configHash !== configHash(identity))
      throw new RecordError('is the record of another run');
    return record;
  } catch (error) {
    throw new RecordError(`${file}: ${oneLine(error)}; remove the file to run again`);
  }
}

/** File names bear eight digits of the hash: two runs may share them, once in billions. */
async function refuseCollision(file: string, { runInfo }: RunRecord): Promise<void> {
  let stated: string;
  try {
    stated = parseRecord(await readFile(file, 'utf8')).runInfo.configHash;
  } catch {
    // None, or a damaged one, which the new record replaces.
    return;
  }
  if (stated !== runInfo.configHash)
    throw new RecordError(
      `${file} holds another run, ${stated}, whose first digits are the same; move it away to keep both`,
    );
}

/** @returns undefined where there is no such file; a link that leads nowhere is one, and an error */
async function readUnlessRemoved(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    const isThere = await lstat(file).then(
      () => true,
      () => false,
    );
    if (!isThere) return undefined;
    throw error;
  }
}

function matches({ runInfo }: RunRecord, { variant, ...equal }: RecordFilter): boolean {
  if (variant !== undefined && (runInfo.variant ?? null) !== variant) return false;
  return Object.entries(equal).every(
    ([key, value]) => value === undefined || runInfo[key as keyof typeof equal] === value,
  );
}
