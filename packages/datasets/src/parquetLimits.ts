/**
 * What a parquet file may claim. Its library believes counts and sizes: a kilobyte that claims billions would take all
 * memory.
 */
import { shown } from '@psoft/engine/errors';
import type { AsyncBuffer, FileMetaData, RowGroup } from 'hyparquet';
import { parquetHeader } from 'hyparquet/src/column.js';
import { getMaxRepetitionLevel, getSchemaPath } from 'hyparquet/src/schema.js';
import { endOfStruct } from './thrift.ts';

/** Rows of one value are stored as a count: far more than a file of texts ever has, and still held in memory. */
const mostRows = (bytes: number): number => 100_000 + 64 * bytes;
/** Snappy makes at most 64 bytes of 3. */
const SNAPPY_RATIO = 22;
const SNAPPY_START = 64;

const FOOTER_END = 8;

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

/** @throws Error for a footer that claims what it cannot hold */
export async function checkFooter(file: AsyncBuffer): Promise<void> {
  const end = file.byteLength - FOOTER_END;
  const length = new DataView(await file.slice(end, end + 4)).getUint32(0, true);
  if (length > end) throw new Error(`its footer has ${length} bytes, the file ${file.byteLength}`);
  endOfStruct(new DataView(await file.slice(end - length, end)), 0);
}

/** @throws Error for more rows than the file can hold, in all or in its groups */
export function checkRowCounts({ num_rows, row_groups }: FileMetaData, bytes: number): void {
  const counts = [num_rows, ...row_groups.map((group) => group.num_rows)].map(Number);
  const wrong = counts.find((count) => !isCount(count) || count > mostRows(bytes));
  if (wrong !== undefined) throw new Error(`it announces ${wrong} rows in ${bytes} bytes`);
  const sum = counts.slice(1).reduce((total, count) => total + count, 0);
  if (sum !== counts[0]) throw new Error(`it announces ${counts[0]} rows, its groups have ${sum}`);
}

/**
 * Looks at the pages of columns that are about to be read.
 * @throws Error for pages that lie outside the file, or claim more values than there are rows or more bytes than they hold
 */
export async function checkPages(
  file: AsyncBuffer,
  metadata: FileMetaData,
  group: RowGroup,
  columns: readonly string[],
): Promise<void> {
  for (const { meta_data: chunk } of group.columns) {
    if (chunk === undefined || !columns.includes(chunk.path_in_schema[0]!)) continue;
    const isFlat = getMaxRepetitionLevel(getSchemaPath(metadata.schema, chunk.path_in_schema)) === 0;
    const most = isFlat ? Number(group.num_rows) : mostRows(file.byteLength);
    const start = Number(chunk.dictionary_page_offset || chunk.data_page_offset);
    const view = new DataView(await file.slice(start, start + Number(chunk.total_compressed_size)));
    const values = pagesOf(view, chunk.codec === 'SNAPPY', most);
    if (isFlat && values !== most) throw new Error(`a column has ${values} values for ${most} rows`);
  }
}

/** @returns how many values the pages have together */
function pagesOf(view: DataView<ArrayBuffer>, isSnappy: boolean, most: number): number {
  let sum = 0;
  for (let at = 0; at < view.byteLength - 1 && sum < most; ) {
    endOfStruct(view, at);
    const reader = { view, offset: at };
    const page = parquetHeader(reader);
    const { compressed_page_size: packed, uncompressed_page_size: size } = page;
    if (!isCount(packed) || packed > view.byteLength - reader.offset)
      throw new Error(`a page of its column's ${view.byteLength} bytes lies beyond them`);
    if (!isCount(size) || (isSnappy && size > SNAPPY_START + SNAPPY_RATIO * packed))
      throw new Error(`a page of ${packed} bytes claims to hold ${shown(size)}`);
    const dictionary = page.dictionary_page_header?.num_values;
    // A truth value takes a bit.
    if (dictionary !== undefined && !(isCount(dictionary) && dictionary <= 8 * size))
      throw new Error(`a dictionary of ${size} bytes claims ${shown(dictionary)} values`);
    const values = (page.data_page_header ?? page.data_page_header_v2)?.num_values ?? 0;
    if (!isCount(values) || values > most)
      throw new Error(`a page claims ${shown(values)} values for ${most} rows`);
    sum += values;
    at = reader.offset + packed;
  }
  return sum;
}
