/**
 * Images embedded in parquet files, as Hugging Face's `datasets` writes them: {bytes, path} beside a class `label`. The
 * column of images is `img` in the data sets of the PSOFT paper's code, `image` in most others.
 */
import path from 'node:path';
import { reasonOf, shown, shownNames } from '@psoft/engine/errors';
import { parquetReadObjects } from 'hyparquet';
import type { EncodedImage } from '../images/cache.ts';
import { openParquet } from '../parquet.ts';
import { checkPages } from '../parquetLimits.ts';
import { DataError } from '../text.ts';

const IMAGE_COLUMNS = ['img', 'image'];
const LABEL_COLUMN = 'label';

export async function countParquetRows(file: string): Promise<number> {
  return Number((await openImages(file)).metadata.num_rows);
}

async function openImages(file: string) {
  const { present, ...opened } = await openParquet(file, [LABEL_COLUMN]);
  const column = IMAGE_COLUMNS.find((name) => present.includes(name));
  if (column === undefined)
    throw new DataError(
      `${file} has no column of images: expected "${IMAGE_COLUMNS.join('" or "')}", it has ${shownNames(present)}`,
    );
  return { ...opened, column };
}

/**
 * Row after row; one row group at a time is in memory, however large the file is (`datasets` puts 100 images in one).
 * @throws DataError naming file and row for what is no embedded image, and as {@link openParquet}
 */
export async function* readParquetImages(files: readonly string[]): AsyncIterable<EncodedImage> {
  for (const file of files) {
    const { buffer, metadata, column } = await openImages(file);
    let start = 0;
    for (const group of metadata.row_groups) {
      const end = start + Number(group.num_rows);
      const columns = [column, LABEL_COLUMN];
      const range = { rowStart: start, rowEnd: end };
      // Bytes stay bytes; texts are marked as such in the file.
      const rows = await checkPages(buffer, metadata, group, columns)
        .then(() => parquetReadObjects({ file: buffer, metadata, columns, ...range, utf8: false }))
        .catch((error: unknown) => {
          throw new DataError(`${file} cannot be read (${reasonOf(error)}): download it again`);
        });
      if (rows.length !== end - start)
        throw new DataError(
          `${file} announces rows ${start + 1} to ${end} and holds ${rows.length} of them: download it again`,
        );
      for (const [i, row] of rows.entries())
        yield embedded(row, column, `${path.basename(file)} row ${start + i + 1}`);
      start = end;
    }
  }
}

function embedded(row: Record<string, unknown>, column: string, name: string): EncodedImage {
  const bytes = (row[column] as { bytes?: unknown } | null)?.bytes;
  if (!(bytes instanceof Uint8Array))
    throw new DataError(`${name}: "${column}" holds no embedded image: expected a struct with bytes`);
  const label = row[LABEL_COLUMN];
  if (typeof label !== 'bigint' && typeof label !== 'number')
    throw new DataError(`${name}: "${LABEL_COLUMN}" is ${shown(label)}, expected a number`);
  return { name, label: Number(label), bytes };
}
