/** GLUE from the Hugging Face Hub: parquet files, one folder a task, as in `nyu-mll/glue`. */

import path from 'node:path';
import { shown } from '@psoft/engine/errors';
import { fetchSnapshot, type HubOptions } from '../hub/index.ts';
import { readParquetRows } from '../parquet.ts';
import { DataError, type TextExample, type TextSplit } from '../text.ts';
import { NO_LABEL } from './official.ts';
import { GLUE_TASKS, type GlueSplit, type GlueTaskName } from './tasks.ts';

export interface HubData {
  /** `nyu-mll/glue` */
  readonly name: string;
  readonly revision?: string;
}

/**
 * Splits of a task, downloaded where the cache lacks them.
 * @returns the splits by name, and the commit that they are of
 * @throws HubError, or DataError for files that are not as they should be
 */
export async function readGlueFromHub<Split extends GlueSplit>(
  data: HubData,
  name: GlueTaskName,
  wanted: readonly Split[],
  options: Pick<HubOptions, 'onNote' | 'onProgress' | 'environment'> = {},
): Promise<{ splits: Record<Split, TextSplit>; commit: string }> {
  const task = GLUE_TASKS[name];
  const patterns = wanted.map((split) => {
    const place = task.files[split];
    if (place === undefined) throw new DataError(`${task.folder} has no ${split} split`);
    return `${name}/${place.hub}-*.parquet`;
  });
  const snapshot = await fetchSnapshot({ type: 'dataset', ...data }, { ...options, files: patterns });
  const [label, texts] = ['label', task.hubTexts ?? task.texts];
  const read = async (split: Split): Promise<TextSplit> => {
    const start = `${name}/${task.files[split]!.hub}-`;
    const files = snapshot.files.filter((file) => file.startsWith(start)).sort();
    const rows = await readParquetRows(
      files.map((file) => path.join(snapshot.folder, file)),
      [...texts, label],
    );
    const examples = rows.map((row, i): TextExample => {
      const where = `${data.name} ${start}*.parquet row ${i + 1}`;
      const [text, textPair] = texts.map((column) => {
        const value = row[column];
        if (typeof value !== 'string')
          throw new DataError(`${where}: "${column}" is ${shown(value)}, expected text`);
        return value;
      }) as [string, string?];
      const value = split.startsWith('test') ? NO_LABEL : row[label];
      if (typeof value !== 'number')
        throw new DataError(`${where}: "${label}" is ${shown(value)}, expected a number`);
      return { text, ...(textPair === undefined ? {} : { textPair }), label: value };
    });
    return {
      source: `${data.name}@${snapshot.commit.slice(0, 8)} ${name}/${task.files[split]!.hub}`,
      examples,
    };
  };
  const splits: Partial<Record<Split, TextSplit>> = {};
  for (const split of wanted) splits[split] = await read(split);
  return { splits: splits as Record<Split, TextSplit>, commit: snapshot.commit };
}
