/** The eight sets of commonsense questions, in the form that LLM-Adapters (Hu et al. 2023) gave them. */

/** One question, by LLM-Adapters' field names. */
export interface CommonsenseRow {
  readonly instruction: string;
  /** Empty in every published set. */
  readonly input: string;
  /** "the correct answer is answer2" */
  readonly output: string;
  /** The option's word: "answer2". */
  readonly answer: string;
}

export interface CommonsenseSetInfo {
  readonly title: string;
  /** Its folder below LLM-Adapters' `dataset`. */
  readonly folder: string;
  /** What its options are called, each with its number, or the words themselves. */
  readonly words: readonly string[];
  /** Test questions as published. */
  readonly testCount: number;
  /** Git's SHA-1 of the published `test.json`, at commit 81665720 of AGI-Edgerunners/LLM-Adapters. */
  readonly testBlob: string;
}

const numbered = (word: string, count: number): string[] =>
  Array.from({ length: count }, (_, i) => `${word}${i + 1}`);

/** In the paper's order (Table 5). */
export const COMMONSENSE_SETS = {
  boolq: {
    title: 'BoolQ: yes or no',
    folder: 'boolq',
    words: ['true', 'false'],
    testCount: 3270,
    testBlob: '6d7edb0a8e8a6566b546ccf0d98d24e48db3fdf3',
  },
  piqa: {
    title: 'PIQA: which of two ways to do a thing works',
    folder: 'piqa',
    words: numbered('solution', 2),
    testCount: 1838,
    testBlob: 'f7a1c260692ef31796d4763cb6334f316a754fed',
  },
  siqa: {
    title: 'SIQA: what people do, want and feel',
    folder: 'social_i_qa',
    words: numbered('answer', 5),
    testCount: 1954,
    testBlob: 'eadf221799ca394367b144c0f86ee0436db409d2',
  },
  hellaswag: {
    title: 'HellaSwag: how a text goes on',
    folder: 'hellaswag',
    words: numbered('ending', 4),
    testCount: 10042,
    testBlob: '183c4920415f83ba4b793c4873a33e7e10bd1be5',
  },
  winogrande: {
    title: 'WinoGrande: whom a sentence speaks of',
    folder: 'winogrande',
    words: numbered('option', 2),
    testCount: 1267,
    testBlob: '21257263593dd4d00546e1918c88ca0f357b08ad',
  },
  'arc-e': {
    title: 'ARC-Easy: science at school',
    folder: 'ARC-Easy',
    words: numbered('answer', 5),
    testCount: 2376,
    testBlob: '6c0d30aaedaeca148df6bcd7aaacf7c31e6ad70f',
  },
  'arc-c': {
    title: 'ARC-Challenge: science at school, the hard part',
    folder: 'ARC-Challenge',
    words: numbered('answer', 5),
    testCount: 1172,
    testBlob: '9540685439144200b5a7e48dab9ca4655be2af09',
  },
  obqa: {
    title: 'OpenBookQA: facts of science, applied',
    folder: 'openbookqa',
    words: numbered('answer', 5),
    testCount: 500,
    testBlob: 'a6e69676104bcb77237388c3b5a3f0dcbb81d1e2',
  },
} as const satisfies Readonly<Record<string, CommonsenseSetInfo>>;

export type CommonsenseSetName = keyof typeof COMMONSENSE_SETS;

export const COMMONSENSE_SET_NAMES = Object.keys(COMMONSENSE_SETS) as readonly CommonsenseSetName[];

/** What the model learns from: a part of the training sets, drawn by LLM-Adapters' authors. */
export const COMMONSENSE_TRAINING = {
  file: 'commonsense_15k.json',
  /** As {@link CommonsenseSetInfo.testBlob}. */
  blob: '3716afef6d384c475dba13f88a5a96c8032dafe2',
} as const;

const FORMAT_MARK = 'Answer format: ';

/**
 * The words that a question may be answered with, as its last line lists them ("Answer format: answer1/answer2").
 * @returns undefined where it lists none
 */
export function optionsOf({ instruction }: Pick<CommonsenseRow, 'instruction'>): string[] | undefined {
  const at = instruction.lastIndexOf(FORMAT_MARK);
  if (at < 0) return undefined;
  const words = instruction
    .slice(at + FORMAT_MARK.length)
    .trim()
    .split('/');
  return words.length < 2 || words.some((word) => word === '') ? undefined : words;
}

/** How every published response reads. */
export const responseOf = (word: string): string => `the correct answer is ${word}`;
