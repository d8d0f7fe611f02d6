/** GLUE in the official layout: one folder a task, tab-separated files in which quotes are ordinary characters. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { shown, shownNames } from '@psoft/engine/errors';
import { DataError, type TextExample, type TextSplit } from '../text.ts';
import { readTsv } from '../tsv.ts';
import { GLUE_TASKS, type GlueSplit, type GlueTask, type GlueTaskName, SCORE_RANGE } from './tasks.ts';

/** Test splits carry no labels: their examples have this one. */
export const NO_LABEL = -1;

/** Of rows passed over, more than this share is another kind of file. */
const MAX_BROKEN_SHARE = 0.001;

/**
 * Reads one split of a task.
 * @param folder the folder with the files, or the one above the task's official folder
 * @throws DataError for missing, empty, misshapen or undecodable files, with the line
 */
export async function readGlue(folder: string, name: GlueTaskName, split: GlueSplit): Promise<TextSplit> {
  const task = GLUE_TASKS[name];
  const place = task.files[split];
  if (place === undefined) throw new DataError(`${task.folder} has no ${split} split`);
  const file = findFile(folder, task, place.official);
  const isTest = split.startsWith('test');
  const hasHeader = task.columns === undefined || isTest;
  const rows = await readTsv(file, hasHeader ? undefined : task.columns);
  if (rows.lines.length === 0)
    throw new DataError(`${file} is empty: expected ${task.folder}'s ${split} split`);

  const wanted = [...task.texts, ...(isTest ? [] : [task.labelColumn])];
  const at = wanted.map((column) => {
    const found = rows.columns.indexOf(column);
    if (found < 0)
      throw new DataError(
        `${file} has no column "${column}": its first line names ${shownNames(rows.columns)}`,
      );
    return found;
  });
  const examples: TextExample[] = [];
  const broken: string[] = [];
  for (const { cells, number } of rows.lines) {
    const where = `${file} line ${number}`;
    if (cells.length !== rows.columns.length) {
      const seen = `${where}: ${cells.length} column${cells.length === 1 ? '' : 's'}, ${task.folder} has ${rows.columns.length} (${rows.columns.join(', ')})`;
      if (!task.skipsBrokenRows) throw new DataError(seen);
      broken.push(seen);
      continue;
    }
    const values = at.map((column) => cells[column]!);
    const texts = values.slice(0, task.texts.length);
    // The Hub's QQP holds a few empty questions too.
    if (!task.skipsBrokenRows && texts.some((text) => text.trim() === ''))
      throw new DataError(
        `${where}: the ${task.texts[texts.findIndex((text) => text.trim() === '')]} is empty`,
      );
    const label = isTest ? NO_LABEL : readLabel(task, values.at(-1)!, where);
    const [text, textPair] = texts as [string, string?];
    examples.push({ text, ...(textPair === undefined ? {} : { textPair }), label });
  }
  if (broken.length > MAX_BROKEN_SHARE * rows.lines.length + 1)
    throw new DataError(`${broken.length} broken rows, the first: ${broken[0]}`);
  return {
    source: file,
    examples,
    ...(broken.length === 0
      ? {}
      : { note: `${broken.length} broken rows left out, the first: ${broken[0]}` }),
  };
}

/** A label as the official files write it. */
function readLabel({ classes, values = classes }: GlueTask, text: string, where: string): number {
  if (values === undefined) {
    const score = Number(text);
    const [low, high] = SCORE_RANGE;
    if (text.trim() === '' || !(score >= low && score <= high))
      throw new DataError(`${where}: score must be a number from ${low} to ${high}, got ${shown(text)}`);
    return score;
  }
  const label = values.indexOf(text);
  if (label < 0) throw new DataError(`${where}: label must be ${values.join(' or ')}, got ${shown(text)}`);
  return label;
}

function findFile(folder: string, { folder: own }: GlueTask, name: string): string {
  const candidates = [path.join(folder, name), path.join(folder, own, name)];
  const found = candidates.find((candidate) => existsSync(candidate));
  if (found === undefined)
    throw new DataError(
      `no ${own} data in ${folder}: looked for ${candidates.join(' and ')} (the official GLUE layout)`,
    );
  return found;
}
