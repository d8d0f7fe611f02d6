/** Bench records on disk: one file a point and machine below `bench/<profile>/<shape>`. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { writeAtomically } from '../atomic.ts';
import { findFiles } from '../files.ts';
import { safePart, sha256 } from '../identity.ts';
import { oneLine } from '../parse.ts';
import type { SystemInfo } from '../schema.ts';
import type { SkippedFile } from '../store.ts';
import { type BenchPoint, type BenchRecord, checkBench } from './schema.ts';

/** Below the folder of the records. */
export const BENCH_FOLDER = 'bench';

/** What makes a measurement another one: the point, and what it ran on. A new one of the same replaces it. */
export function benchHash(point: BenchPoint, system: SystemInfo): string {
  const { cpuModel, cores, accelerator, executor, executionProvider, threads, tf32 } = system;
  return sha256({
    point,
    machine: { cpuModel, cores, accelerator, executor, executionProvider, threads, tf32 },
  });
}

/** Relative to the folder of the records. */
export function benchPath({ point, hash }: Pick<BenchRecord, 'point' | 'hash'>): string {
  const { profile, shape, method, kind } = point;
  return path.join(
    BENCH_FOLDER,
    safePart(profile, 'profile'),
    safePart(shape, 'shape'),
    `${safePart(method, 'method')}-${kind}-${hash.slice(0, 8)}.json`,
  );
}

/**
 * @returns the file's path
 * @throws Error for a record that is not valid, or whose hash is not that of its contents
 */
export async function writeBench(resultsFolder: string, record: BenchRecord): Promise<string> {
  checkBench(record);
  if (benchHash(record.point, record.metaInfo.systemInfo) !== record.hash)
    throw new Error('hash: is not that of the point and the machine');
  const file = path.join(resultsFolder, benchPath(record));
  await writeAtomically(file, `${JSON.stringify(record, undefined, 2)}\n`);
  return file;
}

export interface BenchSet {
  /** In the order of their paths. */
  readonly records: readonly BenchRecord[];
  readonly skipped: readonly SkippedFile[];
}

/** All of them; what is none is named. */
export async function readBenches(resultsFolder: string): Promise<BenchSet> {
  const folder = path.join(resultsFolder, BENCH_FOLDER);
  const { files, unread } = await findFiles(folder, (name) => name.endsWith('.json'), ['charts']);
  const place = (file: string) => path.join(BENCH_FOLDER, file);
  const skipped: SkippedFile[] = unread.map(({ file, reason }) => ({ file: place(file), reason }));
  const records: BenchRecord[] = [];
  for (const file of files)
    try {
      const record = checkBench(JSON.parse(await readFile(path.join(folder, file), 'utf8')));
      if (benchPath(record) !== place(file)) throw new Error(`is the record of ${benchPath(record)}`);
      records.push(record);
    } catch (error) {
      skipped.push({ file: place(file), reason: oneLine(error) });
    }
  return { records, skipped };
}
