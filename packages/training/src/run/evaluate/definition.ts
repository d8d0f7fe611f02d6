/** What an evaluation by generation is: problems, where an answer ends, and who says whether it is right. */
import type { HubData } from '@psoft/datasets';
import type { SourceHooks } from '../sources.ts';

export interface Problem {
  /** As it stands before the model, template and all. */
  readonly prompt: string;
  /** What an answer is compared with. */
  readonly reference: string;
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
  /** What followed the prompt, up to the first stop string. */
  readonly output: string;
  /** False where it ran out of tokens. */
  readonly finished: boolean;
}

/** Adding an evaluation is one such entry. */
export interface EvaluationDefinition {
  /** Each gives a verdict on every output; the first is the one that tables show unless another is asked for. */
  readonly scorers: readonly [string, ...string[]];
  /** Texts that end an answer; it is cut before the first of them. */
  readonly stops: readonly string[];
  /** A pure function of its arguments: stored outputs are scored again by it. An output is never an error. */
  grade(scorer: string, answer: Answer): Verdict;
  /** The tiny profile's own problems. */
  generate(): ProblemSplit;
  /** @throws DataError */
  readFolder(folder: string, hooks: SourceHooks): Promise<ProblemSplit>;
  /** @throws DataError or HubError */
  readHub(
    data: HubData,
    hooks: SourceHooks,
  ): Promise<{ readonly split: ProblemSplit; readonly commit: string }>;
}
