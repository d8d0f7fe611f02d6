/** Records of runs that failed or were stopped: they lie with the run's files below `runs/`, never among results. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { findFiles } from './files.ts';
import { identityOf, runName, taskFolder } from './identity.ts';
import { oneLine, parseRecord } from './parse.ts';
import { RecordError, type RunRecord } from './schema.ts';
import type { SkippedFile } from './store.ts';

export const UNFINISHED = ['failed', 'cancelled'] as const;

export interface UnfinishedRun {
  /** Relative to the runs. */
  readonly file: string;
  readonly record: RunRecord;
}

/** `<profile>/<experiment>/<task>/<name>`: where a run's adapter, predictions and logs lie below `runs/`. */
export function runFolder(record: RunRecord): string {
  return path.join(taskFolder(record.runInfo), runName(identityOf(record)));
}

/** In the order of their paths; an absent folder holds none. */
export async function readUnfinished(
  runsFolder: string,
): Promise<{ readonly runs: readonly UnfinishedRun[]; readonly skipped: readonly SkippedFile[] }> {
  const names = UNFINISHED.map((status) => `${status}.json`);
  const { files, unread } = await findFiles(runsFolder, (name) => names.includes(name));
  const runs: UnfinishedRun[] = [];
  const skipped: SkippedFile[] = [...unread];
  for (const file of files) {
    try {
      const record = parseRecord(await readFile(path.join(runsFolder, file), 'utf8'));
      const home = path.join(runFolder(record), `${record.runInfo.status}.json`);
      if (home !== file) throw new RecordError(`is the record of ${home}`);
      runs.push({ file, record });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') continue;
      skipped.push({ file, reason: oneLine(error) });
    }
  }
  return { runs, skipped };
}
