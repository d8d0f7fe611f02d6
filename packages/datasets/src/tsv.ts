/** Tab-separated files in which every character but tab and line end is text. */
import { isUtf8 } from 'node:buffer';
import { readFile } from 'node:fs/promises';
import Papa from 'papaparse';
import { DataError } from './text.ts';

export interface TsvLine {
  readonly cells: readonly string[];
  /** 1-based, in the file. */
  readonly number: number;
}

export interface TsvFile {
  readonly columns: readonly string[];
  readonly lines: readonly TsvLine[];
}

/**
 * @param columns of a file without a header line; else its first line names them
 * @throws DataError where the bytes are not UTF-8
 */
export async function readTsv(file: string, columns?: readonly string[]): Promise<TsvFile> {
  const lines = parseTsv(await readUtf8(file), file);
  if (columns !== undefined) return { columns, lines };
  const [header, ...rest] = lines;
  return { columns: header?.cells ?? [], lines: rest };
}

/** @param place for messages */
export function parseTsv(text: string, place: string): TsvLine[] {
  // fastMode splits at tabs and line ends only.
  const { data, errors } = Papa.parse<string[]>(text, { delimiter: '\t', fastMode: true });
  const problem = errors.find(({ code }) => code !== 'UndetectableDelimiter');
  if (problem) throw new DataError(`${place} line ${(problem.row ?? 0) + 1}: ${problem.message}`);
  const lines = data.map((cells, i): TsvLine => ({ cells, number: i + 1 }));
  // A line end after the last line is usual; an empty line elsewhere is a fault, and keeps line numbers true.
  if (isEmpty(lines.at(-1))) lines.pop();
  return lines;
}

/** @throws DataError where the bytes are not UTF-8 */
export async function readUtf8(file: string): Promise<string> {
  const bytes = await readFile(file).catch((error: NodeJS.ErrnoException) => {
    throw new DataError(`cannot read ${file} (${error.code}): give a file of texts`);
  });
  // The decoder drops a byte order mark.
  if (isUtf8(bytes)) return new TextDecoder().decode(bytes);
  let line = 1;
  for (let start = 0, end = 0; end >= 0; start = end + 1, line++) {
    end = bytes.indexOf('\n', start);
    if (!isUtf8(bytes.subarray(start, end < 0 ? bytes.length : end))) break;
  }
  throw new DataError(`${file} line ${line}: not valid UTF-8: convert the file first`);
}

function isEmpty(line: TsvLine | undefined): boolean {
  return line?.cells.length === 1 && line.cells[0] === '';
}
