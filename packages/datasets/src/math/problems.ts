/** Mathematics problems and instruction data, whatever they came from. */
import { createHash } from 'node:crypto';

/** A problem with its worked solution, which ends in the answer: GSM8K in `#### N`, MATH in `\boxed{...}`. */
export interface MathProblem {
  readonly problem: string;
  readonly solution: string;
  /** MATH: `Level 1` to `Level 5`. */
  readonly level?: string;
  /** MATH: the subject, `Algebra`. */
  readonly type?: string;
}

export interface InstructionExample {
  readonly query: string;
  readonly response: string;
  /** MetaMathQA: which augmentation made it, `GSM_Rephrased`. */
  readonly type?: string;
}

/** Problems or examples as they were read, in the order of their files. */
export interface MathSet<Item> {
  /** Where it came from, for messages and records. */
  readonly source: string;
  readonly examples: readonly Item[];
}

export const MATH_DATASETS = ['gsm8k', 'math'] as const;
export type MathDataset = (typeof MATH_DATASETS)[number];

export const MATH_SPLITS = ['train', 'test'] as const;
export type MathSplit = (typeof MATH_SPLITS)[number];

/** SHA-256 over problems and solutions in order: the same content gives the same fingerprint, wherever it lay. */
export function fingerprintProblems(problems: readonly MathProblem[]): string {
  return fingerprint(problems.map(({ problem, solution }) => [problem, solution]));
}

/** SHA-256 over queries and responses in order. */
export function fingerprintInstructions(examples: readonly InstructionExample[]): string {
  return fingerprint(examples.map(({ query, response }) => [query, response]));
}

function fingerprint(rows: readonly (readonly string[])[]): string {
  const hash = createHash('sha256');
  for (const row of rows) hash.update(`${JSON.stringify(row)}\n`);
  return hash.digest('hex');
}
