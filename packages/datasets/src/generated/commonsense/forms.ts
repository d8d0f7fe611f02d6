/** Questions in the words of the published sets: LLM-Adapters' instructions, byte for byte. */
import {
  COMMONSENSE_SETS,
  type CommonsenseRow,
  type CommonsenseSetName,
  responseOf,
} from '../../commonsense/sets.ts';

interface Form {
  /** Before the question. */
  readonly lead: string;
  /** Between an option and the next, and after the last. Without it, options are not listed. */
  readonly gaps?: readonly [between: string, after: string];
}

const PARAGRAPH = '\n\n';
const ONE_LINE = [' ', PARAGRAPH] as const;
const ANSWER: Form = { lead: 'Please choose the correct answer to the question: ', gaps: ONE_LINE };

const FORMS: Readonly<Record<CommonsenseSetName, Form>> = {
  boolq: { lead: 'Please answer the following question with true or false, question: ' },
  piqa: {
    lead: 'Please choose the correct solution to the question: ',
    gaps: [PARAGRAPH, PARAGRAPH],
  },
  siqa: ANSWER,
  hellaswag: {
    lead: 'Please choose the correct ending to complete the given sentence: ',
    gaps: ONE_LINE,
  },
  winogrande: {
    lead: 'Please choose the correct answer to fill in the blank to complete the given sentence: ',
    gaps: [' ', ' '],
  },
  'arc-e': ANSWER,
  'arc-c': ANSWER,
  obqa: ANSWER,
};

/** @param right the place of the right one among the options */
export function rowOf(
  set: CommonsenseSetName,
  text: string,
  options: readonly string[],
  right: number,
): CommonsenseRow {
  const { lead, gaps } = FORMS[set];
  const words = COMMONSENSE_SETS[set].words.slice(0, options.length);
  const answer = words[right];
  if (answer === undefined || words.length < options.length)
    throw new Error(
      `${set} has no word for option ${right + 1} of ${options.length}: ${COMMONSENSE_SETS[set].words.join(', ')}`,
    );
  const listed = words.map((word, i) => `${word[0]!.toUpperCase()}${word.slice(1)}: ${options[i]}`);
  const body = gaps === undefined ? '' : listed.join(gaps[0]) + gaps[1];
  return {
    instruction: `${lead}${text}${PARAGRAPH}${body}Answer format: ${words.join('/')}`,
    input: '',
    output: responseOf(answer),
    answer,
  };
}
