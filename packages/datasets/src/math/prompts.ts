/**
 * Prompts of the mathematics experiments. The texts are part of the protocols: a changed byte is another experiment.
 */
import { createHash } from 'node:crypto';

const TASK = 'Below is an instruction that describes a task';
const REQUEST = 'Write a response that appropriately completes the request.';

/** Alpaca's two templates, as PSOFT's and MetaMath's code has them. */
const withoutInput = (instruction: string): string =>
  `${TASK}. ${REQUEST}\n\n### Instruction:\n${instruction}\n\n### Response:`;
const withInput = (instruction: string, input: string): string =>
  `${TASK}, paired with an input that provides further context. ${REQUEST}\n\n` +
  `### Instruction:\n${instruction}\n\n### Input:\n${input}\n\n### Response:`;

/**
 * What the paper's code trains on: a query of several lines is cut after the first, and the rest is the input. The
 * response follows **directly**, without a space, and ends in the end-of-sequence token.
 */
export function trainingPrompt({ query }: { readonly query: string }): string {
  const [instruction, ...rest] = query.split('\n');
  const input = rest.join('\n');
  return input === '' ? withoutInput(instruction!) : withInput(instruction!, input);
}

/**
 * What MetaMath's evaluation asks: always the template without input, lines kept, and the start of an answer that no
 * training example has.
 */
export function evaluationPrompt(problem: string): string {
  return `${withoutInput(problem)} Let's think step by step.`;
}

/** PEFT's benchmark (method_comparison/MetaMathQA), training and evaluation; the response follows directly. */
export function peftPrompt(query: string): string {
  return `Question: ${query} Think step by step.\nAnswer:`;
}

/** New tokens in evaluation: MetaMath's, and PEFT's benchmark (which also ends at 800 tokens in all). */
export const MAX_NEW_TOKENS = { gsm8k: 512, math: 2048, peft: 300 } as const;

/** SHA-256 in hexadecimal, by which stored answers are known to belong to their prompts. */
export const promptHash = (prompt: string): string => createHash('sha256').update(prompt).digest('hex');
