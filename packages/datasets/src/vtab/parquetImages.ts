/** Images embedded in parquet files, as Hugging Face's `datasets` writes them: `image` {bytes, path} and `label`. */
import path from 'node:path';
import { parquetReadObjects } from 'hyparquet';
import type { EncodedImage } from '../images/cache.ts';
import { openParquet } from '../parquet.ts';
import { DataError } from '../text.ts';

const COLUMNS = ['image', 'label'] as const;

export async function countParquetRows(file: string): Promise<number> {
  return Number((await openParquet(file, COLUMNS)).metadata.num_rows);
}

/**
 * Row after row; one row group at a time is in memory, however large the file is.
 * @throws DataError naming file and row for what is no embedded image, and as {@link openParquet}
 */
export async function* readParquetImages(files: readonly string[]): AsyncIterable<EncodedImage> {
  for (const file of files) {
    const { buffer, metadata } = await openParquet(file, COLUMNS);
    let start = 0;
    for (const group of metadata.row_groups) {
      const end = start + Number(group.num_rows);
      const rows = await parquetReadObjects({
        file: buffer,
        metadata,
        columns: [...COLUMNS],
        rowStart: start,
        rowEnd: end,
        // Bytes stay bytes; texts are marked as such in the file.
        utf8: false,
      }).catch((error: Error) => {
        throw new DataError(`${file} cannot be read (${error.message}): download it again`);
      });
      for (const [i, row] of rows.entries())
        yield embedded(row, `${path.basename(file)} row ${start + i + 1}`);
      start = end;
    }
  }
}

function embedded({ image, label }: Record<string, unknown>, name: string): EncodedImage {
  const bytes = (image as { bytes?: unknown } | null)?.bytes;
  if (!(bytes instanceof Uint8Array))
    throw new DataError(`${name}: "image" holds no embedded image: expected a struct with bytes`);
  if (typeof label !== 'bigint' && typeof label !== 'number')
    throw new DataError(`${name}: "label" is ${JSON.stringify(label)}, expected a number`);
  return { name, label: Number(label), bytes };
}
