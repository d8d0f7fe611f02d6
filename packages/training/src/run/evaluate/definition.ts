/** What an evaluation by generation is: problems, where an answer ends, and who says whether it is right. */
import type { SplitReader } from '../readSplit.ts';

/** What may follow a prompt, where a problem has a few such answers. */
export interface Choice {
  /** What a reference names it by. */
  readonly name: string;
  readonly text: string;
}

export interface ScoredChoice extends Choice {
  /** log p(text | prompt), natural logarithm. */
  readonly logProbability: number;
}

export interface Problem {
  /** As it stands before the model, template and all. */
  readonly prompt: string;
  /** What an answer is compared with. */
  readonly reference: string;
  readonly choices?: readonly Choice[];
}

export interface ProblemSplit {
  /** Where it came from, for messages and records. */
  readonly source: string;
  readonly examples: readonly Problem[];
  readonly note?: string;
}

export interface Verdict {
  /** What was taken for the answer; absent where none was found. */
  readonly extracted?: string;
  readonly isCorrect: boolean;
}

/** An answer as it is graded. */
export interface Answer extends Problem {
  /** Compared by likelihood; absent where they were not. */
  readonly choices?: readonly ScoredChoice[];
  /** What followed the prompt, up to the first stop string. */
  readonly output: string;
  /** False where it ran out of tokens. */
  readonly finished: boolean;
}

/** Adding an evaluation is one such entry. */
export interface EvaluationDefinition extends SplitReader<ProblemSplit> {
  /** Each gives a verdict on every output; the first is the one that tables show unless another is asked for. */
  readonly scorers: readonly [string, ...string[]];
  /**
   * Those of them that compare the likelihood of a problem's choices, and read no output: where one of them is chosen,
   * nothing is generated.
   */
  readonly likelihoodScorers?: readonly string[];
  /** Texts that end an answer; it is cut before the first of them. */
  readonly stops: readonly string[];
  /** A pure function of its arguments: stored outputs are scored again by it. An output is never an error. */
  grade(scorer: string, answer: Answer): Verdict;
}
