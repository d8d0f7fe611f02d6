/** Prompts of the commonsense experiment. The texts are part of the protocols: a changed byte is another experiment. */
import type { CommonsenseRow } from './sets.ts';

/**
 * `released`: PSOFT's code, whose source indentation is a part of the prompt and whose training and evaluation differ by
 * a space. `upstream`: LLM-Adapters' own, with a line of spaces before the response in training. `plain`: the same words
 * without indentation, in training as in evaluation.
 */
export const COMMONSENSE_TEMPLATES = ['released', 'upstream', 'plain'] as const;
export type CommonsenseTemplate = (typeof COMMONSENSE_TEMPLATES)[number];

const TASK = 'Below is an instruction that describes a task';
const INPUT = ', paired with an input that provides further context';
const REQUEST = 'Write a response that appropriately completes the request.';

/** What the released sources indent every line but the first by. */
const INDENT = ' '.repeat(16);

type Asked = Pick<CommonsenseRow, 'instruction' | 'input'>;

interface Layout {
  /** Before every line but the first. */
  readonly indent: string;
  /** After the last sentence of the head, without and with an input. */
  readonly headEnd: readonly [withoutInput: string, withInput: string];
  /** Between the parts after the first. */
  readonly gap: string;
}

const TRAINING: Readonly<Record<CommonsenseTemplate, Layout>> = {
  released: { indent: INDENT, headEnd: ['  ', ' '], gap: '' },
  upstream: { indent: INDENT, headEnd: ['  ', ' '], gap: INDENT },
  plain: { indent: '', headEnd: ['', ''], gap: '' },
};

const EVALUATION: Readonly<Record<CommonsenseTemplate, Layout>> = {
  released: { indent: INDENT, headEnd: [' ', ''], gap: '' },
  upstream: { indent: INDENT, headEnd: [' ', ''], gap: '' },
  plain: TRAINING.plain,
};

/** The response follows directly, on a line of its own. */
export const commonsenseTrainingPrompt = (asked: Asked, template: CommonsenseTemplate): string =>
  render(asked, TRAINING[template]);

/**
 * What a model is asked. With indentation it ends in spaces, the last of which joins the response in training. The
 * released evaluations leave an input out; every published one is empty.
 */
export const commonsenseEvaluationPrompt = (asked: Asked, template: CommonsenseTemplate): string =>
  render(asked, EVALUATION[template]);

function render({ instruction, input }: Asked, { indent, headEnd, gap }: Layout): string {
  const head = input === '' ? `${TASK}. ${REQUEST}${headEnd[0]}` : `${TASK}${INPUT}. ${REQUEST}${headEnd[1]}`;
  const parts = [
    `${indent}### Instruction:\n${indent}${instruction}`,
    ...(input === '' ? [] : [`${indent}### Input:\n${indent}${input}`]),
    `${indent}### Response:\n${indent}`,
  ];
  return `${head}\n\n${parts.join(`\n${gap}\n`)}`;
}
