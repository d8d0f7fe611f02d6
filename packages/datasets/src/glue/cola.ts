/** CoLA in the official GLUE layout. */
import { isUtf8 } from 'node:buffer';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import Papa from 'papaparse';
import { DataError, type TextExample, type TextSplit } from '../text.ts';

/** source, label, the author's original mark, sentence. No header, and quotes are ordinary characters. */
const COLUMNS = 4;

/**
 * Reads `train.tsv` or `dev.tsv` of CoLA (Warstadt et al. 2019).
 * @param folder the folder with the files, or the one above its `CoLA` folder
 * @throws DataError for missing, empty, misshapen or undecodable files
 */
export async function readCola(folder: string, split: 'train' | 'dev'): Promise<TextSplit> {
  const file = findFile(folder, `${split}.tsv`);
  const rows = parseTsv(await readUtf8(file), file);
  // A line end after the last line is usual; an empty line elsewhere is a fault, and keeps line numbers true.
  if (isEmptyLine(rows.at(-1))) rows.pop();
  if (rows.length === 0) throw new DataError(`${file} is empty: expected CoLA's ${split} sentences`);
  const examples = rows.map((row, i): TextExample => {
    const where = `${file} line ${i + 1}`;
    if (row.length !== COLUMNS)
      throw new DataError(
        `${where}: ${row.length} column${row.length === 1 ? '' : 's'}, CoLA has ${COLUMNS} (source, label, mark, sentence)`,
      );
    const [, label, , sentence] = row as [string, string, string, string];
    if (label !== '0' && label !== '1') throw new DataError(`${where}: label must be 0 or 1, got "${label}"`);
    if (sentence.trim() === '') throw new DataError(`${where}: the sentence is empty`);
    return { text: sentence, label: Number(label) };
  });
  return { source: file, examples };
}

function findFile(folder: string, name: string): string {
  const candidates = [path.join(folder, name), path.join(folder, 'CoLA', name)];
  const found = candidates.find((candidate) => existsSync(candidate));
  if (found === undefined)
    throw new DataError(
      `no CoLA data in ${folder}: looked for ${candidates.join(' and ')} (the official GLUE layout)`,
    );
  return found;
}

/** @throws DataError where the bytes are not UTF-8 */
async function readUtf8(file: string): Promise<string> {
  const bytes = await readFile(file);
  if (isUtf8(bytes)) return new TextDecoder().decode(bytes);
  let line = 1;
  for (let start = 0, end = 0; end >= 0; start = end + 1, line++) {
    end = bytes.indexOf('\n', start);
    if (!isUtf8(bytes.subarray(start, end < 0 ? bytes.length : end))) break;
  }
  throw new DataError(`${file} line ${line}: not valid UTF-8: convert the file first`);
}

function isEmptyLine(row: readonly string[] | undefined): boolean {
  return row?.length === 1 && row[0] === '';
}

function parseTsv(text: string, file: string): string[][] {
  // fastMode splits at tabs and line ends only: GLUE's files quote nothing.
  const { data, errors } = Papa.parse<string[]>(text, {
    delimiter: '\t',
    fastMode: true,
  });
  const problem = errors.find(({ code }) => code !== 'UndetectableDelimiter');
  if (problem) throw new DataError(`${file} line ${(problem.row ?? 0) + 1}: ${problem.message}`);
  return data;
}
