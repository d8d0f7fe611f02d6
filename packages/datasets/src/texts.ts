/** Unlabelled texts of a user, and predictions for them: CSV and TSV with a header line, or a JSON object a line. */
import { text as readAll } from 'node:stream/consumers';
import { shown, shownNames } from '@psoft/engine/errors';
import Papa from 'papaparse';
import { DataError, type TextExample } from './text.ts';
import { parseTsv, readUtf8 } from './tsv.ts';

export const TEXT_FORMATS = ['csv', 'tsv', 'jsonl'] as const;
export type TextFormat = (typeof TEXT_FORMATS)[number];

/** No gold label is known, and none is looked at. */
const NO_LABEL = -1;

/**
 * Reads one text or a pair of texts a row.
 * @param input a file, or "-" for standard input
 * @param names the text columns, in several namings: the first whose columns are all there is taken
 * @throws DataError naming file and line for rows that are not as the first, missing columns, or no rows at all
 */
export async function readTexts(
  input: string,
  format: TextFormat,
  names: readonly (readonly string[])[],
): Promise<TextExample[]> {
  const { place, rows } = await readTable(input, format);
  if (rows.length === 0) throw new DataError(`${place} holds no rows: nothing to predict`);
  const columns = Object.keys(rows[0]!.cells);
  const chosen = names.find((wanted) => wanted.every((column) => columns.includes(column)));
  if (chosen === undefined) {
    const wanted = [...new Set(names.map((one) => one.join(', ')))].join(' or ');
    throw new DataError(
      `${place} has the columns ${shownNames(columns)}; the task reads ${wanted}: rename them or give --columns`,
    );
  }
  return rows.map(({ cells, line }) => {
    const [first, second] = chosen.map((column) => {
      const value = cells[column];
      if (typeof value !== 'string')
        throw new DataError(`${place} line ${line}: "${column}" is ${shown(value)}, expected text`);
      return value;
    }) as [string, string?];
    return { text: first, ...(second === undefined ? {} : { textPair: second }), label: NO_LABEL };
  });
}

export interface TableRow {
  readonly cells: Readonly<Record<string, unknown>>;
  /** 1-based, in the file. */
  readonly line: number;
}

/**
 * All columns of a file, or of standard input ("-"), by the names of its first line or the fields of its objects.
 * @throws DataError naming file and line for rows that are not as the first
 */
export async function readTable(
  input: string,
  format: TextFormat,
): Promise<{ place: string; rows: readonly TableRow[] }> {
  const place = input === '-' ? 'standard input' : input;
  const text = input === '-' ? await readAll(process.stdin) : await readUtf8(input);
  return { place, rows: READERS[format](text.replace(/^\uFEFF/, ''), place) };
}

const READERS: Readonly<Record<TextFormat, (text: string, place: string) => TableRow[]>> = {
  csv(text, place) {
    const { data, errors } = Papa.parse<Record<string, string>>(text, { header: true, skipEmptyLines: true });
    const [problem] = errors.filter(({ code }) => code !== 'UndetectableDelimiter');
    if (problem !== undefined)
      throw new DataError(`${place} row ${(problem.row ?? 0) + 1}: ${problem.message.toLowerCase()}`);
    return data.map((cells, i) => ({ cells, line: i + 2 }));
  },
  tsv(text, place) {
    const [header, ...lines] = parseTsv(text, place);
    return lines.map(({ cells, number }) => {
      if (cells.length !== header!.cells.length)
        throw new DataError(
          `${place} line ${number}: ${cells.length} columns, the first line has ${header!.cells.length}`,
        );
      return { cells: Object.fromEntries(header!.cells.map((name, i) => [name, cells[i]])), line: number };
    });
  },
  jsonl(text, place) {
    return text.split('\n').flatMap((one, i): TableRow[] => {
      if (one.trim() === '') return [];
      let value: unknown;
      try {
        value = JSON.parse(one);
      } catch (error) {
        throw new DataError(`${place} line ${i + 1}: not JSON: ${(error as Error).message}`);
      }
      if (typeof value !== 'object' || value === null || Array.isArray(value))
        throw new DataError(
          `${place} line ${i + 1}: expected a JSON object with the texts, got ${one.slice(0, 60)}`,
        );
      return [{ cells: value as Record<string, unknown>, line: i + 1 }];
    });
  },
};

/** Up to so many classes have a column each; of more, only the most likely few are written. */
const ALL_CLASSES = 20;
const MOST_LIKELY = 5;

/**
 * Predictions in the order of the rows.
 * @param outputs logits a row, or the score alone
 * @param classes names by index; absent for scores
 * @param files the rows' own names, where they have any
 */
export function writePredictions(
  outputs: readonly ArrayLike<number>[],
  format: TextFormat,
  classes: readonly string[] | undefined,
  files?: readonly string[],
): string {
  const rows = outputs.map((logits, index): Record<string, string | number> => {
    const name = files === undefined ? { index } : { file: files[index]! };
    if (classes === undefined) return { ...name, prediction: logits[0]! };
    const shares = softmax(logits);
    const best = [...classes.keys()].sort((a, b) => shares[b]! - shares[a]! || a - b).slice(0, MOST_LIKELY);
    const prediction = classes[best[0]!]!;
    if (classes.length > ALL_CLASSES)
      return {
        ...name,
        prediction,
        probability: shares[best[0]!]!,
        ...Object.fromEntries(
          best.slice(1).flatMap((label, i) => [
            [`prediction_${i + 2}`, classes[label]!],
            [`probability_${i + 2}`, shares[label]!],
          ]),
        ),
      };
    return {
      ...name,
      prediction,
      ...Object.fromEntries(classes.map((name, i) => [`probability_${name}`, shares[i]!])),
    };
  });
  if (format === 'jsonl') return rows.map((row) => `${JSON.stringify(row)}\n`).join('');
  return `${Papa.unparse(rows, { delimiter: format === 'csv' ? ',' : '\t', newline: '\n' })}\n`;
}

function softmax(logits: ArrayLike<number>): number[] {
  const values = Array.from(logits);
  const highest = Math.max(...values);
  const exponentials = values.map((value) => Math.exp(value - highest));
  const sum = exponentials.reduce((a, b) => a + b, 0);
  return exponentials.map((value) => value / sum);
}
