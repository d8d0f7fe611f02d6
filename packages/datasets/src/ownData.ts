/** Labelled texts and instructions from files of one's own: CSV and TSV with a header line, JSON lines, parquet. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { RandomStream } from '@psoft/engine';
import { shown, shownNames } from '@psoft/engine/errors';
import type { Instruction } from './instruction.ts';
import { openParquet, readParquetRows } from './parquet.ts';
import { type Row, textOf } from './rows.ts';
import { DataError, type TextExample, type TextSplit } from './text.ts';
import { readTable, TEXT_FORMATS, type TextFormat } from './texts.ts';

export interface LabelledOptions {
  /** Default "text". */
  readonly textColumn?: string;
  /** The second text of a pair; without it each row is one text. */
  readonly pairColumn?: string;
  /** Default "label". */
  readonly labelColumn?: string;
  /**
   * Class names in the order of their numbers. Hand a validation file those of the training file: another label is then
   * an error. Left out: the labels that occur, numbers by size, others by their letters.
   */
  readonly classes?: readonly string[];
  /** Labels are scores, not classes. */
  readonly regression?: boolean;
}

/** Texts with labels. */
export interface LabelledTexts extends TextSplit {
  /** Names by label; absent for scores. */
  readonly classes?: readonly string[];
}

/** More classes than this are taken for a column that holds something else. */
const MOST_CLASSES = 1000;

/**
 * @param file .csv, .tsv, .jsonl or .parquet
 * @throws DataError for a file that is missing, of another kind or lacks a column, and for labels that cannot be: empty,
 *   unknown, no numbers where scores are wanted, or all the same
 */
export async function loadLabelled(file: string, options: LabelledOptions = {}): Promise<LabelledTexts> {
  const { textColumn = 'text', pairColumn, labelColumn = 'label', regression = false } = options;
  if (regression && options.classes !== undefined)
    throw new DataError('scores have no classes: leave out "classes" or "regression"');
  const texts = [textColumn, ...(pairColumn === undefined ? [] : [pairColumn])];
  const rows = await readColumns(file, [...texts, labelColumn]);
  const labels = rows.map((row) => labelOf(row, labelColumn));
  const classes = regression ? undefined : (options.classes ?? classesOf(labels, file, labelColumn));
  const numbers = new Map(classes?.map((name, i) => [name, i]));
  const examples = rows.map((row, i): TextExample => {
    const [text, textPair] = texts.map((column) => textOf(row, column)) as [string, string?];
    const label = regression ? Number(labels[i]) : numbers.get(labels[i]!);
    if (label === undefined || !Number.isFinite(label))
      throw new DataError(
        `${row.where}: label ${shown(labels[i])} is ${regression ? 'no number' : `none of ${shownNames(classes!)}`}`,
      );
    return { text, ...(textPair === undefined ? {} : { textPair }), label };
  });
  return { source: file, examples, ...(classes === undefined ? {} : { classes }) };
}

export interface InstructionOptions {
  /** Default "prompt": what stands before the model, template and all. */
  readonly promptColumn?: string;
  /** Default "response": what it shall answer. */
  readonly responseColumn?: string;
  /** Wraps a prompt; as it stands when left out. */
  readonly template?: (prompt: string) => string;
}

/**
 * Prompts and the responses that they shall get.
 * @param file .csv, .tsv, .jsonl or .parquet
 * @throws DataError for a file that is missing, of another kind, or lacks a column or a text
 */
export async function loadInstructions(
  file: string,
  options: InstructionOptions = {},
): Promise<Instruction[]> {
  const { promptColumn = 'prompt', responseColumn = 'response', template = (prompt) => prompt } = options;
  const rows = await readColumns(file, [promptColumn, responseColumn]);
  return rows.map((row) => ({
    prompt: template(textOf(row, promptColumn)),
    response: textOf(row, responseColumn),
  }));
}

/**
 * Takes a share of the rows away as a validation set, drawn by the seed.
 * @throws DataError for a share that leaves either of them without rows
 */
export function holdOut<Split extends LabelledTexts>(
  split: Split,
  { share = 0.1, seed = 1 }: { readonly share?: number; readonly seed?: number } = {},
): { train: Split; validation: Split } {
  const { examples, source } = split;
  const count = Math.round(share * examples.length);
  if (!(count >= 1 && count < examples.length))
    throw new DataError(
      `${source}: ${share} of ${examples.length} rows leaves ${count} to validate on: give a share between`,
    );
  const order = RandomStream.from(seed, 'hold-out').permutation(examples.length);
  const heldOut = new Set(order.slice(0, count));
  const part = (name: string, isIn: (i: number) => boolean) => ({
    ...split,
    source: `${source}, ${name}`,
    examples: examples.filter((_, i) => isIn(i)),
  });
  return {
    train: part('training rows', (i) => !heldOut.has(i)),
    validation: part('held-out rows', (i) => heldOut.has(i)),
  };
}

async function readColumns(file: string, columns: readonly string[]): Promise<Row[]> {
  if (!existsSync(file))
    throw new DataError(`${file} is missing: give a .csv, .tsv, .jsonl or .parquet file`);
  const ending = path.extname(file).slice(1).toLowerCase();
  const rows = ending === 'parquet' ? await parquetRows(file, columns) : await tableRows(file, ending);
  if (rows.length === 0) throw new DataError(`${file} holds no rows`);
  const present = Object.keys(rows[0]!.cells);
  const absent = columns.filter((column) => !present.includes(column));
  if (absent.length > 0)
    throw new DataError(
      `${file} has no column ${absent.map((one) => `"${one}"`).join(', ')}; it has ${shownNames(present)}`,
    );
  return rows;
}

async function parquetRows(file: string, columns: readonly string[]): Promise<Row[]> {
  await openParquet(file, columns);
  const rows = await readParquetRows([file], columns);
  return rows.map((cells, i) => ({ cells, where: `${file} row ${i + 1}` }));
}

async function tableRows(file: string, ending: string): Promise<Row[]> {
  const format = TEXT_FORMATS.find((one) => one === ending) as TextFormat | undefined;
  if (format === undefined)
    throw new DataError(`${file}: rows are read from .csv, .tsv, .jsonl and .parquet files`);
  const { place, rows } = await readTable(file, format);
  return rows.map(({ cells, line }) => ({ cells, where: `${place} line ${line}` }));
}

/** Numbers and truth values of JSON and parquet are labels, too. */
function labelOf({ cells, where }: Row, column: string): string {
  const value = cells[column];
  const label = typeof value === 'number' || typeof value === 'boolean' ? String(value) : value;
  if (typeof label === 'string' && label.trim() !== '') return label.trim();
  throw new DataError(
    `${where}: "${column}" is ${value === undefined ? 'missing' : shown(value)}, expected a label`,
  );
}

function classesOf(labels: readonly string[], file: string, column: string): string[] {
  const names = [...new Set(labels)];
  const areNumbers = names.every((name) => Number.isFinite(Number(name)));
  names.sort((a, b) => (areNumbers ? Number(a) - Number(b) : a < b ? -1 : 1));
  if (names.length < 2)
    throw new DataError(`${file}: every row has the label "${names[0]}": nothing can be told apart`);
  if (names.length > MOST_CLASSES)
    throw new DataError(
      `${file}: "${column}" has ${names.length} different values: choose another label column, or regression for scores`,
    );
  return names;
}
