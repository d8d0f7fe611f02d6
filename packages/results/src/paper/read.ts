/** Reads the paper's printed values from CSV. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import Papa from 'papaparse';
import { type Printed, printedDuration, printedNumber } from './printed.ts';
import { TABLE_NAMES, TABLES, type TableName, type TableShape } from './tables.ts';

/** The folder of this package that holds the tables. */
export const PAPER_FOLDER = fileURLToPath(new URL('../../paper/', import.meta.url));

interface CellTypes {
  text: string;
  /** Split at ";"; an empty cell is an empty list. */
  list: readonly string[];
  number: Printed;
  duration: Printed;
}

type Columns<T extends TableName> = (typeof TABLES)[T]['columns'];

export type Row<T extends TableName> = {
  readonly [C in keyof Columns<T>]: Columns<T>[C] extends keyof CellTypes ? CellTypes[Columns<T>[C]] : never;
} & RowPlace;

interface RowPlace {
  /** 1-based, in the file. */
  readonly line: number;
  /** Its key columns as printed, "PSOFT r=46". */
  readonly label: string;
}

/** Every table by the name of its file. */
export type Paper = { readonly [T in TableName]: readonly Row<T>[] };

/** A file of the paper's values that is not what it should be. The message is one line. */
export class PaperError extends Error {
  override name = 'PaperError';
}

/**
 * @param folder with one `<name>.csv` a table
 * @throws PaperError naming file, line and column
 */
export async function readPaper(folder = PAPER_FOLDER): Promise<Paper> {
  const read = TABLE_NAMES.map(async (name) => {
    const file = path.join(folder, `${name}.csv`);
    const text = await readFile(file, 'utf8').catch((error: Error) => {
      throw new PaperError(`${file}: ${error.message}; the folder needs one CSV file a table`);
    });
    return [name, parseTable(name, text, file)] as const;
  });
  return Object.fromEntries(await Promise.all(read)) as unknown as Paper;
}

/**
 * @param place for messages
 * @throws PaperError naming line and column
 */
export function parseTable<T extends TableName>(name: T, text: string, place: string): Row<T>[] {
  const shape: TableShape = TABLES[name];
  const { data, errors } = Papa.parse<string[]>(text.replace(/\r?\n$/, ''), { delimiter: ',' });
  const [problem] = errors;
  if (problem) throw new PaperError(`${place} line ${(problem.row ?? 0) + 1}: ${problem.message}`);
  const [header = [], ...lines] = data;
  const expected = Object.keys(shape.columns);
  if (header.join() !== expected.join())
    throw new PaperError(`${place}: columns must be ${expected.join()}, got ${header.join()}`);
  const rows = lines.map((cells, i) => parseRow(shape, cells, i + 2, place));
  const labels = new Map<string, number>();
  for (const { label, line } of rows) {
    const earlier = labels.get(label);
    if (earlier !== undefined)
      throw new PaperError(`${place} line ${line}: "${label}" stands on line ${earlier} already`);
    labels.set(label, line);
  }
  return rows as unknown as Row<T>[];
}

function parseRow(shape: TableShape, cells: readonly string[], line: number, place: string): RowPlace {
  const columns = Object.entries(shape.columns);
  if (cells.length !== columns.length)
    throw new PaperError(`${place} line ${line}: needs ${columns.length} cells, got ${cells.length}`);
  const values = columns.map(([column, kind], i) => {
    const text = cells[i]!;
    const value = CELLS[kind](text);
    if (value === undefined)
      throw new PaperError(`${place} line ${line}, ${column}: must be a ${kind}, got "${text}"`);
    return [column, value] as const;
  });
  const key = shape.key.map((column) =>
    keyText(column, cells[columns.findIndex(([name]) => name === column)]!),
  );
  return { ...Object.fromEntries(values), line, label: key.filter((text) => text !== '').join(' ') };
}

const CELLS: { readonly [K in keyof CellTypes]: (text: string) => CellTypes[K] | undefined } = {
  text: (text) => text,
  list: (text) => (text === '' ? [] : text.split(';')),
  number: printedNumber,
  duration: printedDuration,
};

/** A bare number needs its column's name to be understood. */
function keyText(column: string, text: string): string {
  return column === 'rank' || column === 'n_iter' ? `${column}=${text}` : text;
}
