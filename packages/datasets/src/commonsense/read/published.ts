/** Whether files are what LLM-Adapters published, by the sums that git names them by. */
import { COMMONSENSE_SETS, COMMONSENSE_TRAINING } from '../sets.ts';
import type { Wanted } from './layouts.ts';

/** Where the published files are, at the commit that the sums are of. */
export const COMMONSENSE_URL =
  'https://raw.githubusercontent.com/AGI-Edgerunners/LLM-Adapters/816657208af4db747803f87ba40a4c71383fed7a';

export const publishedSum = (wanted: Wanted): string =>
  wanted === 'training' ? COMMONSENSE_TRAINING.blob : COMMONSENSE_SETS[wanted].testBlob;

/** The set whose published test file has the sum. */
export const setOfSum = (sum: string): string | undefined =>
  Object.entries(COMMONSENSE_SETS).find(([, { testBlob }]) => testBlob === sum)?.[0];

/** How a file stands to the published one, for a person. */
export function comparison(wanted: Wanted, sum: string, count: number): string {
  const expected = publishedSum(wanted);
  if (sum === expected) return 'is the published file, byte for byte';
  const name = wanted === 'training' ? `published ${COMMONSENSE_TRAINING.file}` : 'published file';
  const published = wanted === 'training' ? undefined : COMMONSENSE_SETS[wanted].testCount;
  return published === undefined || published === count
    ? `differs from the ${name}: git SHA-1 ${expected.slice(0, 8)} expected, ${sum.slice(0, 8)} found (${count} rows)`
    : `differs from the ${name}: ${published} rows expected, ${count} found`;
}
