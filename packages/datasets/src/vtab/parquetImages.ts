/**
 * Images embedded in parquet files, as Hugging Face's `datasets` writes them: `img` or `image`, a struct {bytes, path}, and
 * `label`.
 */
import path from 'node:path';
import { parquetReadObjects } from 'hyparquet';
import type { EncodedImage } from '../images/cache.ts';
import { openParquet } from '../parquet.ts';
import { DataError } from '../text.ts';

const LABEL = 'label';
/** `img` in the data sets that the paper's code reads. */
const IMAGES = ['img', 'image'];

export async function countParquetRows(file: string): Promise<number> {
  return Number((await openParquet(file, [LABEL])).metadata.num_rows);
}

/**
 * Row after row; one row group at a time is in memory, however large the file is.
 * @throws DataError naming file and row for what is no embedded image, and as {@link openParquet}
 */
export async function* readParquetImages(files: readonly string[]): AsyncIterable<EncodedImage> {
  for (const file of files) {
    const { buffer, metadata, present } = await openParquet(file, [LABEL]);
    const column = IMAGES.find((name) => present.includes(name));
    if (column === undefined)
      throw new DataError(
        `${file} has no column of images: looked for ${IMAGES.join(', ')}; it has ${present.join(', ')}`,
      );
    let start = 0;
    for (const group of metadata.row_groups) {
      const end = start + Number(group.num_rows);
      const rows = await parquetReadObjects({
        file: buffer,
        metadata,
        columns: [column, LABEL],
        rowStart: start,
        rowEnd: end,
        // Bytes stay bytes; texts are marked as such in the file.
        utf8: false,
      }).catch((error: Error) => {
        throw new DataError(`${file} cannot be read (${error.message}): download it again`);
      });
      for (const [i, row] of rows.entries())
        yield embedded(row[column], row[LABEL], `${path.basename(file)} row ${start + i + 1}`);
      start = end;
    }
  }
}

function embedded(image: unknown, label: unknown, name: string): EncodedImage {
  const bytes = (image as { bytes?: unknown } | null)?.bytes;
  if (!(bytes instanceof Uint8Array))
    throw new DataError(`${name} holds no embedded image: expected a struct with bytes`);
  if (typeof label !== 'bigint' && typeof label !== 'number')
    throw new DataError(`${name}: "label" is ${JSON.stringify(label)}, expected a number`);
  return { name, label: Number(label), bytes };
}
