/** Rows of JSON lines, JSON and parquet files, by the field names that they go by. */
import path from 'node:path';
import { shown, shownNames } from '@psoft/engine/errors';
import { openParquet, readParquetRows } from './parquet.ts';
import { DataError } from './text.ts';
import { readUtf8 } from './tsv.ts';

export interface Row {
  readonly cells: Readonly<Record<string, unknown>>;
  /** `test.jsonl row 3`, for messages. */
  readonly where: string;
}

/**
 * @param namings field names of one set, in several namings: the first that a file's first row has is taken
 * @param optional fields that may be absent; of parquet files no others are read
 * @throws DataError naming file and row for what is no JSON or parquet, or holds no rows; naming the fields for others
 */
export async function readRows(
  files: readonly string[],
  namings: readonly (readonly string[])[],
  optional: readonly string[] = [],
): Promise<{ rows: Row[]; naming: readonly string[] }> {
  const rows: Row[] = [];
  for (const file of files)
    for (const row of await (file.endsWith('.parquet')
      ? parquetRows(file, namings, optional)
      : jsonRows(file)))
      rows.push(row);
  const [first] = rows;
  if (first === undefined) throw new DataError(`${files.join(', ')}: no rows`);
  return { rows, naming: chooseNaming(Object.keys(first.cells), namings, first.where) };
}

/** @throws DataError naming file, row and field unless it is text, with something in it unless it may be empty */
export function textOf({ cells, where }: Row, field: string, { mayBeEmpty = false } = {}): string {
  const value = cells[field];
  if (typeof value !== 'string')
    throw new DataError(
      `${where}: "${field}" is ${value === undefined ? 'missing' : shown(value)}, expected text`,
    );
  if (!mayBeEmpty && value.trim() === '') throw new DataError(`${where}: "${field}" is empty, expected text`);
  return value;
}

/** Those of the fields that the row has. */
export function optionalText<Field extends string>(
  row: Row,
  fields: readonly Field[],
): Partial<Record<Field, string>> {
  const present = fields.filter((field) => row.cells[field] !== undefined && row.cells[field] !== null);
  return Object.fromEntries(present.map((field) => [field, textOf(row, field)])) as Partial<
    Record<Field, string>
  >;
}

function chooseNaming(
  fields: readonly string[],
  namings: readonly (readonly string[])[],
  where: string,
): readonly string[] {
  const naming = namings.find((names) => names.every((name) => fields.includes(name)));
  if (naming !== undefined) return naming;
  const wanted = namings.map((names) => names.map((name) => `"${name}"`).join(' and ')).join(', or ');
  throw new DataError(`${where}: expected the fields ${wanted}; it has ${shownNames(fields)}`);
}

async function parquetRows(
  file: string,
  namings: readonly (readonly string[])[],
  optional: readonly string[],
): Promise<Row[]> {
  const { present } = await openParquet(file, []);
  const columns = [
    ...chooseNaming(present, namings, file),
    ...optional.filter((name) => present.includes(name)),
  ];
  return (await readParquetRows([file], columns)).map((cells, i) => ({
    cells,
    where: `${file} row ${i + 1}`,
  }));
}

async function jsonRows(file: string): Promise<Row[]> {
  const text = await readUtf8(file);
  // Published sets are named .json whether they are an array or an object a line.
  const values =
    path.extname(file) === '.json' && text.trimStart().startsWith('[') ? parsedArray(text, file) : undefined;
  if (values !== undefined) return values.map((value, i) => row(value, `${file} row ${i + 1}`));
  if (path.extname(file) === '.json' && isOneObject(text)) return [row(JSON.parse(text), file)];
  return text.split('\n').flatMap((line, i) => {
    if (line.trim() === '') return [];
    const where = `${file} row ${i + 1}`;
    try {
      return [row(JSON.parse(line), where)];
    } catch (error) {
      if (error instanceof DataError) throw error;
      throw new DataError(`${where}: not JSON: ${(error as Error).message}`);
    }
  });
}

function parsedArray(text: string, file: string): unknown[] {
  try {
    return JSON.parse(text) as unknown[];
  } catch (error) {
    throw new DataError(`${file}: not JSON: ${(error as Error).message}; download it again`);
  }
}

/** A file that holds a single problem, over one line or several. */
function isOneObject(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function row(value: unknown, where: string): Row {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new DataError(`${where}: expected an object with the fields, got ${shown(value)}`);
  return { cells: value as Record<string, unknown>, where };
}
