/** The mathematics sets from a folder, in the layouts that they are published in. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { DataError } from '../../text.ts';
import { shardsOf } from '../../vtab/shards.ts';
import type { InstructionExample, MathDataset, MathProblem, MathSet, MathSplit } from '../problems.ts';
import { readInstructions } from './instructions.ts';
import { readProblems } from './problems.ts';

/** The set's own folder, or the one that it lies in. */
const FOLDERS: Readonly<Record<MathDataset, readonly string[]>> = {
  gsm8k: ['', 'gsm8k', 'GSM8K', 'gsm8k/main'],
  math: ['', 'math', 'MATH', 'hendrycks_math'],
};
/** Where a download from the Hub has its parquet files, below that. */
const PARQUET_FOLDERS = ['', 'data', 'main', 'default'];
const ENDINGS = ['.jsonl', '.json'];

export const readGsm8k = (folder: string, split: MathSplit): Promise<MathSet<MathProblem>> =>
  readFolder(folder, 'gsm8k', split);

/** Also the folders of one JSON file a problem, `test/algebra/1.json`, as MATH was first published. */
export const readMath = (folder: string, split: MathSplit): Promise<MathSet<MathProblem>> =>
  readFolder(folder, 'math', split);

async function readFolder(
  folder: string,
  dataset: MathDataset,
  split: MathSplit,
): Promise<MathSet<MathProblem>> {
  const looked: string[] = [];
  // MetaMath's copies are GSM8K_test.jsonl and MATH_test.jsonl.
  const names = [split, `${dataset.toUpperCase()}_${split}`].flatMap((name) =>
    ENDINGS.map((end) => name + end),
  );
  for (const own of FOLDERS[dataset]) {
    const place = path.join(folder, own);
    looked.push(...names.slice(0, 1).map((name) => path.join(place, name)));
    const file = names.map((name) => path.join(place, name)).find((one) => existsSync(one));
    if (file !== undefined) return { source: file, examples: await readProblems([file], dataset) };
    const files = [
      parquetFiles(place, split),
      dataset === 'math' ? problemFiles(path.join(place, split)) : [],
    ].find((found) => found.length > 0);
    if (files !== undefined)
      return {
        source: `${path.join(place, split)} (${files.length} files)`,
        examples: await readProblems(files, dataset),
      };
  }
  throw new DataError(
    `no ${dataset.toUpperCase()} ${split} data in ${folder}: looked for ${looked.join(', ')}, .json files and ${split}-*.parquet`,
  );
}

/**
 * Training data from a folder, or from the one file that is named: MetaMathQA, or GSM8K's own training set, whose
 * answers are brought into MetaMathQA's form.
 */
export async function readMetaMath(folder: string): Promise<MathSet<InstructionExample>> {
  const files = metaMathFiles(folder);
  if (files.length === 0)
    throw new DataError(
      `no MetaMathQA data in ${folder}: looked for MetaMathQA*.json, MetaMathQA*.jsonl, train.jsonl, train.json and train-*.parquet`,
    );
  const source = files.length === 1 ? files[0]! : `${folder} (${files.length} files)`;
  return { source, examples: await readInstructions(files) };
}

function metaMathFiles(folder: string): string[] {
  if (!existsSync(folder)) return [];
  if (statSync(folder).isFile()) return [folder];
  const names = readdirSync(folder);
  const named = names.filter((name) => /^MetaMathQA.*\.jsonl?$/i.test(name));
  if (named.length > 1)
    throw new DataError(
      `${folder} holds ${named.join(' and ')}: name the file that is meant, not the folder`,
    );
  const found = named[0] ?? ['train.jsonl', 'train.json'].find((name) => names.includes(name));
  return found === undefined ? parquetFiles(folder, 'train') : [path.join(folder, found)];
}

function parquetFiles(folder: string, split: MathSplit): string[] {
  if (!existsSync(folder)) return [];
  const names = PARQUET_FOLDERS.flatMap((own) => [own, path.posix.join(own, split)]).flatMap((own) => {
    const place = path.join(folder, own);
    if (!existsSync(place) || !statSync(place).isDirectory()) return [];
    return readdirSync(place).map((name) => path.posix.join(own, name));
  });
  return shardsOf(names, PARQUET_FOLDERS, [split]).map((name) => path.join(folder, name));
}

/** Subjects by name, problems by number. */
function problemFiles(folder: string): string[] {
  if (!existsSync(folder) || !statSync(folder).isDirectory()) return [];
  const subjects = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const order = (a: string, b: string): number => a.localeCompare(b, 'en', { numeric: true });
  return subjects
    .map(({ name }) => name)
    .sort(order)
    .flatMap((subject) =>
      readdirSync(path.join(folder, subject))
        .filter((name) => name.endsWith('.json'))
        .sort(order)
        .map((name) => path.join(folder, subject, name)),
    );
}
