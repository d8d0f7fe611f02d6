/** Measurements of angles on disk, one file a run, called as its record. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { writeAtomically } from '../atomic.ts';
import { findFiles } from '../files.ts';
import { identityOf, recordPath } from '../identity.ts';
import { oneLine, parseJson } from '../parse.ts';
import type { RunRecord } from '../schema.ts';
import type { SkippedFile } from '../store.ts';
import { type Angles, checkAngles } from './schema.ts';

/** Below the folder of the records. */
export const ANGLES_FOLDER = path.join('figures', 'data');

/** @returns the file's path */
export async function writeAngles(resultsFolder: string, record: RunRecord, angles: Angles): Promise<string> {
  const file = path.join(resultsFolder, ANGLES_FOLDER, recordPath(identityOf(record)));
  await writeAtomically(file, `${JSON.stringify(checkAngles(angles), null, 1)}\n`);
  return file;
}

export interface AnglesSet {
  /** By the run's configHash. */
  readonly angles: ReadonlyMap<string, Angles>;
  readonly skipped: readonly SkippedFile[];
}

/** All measurements below a folder of records; damaged ones are named. */
export async function readAngles(resultsFolder: string): Promise<AnglesSet> {
  const folder = path.join(resultsFolder, ANGLES_FOLDER);
  const { files, unread } = await findFiles(folder, (name) => name.endsWith('.json'));
  const angles = new Map<string, Angles>();
  const skipped: SkippedFile[] = unread.map(({ file, reason }) => ({
    file: path.join(ANGLES_FOLDER, file),
    reason,
  }));
  for (const file of files) {
    try {
      const read = checkAngles(parseJson(await readFile(path.join(folder, file), 'utf8')));
      angles.set(read.run.configHash, read);
    } catch (error) {
      skipped.push({ file: path.join(ANGLES_FOLDER, file), reason: oneLine(error) });
    }
  }
  return { angles, skipped };
}
