/** Records on disk: one file a run below a root folder ("results"), found by what they are. */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { writeAtomically } from './atomic.ts';
import { configHash, identityOf, type RunIdentity, recordPath } from './identity.ts';
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
 * @throws RecordError when the record is not valid or its configHash is not that of its contents
 */
export async function writeRecord(root: string, record: RunRecord): Promise<string> {
  checkRecord(record);
  checkHash(record);
  const file = path.join(root, recordPath(identityOf(record)));
  await writeAtomically(file, `${JSON.stringify(record, undefined, 2)}\n`);
  return file;
}

/**
 * Reads every record below `root` that the filter takes. An absent root holds no records. Charts, hidden files and
 * files that do not end in .json are not looked at; any other file that is not read is among `skipped`.
 */
export async function readRecords(root: string, filter: RecordFilter = {}): Promise<RecordSet> {
  const records: RunRecord[] = [];
  const skipped: SkippedFile[] = [];
  for (const file of await findFiles(root)) {
    const parts = file.split(path.sep);
    const folders = parts.length === 4 ? [filter.profile, filter.experiment, filter.task] : [];
    if (folders.some((wanted, index) => wanted !== undefined && wanted !== parts[index])) continue;
    try {
      const record = parseRecord(await readFile(path.join(root, file), 'utf8'));
      const home = recordPath(identityOf(record));
      if (home !== file) throw new RecordError(`is the record of ${home}; move it there`);
      if (matches(record, filter)) records.push(record);
    } catch (error) {
      skipped.push({ file, reason: oneLine(error) });
    }
  }
  return { records, skipped };
}

/**
 * The record of a run, if it exists.
 * @throws RecordError when its file exists but holds no such record
 */
export async function findRecord(root: string, identity: RunIdentity): Promise<RunRecord | undefined> {
  const file = path.join(root, recordPath(identity));
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const record = parseRecord(text);
    if (record.runInfo.configHash !== configHash(identity))
      throw new RecordError('is the record of another run');
    return record;
  } catch (error) {
    throw new RecordError(`${file}: ${oneLine(error)}; remove the file to run again`);
  }
}

/** @throws RecordError, or SyntaxError where the text is no JSON */
function parseRecord(text: string): RunRecord {
  if (text.trim() === '') throw new RecordError('the file is empty');
  const record = checkRecord(JSON.parse(text));
  checkHash(record);
  return record;
}

function checkHash(record: RunRecord): void {
  const stated = record.runInfo.configHash;
  const computed = configHash(identityOf(record));
  if (stated !== computed)
    throw new RecordError(
      `runInfo.configHash: ${stated.slice(0, 8)}... is not the hash of the record's settings and data (${computed.slice(0, 8)}...)`,
    );
}

function matches({ runInfo }: RunRecord, { variant, ...equal }: RecordFilter): boolean {
  if (variant !== undefined && (runInfo.variant ?? null) !== variant) return false;
  return Object.entries(equal).every(
    ([key, value]) => value === undefined || runInfo[key as keyof typeof equal] === value,
  );
}

/** Relative paths of all files that could be records, sorted by code units so that every machine agrees. */
async function findFiles(root: string): Promise<string[]> {
  const found: string[] = [];
  const visit = async (folder: string): Promise<void> => {
    for (const entry of await readdir(path.join(root, folder), { withFileTypes: true })) {
      const file = path.join(folder, entry.name);
      if (entry.name.startsWith('.') || file === 'charts') continue;
      if (entry.isDirectory()) await visit(file);
      else if (entry.name.endsWith('.json')) found.push(file);
    }
  };
  try {
    await visit('');
  } catch (error) {
    const { code, path: missing } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT' || found.length > 0 || path.resolve(missing ?? '') !== path.resolve(root))
      throw error;
  }
  return found.sort();
}

function oneLine(error: unknown): string {
  const { name, message } = error as Error;
  const text = name === 'SyntaxError' ? `not valid JSON: ${message}` : message;
  return text.replace(/\s*\n\s*/g, ' ');
}
