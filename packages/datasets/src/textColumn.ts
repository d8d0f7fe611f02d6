/** One column of text: what a language model is fine-tuned on. From a file of one's own, or a data set on the Hub. */
import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { shown } from '@psoft/engine/errors';
import { fetchSnapshot, type HubOptions } from './hub/index.ts';
import { readParquetRows } from './parquet.ts';
import { DataError } from './text.ts';
import { readTexts, TEXT_FORMATS, type TextFormat } from './texts.ts';
import { readUtf8 } from './tsv.ts';

export interface TextColumnOptions extends Pick<HubOptions, 'onNote' | 'onProgress' | 'environment'> {
  /** Default "text". A .txt file has none: each of its lines that is not empty is a text. */
  readonly column?: string;
  /** Of a data set on the Hub; default "train". */
  readonly split?: string;
  /** Folder within a data set on the Hub that has several. */
  readonly config?: string;
  /** Branch, tag or commit of a data set on the Hub. */
  readonly revision?: string;
  /** The first so many texts; all when left out. */
  readonly limit?: number;
}

/** Data sets that the Hub once had under a bare name. */
const OLD_NAMES: Readonly<Record<string, string>> = { imdb: 'stanfordnlp/imdb' };

/**
 * @param source a .txt, .csv, .tsv, .jsonl or .parquet file; or the name of a data set on the Hub
 * @throws DataError for a file that is missing, of another kind or lacks the column, and where there is no text;
 *   HubError when a data set cannot be had
 */
export async function loadTextColumn(source: string, options: TextColumnOptions = {}): Promise<string[]> {
  const { limit = Number.POSITIVE_INFINITY } = options;
  const texts = isFileName(source) ? await readFile(source, options) : await readHub(source, options);
  const chosen = texts.slice(0, limit);
  if (chosen.length === 0)
    throw new DataError(`${source} holds no text${limit < 1 ? ` below limit ${limit}` : ''}`);
  return chosen;
}

/** Names of data sets have at most one slash, and no ending of a file. */
function isFileName(source: string): boolean {
  return existsSync(source) || ENDING.test(source) || source.split('/').length > 2;
}

const ENDING = /\.(txt|csv|tsv|jsonl|parquet)$/i;

async function readFile(file: string, { column = 'text' }: TextColumnOptions): Promise<string[]> {
  const ending = ENDING.exec(file)?.[1]?.toLowerCase();
  if (ending === undefined || (existsSync(file) && (await stat(file)).isDirectory()))
    throw new DataError(`${file}: texts are read from .txt, .csv, .tsv, .jsonl and .parquet files`);
  if (ending === 'txt') return (await readUtf8(file)).split(/\r?\n/).filter((line) => line.trim() !== '');
  if (ending === 'parquet') return textsOf(await readParquetRows([file], [column]), column, file);
  const format = TEXT_FORMATS.find((one) => one === ending) as TextFormat;
  return (await readTexts(file, format, [[column]])).map(({ text }) => text);
}

async function readHub(name: string, options: TextColumnOptions): Promise<string[]> {
  const { column = 'text', split = 'train', config, revision, onNote, onProgress, environment } = options;
  const repo = { type: 'dataset', name: OLD_NAMES[name] ?? name } as const;
  const pattern = `${config === undefined ? '**' : config}/${split}-*.parquet`;
  const { folder, files } = await fetchSnapshot(
    { ...repo, ...(revision === undefined ? {} : { revision }) },
    {
      files: [pattern],
      ...(onNote && { onNote }),
      ...(onProgress && { onProgress }),
      ...(environment && { environment }),
    },
  );
  const folders = [...new Set(files.map((file) => path.posix.dirname(file)))].sort();
  if (folders.length > 1)
    throw new DataError(
      `data set ${repo.name} has its ${split} split in ${folders.join(', ')}: choose one of them as config`,
    );
  const rows = await readParquetRows(
    [...files].sort().map((file) => path.join(folder, file)),
    [column],
  );
  return textsOf(rows, column, `${repo.name} ${split}`);
}

function textsOf(rows: readonly Record<string, unknown>[], column: string, place: string): string[] {
  return rows.map((row, i) => {
    const text = row[column];
    if (typeof text !== 'string')
      throw new DataError(`${place} row ${i + 1}: "${column}" is ${shown(text)}, expected text`);
    return text;
  });
}
