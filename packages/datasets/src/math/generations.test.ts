import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import {
  type Generation,
  promptHash,
  readGenerations,
  scoreGenerations,
  writeGenerations,
} from './generations.ts';
import { evaluationPrompt, peftPrompt } from './prompts.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'psoft-generations-'));
afterAll(() => rmSync(folder, { recursive: true }));

const PROBLEMS = [1, 2, 3].map((n) => ({ problem: `What is ${n}?`, solution: `It is ${n}.\n#### ${n}` }));
const generation = (index: number, output: string, finished = true): Generation => ({
  index,
  promptHash: promptHash(evaluationPrompt(PROBLEMS[index]!.problem)),
  output,
  finished,
});
const ROWS = [generation(2, 'The answer is: 3'), generation(0, '#### 1'), generation(1, '')];

describe('generations', () => {
  test('are scored by any scorer, again and again', () => {
    const paper = scoreGenerations(ROWS, 'paper', 'gsm8k', PROBLEMS, evaluationPrompt);
    expect(paper.correct).toBe(1);
    expect(paper.accuracy).toBeCloseTo(1 / 3);
    expect(paper.rows[0]).toEqual({ ...ROWS[0], extracted: '3', gold: '3', correct: true });
    expect(paper.rows[1]).toEqual({ ...ROWS[1], extracted: null, gold: '1', correct: false });
    const strict = scoreGenerations(paper.rows, 'strict', 'gsm8k', PROBLEMS);
    expect(strict.rows.map(({ correct }) => correct)).toEqual([true, true, false]);
    expect(scoreGenerations(strict.rows, 'paper', 'gsm8k', PROBLEMS)).toEqual(paper);
    expect(scoreGenerations([], 'paper', 'gsm8k', PROBLEMS)).toEqual({ rows: [], correct: 0, accuracy: 0 });
  });
  test('PEFT reads the prompt too', () => {
    const problems = [{ problem: 'The answer is 5 or 6?', solution: '#### 5' }];
    const row = {
      index: 0,
      promptHash: promptHash(peftPrompt(problems[0]!.problem)),
      output: 'no',
      finished: true,
    };
    const [scored] = scoreGenerations([row], 'peft', 'gsm8k', problems, peftPrompt).rows;
    expect(scored!.extracted).toBe('5 or 6? Think step by step');
    expect(scoreGenerations([row], 'peft', 'gsm8k', problems).rows[0]).toEqual(scored);
  });
  test('an output that ran out of tokens', () => {
    const of = (output: string) =>
      scoreGenerations([generation(0, output, false)], 'strict', 'gsm8k', PROBLEMS).correct;
    expect([of('The answer is: 1'), of('So 1'), of('The answer is: 1.\nThe'), of('\\boxed{1}')]).toEqual([
      0, 0, 1, 1,
    ]);
  });
  test('of other problems or prompts are refused', () => {
    const score = (...rows: Generation[]) =>
      scoreGenerations(rows, 'paper', 'gsm8k', PROBLEMS, evaluationPrompt);
    expect(() => score({ ...ROWS[0]!, index: 3 })).toThrow(
      /^generation of problem 3: the set has 3 problems/,
    );
    expect(() => score(ROWS[0]!, ROWS[0]!)).toThrow(/^problem 2 has two generations/);
    expect(() => score({ ...ROWS[0]!, index: 1 })).toThrow(
      /^generation of problem 1 answers another prompt \(hash [0-9a-f]{12}\)/,
    );
  });
  test('are kept in a file, a row a line', async () => {
    const { rows } = scoreGenerations([generation(0, 'a\nb\u2028"\\boxed{1}"')], 'strict', 'gsm8k', PROBLEMS);
    const file = path.join(folder, 'rows.jsonl');
    await writeGenerations(file, rows);
    expect(readFileSync(file, 'utf8').split('\n')).toHaveLength(2);
    expect(await readGenerations(file)).toEqual(rows);
  });
  test.each([
    [{ index: -1 }, /row 1: "index" is -1, expected a whole number$/],
    [{ promptHash: 'x' }, /row 1: "promptHash" is "x", expected 64 hexadecimal digits$/],
    [{ output: null }, /row 1: "output" is null, expected text$/],
    [{ finished: undefined }, /row 1: "finished" is missing, expected true or false$/],
    [{ gold: 5 }, /row 1: "gold" is 5, expected text or null$/],
  ])('a file with %j is refused', async (change, message) => {
    const [row] = scoreGenerations(ROWS, 'paper', 'gsm8k', PROBLEMS).rows;
    const file = path.join(folder, 'bad.jsonl');
    writeFileSync(file, `${JSON.stringify({ ...row, ...change })}\n`);
    await expect(readGenerations(file)).rejects.toThrow(message);
    writeFileSync(file, '{"index"');
    await expect(readGenerations(file)).rejects.toThrow(/row 1: not JSON/);
    writeFileSync(file, 'null\n');
    await expect(readGenerations(file)).rejects.toThrow(/row 1: "index" is missing/);
  });
});
