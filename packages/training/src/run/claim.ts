/** What stands between a run that is asked for and its first step: its lock, a place for its record, and whether it is there. */
import { existsSync } from 'node:fs';
import { access, constants } from 'node:fs/promises';
import path from 'node:path';
import { ConfigError } from './config.ts';
import type { RunHooks } from './execute.ts';
import { type Lock, takeLock, waitForLock } from './lock.ts';
import type { RunOptions } from './protocol.ts';
import { isSaved } from './saved.ts';

/**
 * The lock of a run or an evaluation.
 * @returns undefined when stopped while waiting
 * @throws HeldError
 */
export async function lockRun(
  runFolder: string,
  { waits }: Pick<RunOptions, 'waits'>,
  hooks: Pick<RunHooks, 'note' | 'lock' | 'shouldStop'>,
): Promise<Lock | undefined> {
  const file = path.join(runFolder, 'lock');
  const lock = waits
    ? await waitForLock(
        file,
        () => hooks.shouldStop(),
        () => hooks.note(`waiting for ${file}`),
      )
    : await takeLock(file);
  if (lock !== undefined) hooks.lock(lock.file, lock.nonce);
  return lock;
}

/** Whether another has done meanwhile what was asked for. */
export function isThere(
  { resultFile, runFolder }: { readonly resultFile: string; readonly runFolder: string },
  { unlessThere }: Pick<RunOptions, 'unlessThere'>,
): boolean {
  if (unlessThere === undefined || !existsSync(resultFile)) return false;
  return unlessThere === 'record' || isSaved(runFolder);
}

/**
 * Before hours of work: records must find a place.
 * @throws ConfigError
 */
export async function assertWritable(folder: string): Promise<void> {
  let there = path.resolve(folder);
  while (!existsSync(there) && there !== path.dirname(there)) there = path.dirname(there);
  try {
    await access(there, constants.W_OK);
  } catch (error) {
    throw new ConfigError(
      `no record can be written below ${folder}: ${(error as Error).message}; give another --results-dir`,
    );
  }
}
