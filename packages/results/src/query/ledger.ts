/** All that is known of runs, or of imported results, each with the values that questions are asked of. */
import path from 'node:path';
import { identityOf, recordPath, runName } from '../identity.ts';
import {
  IMPORTED,
  type ImportedRecord,
  importedHash,
  importedJsonSchema,
  importedName,
  importedPath,
  readImported,
} from '../imported/index.ts';
import { type RunRecord, recordJsonSchema } from '../schema.ts';
import { describeSkipped, readRecords } from '../store.ts';
import { testScore } from '../summary.ts';
import { readUnfinished } from '../unfinished.ts';

export interface Entry<R = RunRecord | ImportedRecord> {
  readonly record: R;
  readonly file: string;
  /** What its file is called, without the ending; of a run that did not end, its folder. */
  readonly name: string;
  /** SHA-256 that identifies it. */
  readonly hash: string;
  /** The record's fields, with `file`, `name`, `hash`, and of runs `score` and `metric`. */
  readonly view: View;
}

export type View = Readonly<Record<string, unknown>>;

export interface Ledger<R = RunRecord | ImportedRecord> {
  readonly entries: readonly Entry<R>[];
  /** One line for each file that was not read. */
  readonly unread: readonly string[];
  /** Of the records, to tell a field that none happens to have from one that there is not. */
  readonly jsonSchema: Readonly<Record<string, unknown>>;
}

/** Runs: what is recorded and, where `runsFolder` is given, what failed or was stopped. */
export async function readRuns(resultsFolder: string, runsFolder?: string): Promise<Ledger<RunRecord>> {
  const { records, skipped } = await readRecords(resultsFolder);
  const unread = describeSkipped(resultsFolder, skipped);
  const entries = records.map((record) =>
    runEntry(record, path.join(resultsFolder, recordPath(identityOf(record)))),
  );
  if (runsFolder !== undefined) {
    const unfinished = await readUnfinished(runsFolder);
    unread.push(...describeSkipped(runsFolder, unfinished.skipped));
    for (const { record, file } of unfinished.runs)
      entries.push(runEntry(record, path.join(runsFolder, file)));
  }
  return { entries, unread, jsonSchema: recordJsonSchema() };
}

export async function readImports(resultsFolder: string): Promise<Ledger<ImportedRecord>> {
  const { records, skipped } = await readImported(resultsFolder);
  return {
    entries: records.map((record) => importedEntry(record, path.join(resultsFolder, importedPath(record)))),
    unread: describeSkipped(resultsFolder, skipped),
    jsonSchema: importedJsonSchema(),
  };
}

export function runEntry(record: RunRecord, file: string): Entry<RunRecord> {
  const known = { file, name: runName(identityOf(record)), hash: record.runInfo.configHash };
  const score = testScore(record);
  const view = {
    ...record,
    ...known,
    ...(score === undefined ? {} : { score }),
    metric: record.trainInfo.selectionMetric,
  };
  return { record, ...known, view };
}

export function importedEntry(record: ImportedRecord, file: string): Entry<ImportedRecord> {
  const known = { file, name: importedName(record), hash: importedHash(record) };
  return { record, ...known, view: { ...record, ...known } };
}

export function isImportedEntry(entry: Entry): entry is Entry<ImportedRecord> {
  return entry.record.runInfo.profile === IMPORTED;
}
