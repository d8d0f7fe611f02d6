/** The mathematics sets from the Hugging Face Hub. */
import path from 'node:path';
import type { HubData } from '../../glue/hub.ts';
import { fetchSnapshot, type HubOptions, type Snapshot } from '../../hub/index.ts';
import { DataError } from '../../text.ts';
import { shardsOf } from '../../vtab/shards.ts';
import type { InstructionExample, MathDataset, MathProblem, MathSet, MathSplit } from '../problems.ts';
import { readInstructions } from './instructions.ts';
import { readProblems } from './problems.ts';

type Options = Pick<HubOptions, 'onNote' | 'onProgress' | 'environment'>;

/** Where the sets are found unless another copy is named. */
export const MATH_HUB = {
  gsm8k: { name: 'openai/gsm8k' },
  math: { name: 'EleutherAI/hendrycks_math' },
  metaMath: { name: 'meta-math/MetaMathQA-40K' },
} as const satisfies Record<string, HubData>;

/** One configuration of a data set has one of these folders. */
const FOLDERS = ['main', 'data', '', 'default'];
/** Copies of MATH that have a configuration for each subject: all seven make the set. */
const SUBJECTS = [
  'algebra',
  'counting_and_probability',
  'geometry',
  'intermediate_algebra',
  'number_theory',
  'prealgebra',
  'precalculus',
];

/**
 * Splits of GSM8K or MATH, downloaded where the cache lacks them.
 * @returns the splits by name, and the commit that they are of
 * @throws HubError, or DataError for files that are absent or not as they should be
 */
export async function readProblemsFromHub<Split extends MathSplit>(
  dataset: MathDataset,
  wanted: readonly Split[],
  data: HubData = MATH_HUB[dataset],
  options: Options = {},
): Promise<{ splits: Record<Split, MathSet<MathProblem>>; commit: string }> {
  const snapshot = await fetchSnapshot(
    { type: 'dataset', ...data },
    {
      ...options,
      files: [],
      // Where a copy keeps them is known when it is listed. GSM8K's other configuration comes along, 3 MB not read.
      optional: wanted.flatMap((split) => [`**/${split}-*.parquet`, `**/${split}/*.parquet`]),
    },
  );
  const splits: Partial<Record<Split, MathSet<MathProblem>>> = {};
  for (const split of wanted) {
    const files = filesOf(snapshot, dataset, split);
    if (files.length === 0)
      throw new DataError(
        `dataset "${data.name}" has no ${split} split at commit ${snapshot.commit}: expected ${split}-*.parquet${dataset === 'math' ? ` at the top or in the folders ${SUBJECTS.join(', ')}` : ' below main'}, found ${snapshot.files.join(', ') || 'none'}`,
      );
    splits[split] = {
      source: `${data.name}@${snapshot.commit.slice(0, 8)} ${split}`,
      examples: await readProblems(files, dataset),
    };
  }
  return { splits: splits as Record<Split, MathSet<MathProblem>>, commit: snapshot.commit };
}

function filesOf({ folder, files }: Snapshot, dataset: MathDataset, split: MathSplit): string[] {
  let found = shardsOf(files, FOLDERS, [split]);
  if (found.length === 0 && dataset === 'math') {
    const bySubject = SUBJECTS.map((subject) => shardsOf(files, [subject], [split]));
    const absent = SUBJECTS.filter((_, i) => bySubject[i]!.length === 0);
    if (absent.length > 0 && absent.length < SUBJECTS.length)
      throw new DataError(
        `MATH's ${split} split lacks the subjects ${absent.join(', ')}: it would not be the whole set`,
      );
    found = bySubject.flat();
  }
  return found.map((name) => path.join(folder, name));
}

/** MetaMathQA: a JSON file of that name, as its authors publish it, or parquet files of a copy. */
export async function readMetaMathFromHub(
  data: HubData = MATH_HUB.metaMath,
  options: Options = {},
): Promise<{ set: MathSet<InstructionExample>; commit: string }> {
  const snapshot = await fetchSnapshot(
    { type: 'dataset', ...data },
    {
      ...options,
      files: [],
      optional: [
        ...['MetaMathQA*.json', 'MetaMathQA*.jsonl', 'train.json', 'train.jsonl'],
        '**/train-*.parquet',
      ],
    },
  );
  const json = snapshot.files.filter((name) => !name.endsWith('.parquet'));
  const files = json.length > 0 ? json : shardsOf(snapshot.files, FOLDERS, ['train']);
  if (files.length === 0 || json.length > 1)
    throw new DataError(
      `dataset "${data.name}" at commit ${snapshot.commit}: expected one MetaMathQA*.json or train-*.parquet, found ${snapshot.files.join(', ') || 'none'}`,
    );
  const examples = await readInstructions(files.map((name) => path.join(snapshot.folder, name)));
  return {
    set: { source: `${data.name}@${snapshot.commit.slice(0, 8)} train`, examples },
    commit: snapshot.commit,
  };
}
