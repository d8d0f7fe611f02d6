/** Scorers of the commonsense experiment: which option an answer names, and whether it is the right one. */
import { COMMONSENSE_SET_NAMES, COMMONSENSE_SETS, type CommonsenseSetName } from './sets.ts';

/**
 * `paper`: LLM-Adapters' evaluation, which the paper's code has unchanged. `strict`: what the answer says, read with
 * care. Figures of one are never to be compared with those of the other.
 */
export const COMMONSENSE_SCORERS = ['paper', 'strict'] as const;
export type CommonsenseScorer = (typeof COMMONSENSE_SCORERS)[number];

/** An answer, and what it is compared with. */
export interface CommonsenseAnswer {
  /** What the model wrote after the prompt. */
  readonly output: string;
  /** The right option's word. */
  readonly answer: string;
  /** The options of the question; `paper` looks for all words of the set instead. */
  readonly options: readonly string[];
}

export interface CommonsenseGrade {
  readonly correct: boolean;
  /** The option that the output was taken to name; undefined where there is none, which counts as wrong. */
  readonly extracted: string | undefined;
}

/** Pure: the same arguments give the same grade. An empty or broken-off output is wrong, never an error. */
export function gradeCommonsense(
  scorer: CommonsenseScorer,
  set: CommonsenseSetName,
  { output, answer, options }: CommonsenseAnswer,
): CommonsenseGrade {
  const extracted = scorer === 'paper' ? firstWord(output, set) : statedOption(output, set, options);
  return { correct: extracted === answer, extracted };
}

/** Where a prompt's answer begins: a model that goes on with a prompt of its own writes it too. */
const RESPONSE_HEADER = '### Response:';

/**
 * LLM-Adapters (commonsense_evaluate.py, extract_answer): the first of the set's words, anywhere in the text before a
 * further response header. Case counts; within another word it is found too, so that "untrue" says true and "answer12"
 * says answer1; "True" is none.
 */
function firstWord(output: string, set: CommonsenseSetName): string | undefined {
  const text = output.split(RESPONSE_HEADER, 1)[0]!;
  return PATTERNS[set].anywhere.exec(text)?.[0];
}

/**
 * Whole words of any case. An output that states "the correct answer is X" is taken at its first such word, also where X
 * is no option of this question, which is wrong. Any other must name exactly one of the options, as often as it likes.
 * Negations are not understood: "not answer1" names answer1, "not answer1 but answer2" names two.
 */
function statedOption(
  output: string,
  set: CommonsenseSetName,
  options: readonly string[],
): string | undefined {
  const { statement, words } = PATTERNS[set];
  const asOption = (word: string): string | undefined =>
    options.find((option) => option.toLowerCase() === word.toLowerCase());
  const stated = statement.exec(output)?.[1];
  if (stated !== undefined) return asOption(stated) ?? stated.toLowerCase();
  const named = new Set(Array.from(output.matchAll(words), ([word]) => asOption(word)));
  named.delete(undefined);
  return named.size === 1 ? [...named][0] : undefined;
}

/** Whether a text has the word as it is written, not within another. */
export const namesWord = (text: string, word: string): boolean =>
  new RegExp(`(?<!${WORD})${word}(?!${WORD})`, 'u').test(text);

interface Patterns {
  readonly anywhere: RegExp;
  readonly words: RegExp;
  readonly statement: RegExp;
}

/** Letters, marks, digits and underscores make words; all else stands between them. */
const WORD = '[\\p{L}\\p{M}\\p{N}_]';

function patternsOf(words: readonly string[]): Patterns {
  // Of numbered words any number, so that "answer7" is a word that is no option.
  const kinds = [...new Set(words.map((word) => word.replace(/\d+$/, '\\d+')))].join('|');
  const whole = `(?<!${WORD})(${kinds})(?!${WORD})`;
  return {
    anywhere: new RegExp(words.join('|')),
    words: new RegExp(whole, 'giu'),
    statement: new RegExp(
      `(?<!${WORD})the\\s+correct\\s+answer\\s+is(?!${WORD})[^\\p{L}\\p{N}]*${whole}`,
      'iu',
    ),
  };
}

const PATTERNS = Object.fromEntries(
  COMMONSENSE_SET_NAMES.map((name) => [name, patternsOf(COMMONSENSE_SETS[name].words)]),
) as Readonly<Record<CommonsenseSetName, Patterns>>;
