/** Which parquet files are a split's, by the ways in which data sets are laid out. */
import path from 'node:path';
import { missingShards } from '../hub/names.ts';
import { DataError } from '../text.ts';

/**
 * Files of a split, in order: `train-*.parquet`, as `datasets` writes them (on the Hub below `data`), or else all in a
 * folder `train`, as the Hub's own conversion has them. The first layout that has some is taken, never two at once.
 * @param names paths with `/` between the parts
 * @param folders where to look; '' is the top
 * @param called names of the split
 * @throws DataError when the numbering of the files shows that some are missing
 */
export function shardsOf(
  names: readonly string[],
  folders: readonly string[],
  called: readonly string[],
): string[] {
  const files = names.filter((name) => name.endsWith('.parquet')).sort();
  for (const folder of folders)
    for (const one of called) {
      const place = path.posix.join(folder, one);
      for (const start of [`${place}-`, `${place}/`]) {
        const found = files.filter(
          (name) => name.startsWith(start) && !name.slice(start.length).includes('/'),
        );
        if (found.length === 0) continue;
        const [missing] = missingShards(found);
        if (missing !== undefined)
          throw new DataError(`${missing} is missing, ${found.length} others are there: download it too`);
        return found;
      }
    }
  return [];
}
