/** One record by what people call it. */
import path from 'node:path';
import { RecordError } from '../schema.ts';
import type { Entry } from './ledger.ts';

const LEAST_DIGITS = 4;

/**
 * The entry of a file, of a name ("psoft-s1-0123abcd"), or of at least four first digits of its hash.
 * @throws RecordError for none, and for several, which it lists
 */
export function findEntry<R>(entries: readonly Entry<R>[], id: string): Entry<R> {
  const absolute = path.resolve(id);
  const tests: ((entry: Entry<R>) => boolean)[] = [
    ({ file }) => path.resolve(file) === absolute || path.dirname(path.resolve(file)) === absolute,
    ({ name }) => name === path.basename(id, '.json'),
    ({ hash }) => new RegExp(`^[0-9a-f]{${LEAST_DIGITS},64}$`).test(id) && hash.startsWith(id),
    ({ name }) => id.length >= LEAST_DIGITS && name.startsWith(id),
  ];
  for (const test of tests) {
    const found = entries.filter(test);
    if (found.length === 1) return found[0]!;
    if (found.length > 1)
      throw new RecordError(
        `"${id}" may be ${found.length} records; give more of the hash or the file: ${listed(found)}`,
      );
  }
  throw new RecordError(
    `no record "${id}": give a file, a name like psoft-s1-0123abcd, or ${LEAST_DIGITS} or more digits of a hash; psoft runs list shows them`,
  );
}

function listed(found: readonly Entry<unknown>[]): string {
  const shown = found.slice(0, 10).map(({ file, hash }) => `${file} (${hash.slice(0, 12)})`);
  return `${shown.join(', ')}${found.length > shown.length ? `, and ${found.length - shown.length} more` : ''}`;
}
