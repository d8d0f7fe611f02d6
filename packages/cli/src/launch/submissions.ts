/** What schedulers were given of a sweep: kept in its folder, so that any shell can ask them. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { writeAtomically } from '@psoft/results';
import { ConfigError } from '@psoft/training/config';

export interface Submission {
  readonly launcher: string;
  /** As the scheduler calls it. */
  readonly id: string;
  /** Jobs of the sweep, by their place in the scheduler's array. */
  readonly jobs: readonly number[];
}

const fileOf = (folder: string) => path.join(folder, 'submissions.json');

/** The oldest first. */
export function readSubmissions(folder: string): Submission[] {
  const file = fileOf(folder);
  if (!existsSync(file)) return [];
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Submission[];
  } catch (error) {
    throw new ConfigError(`${file} cannot be read: ${(error as Error).message}`);
  }
}

export async function writeSubmissions(folder: string, submissions: readonly Submission[]): Promise<void> {
  await writeAtomically(fileOf(folder), `${JSON.stringify(submissions, null, 1)}\n`);
}
