import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { evaluationPrompt, peftPrompt, trainingPrompt } from './prompts.ts';
import { cutAtStop, STOP_STRINGS } from './stops.ts';

const PLAIN =
  'Below is an instruction that describes a task. Write a response that appropriately completes the request.\n\n### Instruction:\nWhat is 1+1?\n\n### Response:';

describe('prompts', () => {
  test('one line is the instruction', () => {
    expect(trainingPrompt({ query: 'What is 1+1?' })).toBe(PLAIN);
  });
  test('of several lines, the first is the instruction and the rest the input', () => {
    expect(trainingPrompt({ query: 'What is 1+1?\nHint: two.\n\nThink.' })).toBe(
      'Below is an instruction that describes a task, paired with an input that provides further context. Write a response that appropriately completes the request.\n\n### Instruction:\nWhat is 1+1?\n\n### Input:\nHint: two.\n\nThink.\n\n### Response:',
    );
  });
  test('a line end with nothing after it makes no input, and the line end is lost', () => {
    expect(trainingPrompt({ query: 'What is 1+1?\n' })).toBe(PLAIN);
    expect(trainingPrompt({ query: '\nx' })).toContain(
      '### Instruction:\n\n\n### Input:\nx\n\n### Response:',
    );
    expect(trainingPrompt({ query: 'a\n\n' })).toContain(
      '### Instruction:\na\n\n### Input:\n\n\n\n### Response:',
    );
  });
  test('text that would mean something to a template is text', () => {
    expect(trainingPrompt({ query: '{instruction} $& $1 {input}' })).toContain(
      '\n{instruction} $& $1 {input}\n',
    );
  });
  test('evaluation keeps the lines and starts the answer', () => {
    expect(evaluationPrompt('What is 1+1?')).toBe(`${PLAIN} Let's think step by step.`);
    expect(evaluationPrompt('a\nb\n')).toContain('### Instruction:\na\nb\n\n\n### Response: Let');
  });
  test('PEFT', () =>
    expect(peftPrompt('What is 1+1?')).toBe('Question: What is 1+1? Think step by step.\nAnswer:'));
  test('bytes', () => {
    // Of Python's str.format over the released templates.
    const hash = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 16);
    expect([
      hash(trainingPrompt({ query: 'q' })),
      hash(trainingPrompt({ query: 'q\ni' })),
      hash(evaluationPrompt('q')),
      hash(peftPrompt('q')),
    ]).toEqual(['480c9ba2f2cc2ae2', '93659b47913f4dfd', '6c836d040fafae5c', 'f8d27852f715640b']);
  });
});
describe('stop strings', () => {
  test("MetaMath's ten", () => {
    expect(STOP_STRINGS).toEqual(
      'Question USER ASSISTANT Instruction Response'.split(' ').flatMap((word) => [`${word}:`, word]),
    );
  });
  test.each([
    ['5 apples.\nQuestion: next', '5 apples.\n'],
    ['no stop', 'no stop'],
    ['Response', ''],
    ['a USER b Question c', 'a '],
    ['a Questionable idea', 'a '],
    ['a question, a user', 'a question, a user'],
    ['', ''],
  ])('%j is cut to %j', (text, expected) => {
    expect(cutAtStop(text, STOP_STRINGS)).toBe(expected);
  });
  test('the first occurrence of any, whatever their order; an empty one is refused', () => {
    expect(cutAtStop('abcabc', ['c', 'b'])).toBe('a');
    expect(cutAtStop('abc', [])).toBe('abc');
    expect(() => cutAtStop('abc', [''])).toThrow(/empty stop string/);
  });
});
