/** Rows of parquet files, the format of data sets on the Hugging Face Hub. */
import { open } from 'node:fs/promises';
import { reasonOf, shown, shownNames } from '@psoft/engine/errors';
import { type AsyncBuffer, parquetMetadataAsync, parquetReadObjects, parquetSchema } from 'hyparquet';
import { checkFooter, checkPages, checkRowCounts } from './parquetLimits.ts';
import { DataError } from './text.ts';

/**
 * Reads columns of text, numbers and booleans, shard after shard in the order given. Integers of any width come as
 * numbers (class labels are stored as 64-bit integers), missing values as null.
 * @throws DataError naming the file when it is missing, cut off or no parquet file, lacks a column, or when a value
 * is of another kind or too large for a number
 */
export async function readParquetRows(
  files: readonly string[],
  columns: readonly string[],
): Promise<Record<string, unknown>[]> {
  const rows: Record<string, unknown>[] = [];
  for (const file of files) for (const row of await readFile(file, columns)) rows.push(row);
  return rows;
}

/**
 * A parquet file, to be read in parts.
 * @param columns that it must have
 * @returns with `present`, all its columns
 * @throws DataError naming the file when it is missing, cut off or no parquet file, or lacks a column
 */
export async function openParquet(file: string, columns: readonly string[]) {
  const buffer = bufferOf(file, await checkEnds(file));
  const { metadata, present } = await orFail(file, async () => {
    await checkFooter(buffer);
    const metadata = await parquetMetadataAsync(buffer);
    checkRowCounts(metadata, buffer.byteLength);
    return { metadata, present: parquetSchema(metadata).children.map(({ element }) => element.name) };
  });
  const absent = columns.filter((column) => !present.includes(column));
  if (absent.length > 0)
    throw new DataError(
      `${file} has no column ${absent.map((column) => `"${column}"`).join(', ')}; it has ${shownNames(present)}`,
    );
  return { buffer, metadata, present };
}

/** The file in parts; each is asked for by what the file says of itself. */
function bufferOf(file: string, byteLength: number): AsyncBuffer {
  return {
    byteLength,
    async slice(start, end = byteLength) {
      if (!(start >= 0 && start <= end && end <= byteLength))
        throw new Error(`it has ${byteLength} bytes, and names those from ${start} to ${end}`);
      const handle = await open(file);
      try {
        const { buffer, bytesRead } = await handle.read(Buffer.alloc(end - start), 0, end - start, start);
        if (bytesRead < end - start) throw new Error('it was cut off since it was opened');
        return buffer.buffer.slice(buffer.byteOffset, buffer.byteOffset + buffer.length);
      } finally {
        await handle.close();
      }
    },
  };
}

async function readFile(file: string, columns: readonly string[]): Promise<Record<string, unknown>[]> {
  const { buffer, metadata } = await openParquet(file, columns);
  const read = await orFail(file, async () => {
    for (const group of metadata.row_groups) await checkPages(buffer, metadata, group, columns);
    return parquetReadObjects({ file: buffer, metadata, columns: [...columns] });
  });
  if (read.length !== Number(metadata.num_rows))
    throw new DataError(
      `${file} announces ${metadata.num_rows} rows and holds ${read.length}; it is damaged, download it again`,
    );
  return read.map((row, index) =>
    Object.fromEntries(
      columns.map((column) => [
        column,
        plain(row[column], () => `${file}, row ${index}, column "${column}"`),
      ]),
    ),
  );
}

/** Both ends of a parquet file bear its mark, so a file that was cut off can be told from one that is something else. @returns its bytes */
async function checkEnds(file: string): Promise<number> {
  const handle = await open(file).catch((error: NodeJS.ErrnoException) => {
    throw new DataError(`cannot open ${file} (${error.code}); download it again`);
  });
  try {
    const { size } = await handle.stat();
    const mark = async (position: number): Promise<string> => {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(4), 0, 4, position);
      return buffer.toString('latin1', 0, bytesRead);
    };
    const start = await mark(0);
    if (start !== 'PAR1')
      throw new DataError(
        `${file} is no parquet file: it starts with ${shown(start)} instead of "PAR1"; check what was downloaded`,
      );
    if (size < 12 || (await mark(size - 4)) !== 'PAR1')
      throw new DataError(
        `${file} is cut off: it ends after ${size} bytes without the mark "PAR1"; download it again`,
      );
    return size;
  } finally {
    await handle.close();
  }
}

async function orFail<T>(file: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    throw new DataError(
      `${file} cannot be read as parquet (${reasonOf(error)}); download it again, or write it with snappy compression`,
      { cause: error },
    );
  }
}

function plain(value: unknown, place: () => string): string | number | boolean | null {
  if (value === null || value === undefined) return null;
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
  if (typeof value !== 'bigint')
    throw new DataError(
      `${place()} holds ${Array.isArray(value) ? 'a list' : 'an object'}; only text, numbers and booleans can be read`,
    );
  const number = Number(value);
  if (!Number.isSafeInteger(number))
    throw new DataError(`${place()} holds ${value}, more than a number keeps exactly; leave the column out`);
  return number;
}
