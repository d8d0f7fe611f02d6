/** Reads results of other programs. A format is a {@link Reader} and a line in {@link READERS}. */
import { readFile } from 'node:fs/promises';
import { checkImported, type ImportedRecord, type ImportFormat } from '../../imported/index.ts';
import { oneLine } from '../../parse.ts';
import { RecordError, type RunRecord } from '../../schema.ts';
import { exportedReader, recordsOf } from './exported.ts';
import { peftReader } from './peft.ts';
import type { Reader, SourceFile } from './source.ts';
import { tensorboardReader } from './tensorboard/index.ts';
import { wandbHistoryReader } from './wandb/history.ts';
import { wandbRunsReader } from './wandb/runs.ts';

export { type Restored, restoreRuns } from './exported.ts';
export type { SourceFile } from './source.ts';

/** In the order in which they are tried. */
const READERS: readonly Reader[] = [
  exportedReader,
  peftReader,
  tensorboardReader,
  wandbRunsReader,
  wandbHistoryReader,
];

/** What whoever imports knows and the file does not say. */
export interface Statements {
  readonly experiment?: string;
  readonly task?: string;
  readonly method?: string;
  readonly seed?: number;
}

/** @throws RecordError naming the file when it cannot be read */
export async function openSource(file: string, importedAt = new Date().toISOString()): Promise<SourceFile> {
  try {
    return { path: file, bytes: await readFile(file), importedAt };
  } catch (error) {
    throw new RecordError(`${file}: ${oneLine(error)}`);
  }
}

/**
 * The results in a file, by what it begins with or by the format named.
 * @throws RecordError naming the file: of no known format, damaged, or with fields that no record can have
 */
export function readResults(
  source: SourceFile,
  format?: ImportFormat,
  statements: Statements = {},
): ImportedRecord[] {
  return named(source, () => {
    const reader = READERS.find((one) => (format === undefined ? one.reads(source) : one.format === format));
    if (reader === undefined)
      throw new RecordError(`is none of: ${READERS.map(({ title }) => title).join('; ')}`);
    return reader.read(source).map((record) => checkImported(state(record, statements)));
  });
}

/**
 * The runs in one of our own exports, as they were.
 * @throws RecordError for any other file
 */
export function readExportedRuns(source: SourceFile): RunRecord[] {
  return named(source, () => {
    if (!exportedReader.reads(source)) throw new RecordError(`is not ${exportedReader.title}`);
    return recordsOf(source).filter((record): record is RunRecord => !('importedFrom' in record));
  });
}

/** What the source says itself stands. */
function state(record: ImportedRecord, statements: Statements): ImportedRecord {
  const added = Object.entries(statements).filter(
    ([key, value]) => value !== undefined && record.runInfo[key as keyof Statements] === undefined,
  );
  if (added.length === 0) return record;
  return {
    ...record,
    importedFrom: { ...record.importedFrom, stated: added.map(([key]) => key) },
    runInfo: { ...record.runInfo, ...Object.fromEntries(added) },
  };
}

function named<T>(source: SourceFile, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new RecordError(`${source.path}: ${oneLine(error)}`);
  }
}
