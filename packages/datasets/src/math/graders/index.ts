/** Grading of outputs by one of three scorers. */
import type { MathDataset } from '../problems.ts';
import { gradeGsm8k } from './paper/gsm8k.ts';
import { gradeMath } from './paper/math.ts';
import { gradePeft } from './peft.ts';
import { gradeStrict } from './strict/index.ts';

export const SCORERS = ['paper', 'strict', 'peft'] as const;
/**
 * `paper`: MetaMath's evaluation, which the paper's figures come from. `strict`: what a mathematician would accept.
 * `peft`: the parser of PEFT's benchmark. Figures of one are never to be compared with those of another.
 */
export type Scorer = (typeof SCORERS)[number];

/** The worked solution of a problem, which states the answer. */
export interface Reference {
  readonly solution: string;
}

export interface Grade {
  readonly correct: boolean;
  /** The output's answer as the scorer read it; undefined where it found none, which counts as wrong. */
  readonly extracted: string | undefined;
  /** The reference's answer; undefined where the scorer cannot read it: every output is wrong then. */
  readonly gold: string | undefined;
}

export interface GradeOptions {
  /** False for an output that ran out of tokens: `strict` then takes only an answer stated to its end. */
  readonly finished?: boolean;
}

/**
 * Pure: the same arguments give the same grade. An empty or broken-off output is wrong, never an error.
 * @param output what the model wrote after the prompt; for `peft` prompt and continuation, as that benchmark parses them
 */
export function grade(
  scorer: Scorer,
  dataset: MathDataset,
  output: string,
  { solution }: Reference,
  { finished = true }: GradeOptions = {},
): Grade {
  switch (scorer) {
    case 'paper':
      return dataset === 'gsm8k' ? gradeGsm8k(output, solution) : gradeMath(output, solution);
    case 'strict':
      return gradeStrict(output, solution, dataset, finished);
    case 'peft':
      return gradePeft(output, solution);
  }
}
