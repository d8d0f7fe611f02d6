/** The graders on the real test sets, where PSOFT_DATA has them: every reference against itself, rewritten, and swapped. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  grade,
  type MathDataset,
  type MathProblem,
  metaMathForm,
  readGsm8k,
  readMath,
  readMetaMath,
} from '../src/math/index.ts';

const folder = process.env.PSOFT_DATA;
const has = (name: string): boolean => folder !== undefined && existsSync(path.join(folder, name));

/** Answers as a model would write the reference's: each must stay right. */
const REWRITES: readonly (readonly [string, (gold: string) => string])[] = [
  ['as it is', (gold) => gold],
  ['in dollar signs, with a full stop', (gold) => `$${gold}$.`],
  ['with spaces', (gold) => gold.replace(/([,+=])(?!\\!)/g, '$1 ')],
  ['without sizes', (gold) => gold.replace(/\\(?:left|right)(?![a-z])/g, '')],
  ['large fractions', (gold) => gold.replace(/\\(?:[tdc]?frac)(?![a-z])/g, '\\dfrac')],
  ['braced fractions', (gold) => gold.replace(/\\frac(\d)(\d)/g, '\\frac{$1}{$2}')],
];

interface Expected {
  readonly dataset: MathDataset;
  readonly read: (folder: string) => Promise<readonly MathProblem[]>;
  readonly size: number;
  /** Under the paper's scorer, of references in MetaMathQA's form. */
  readonly paperFailures: Readonly<Record<string, number>>;
  /** Pairs of neighbours with answers that mean the same. */
  readonly equalNeighbours: number;
}

const SETS: readonly Expected[] = [
  {
    dataset: 'gsm8k',
    read: async (from) => (await readGsm8k(from, 'test')).examples,
    size: 1319,
    paperFailures: {},
    equalNeighbours: 15,
  },
  {
    dataset: 'math',
    read: async (from) => (await readMath(from, 'test')).examples,
    size: 5000,
    paperFailures: { 'the full stop within the box is dropped from the output alone': 1 },
    equalNeighbours: 44,
  },
];

describe.each(SETS)(
  'the real $dataset (PSOFT_DATA)',
  ({ dataset, read, size, paperFailures, equalNeighbours }) => {
    const isAbsent = !has(`${dataset}/test.jsonl`);
    let problems: readonly MathProblem[];
    beforeAll(async () => {
      if (!isAbsent) problems = await read(folder!);
    });
    const count = (
      output: (problem: MathProblem, index: number) => string,
      scorer: 'paper' | 'strict' = 'strict',
    ) => problems.filter((problem, i) => grade(scorer, dataset, output(problem, i), problem).correct).length;
    const gold = (problem: MathProblem): string => grade('strict', dataset, '', problem).gold!;

    test.skipIf(isAbsent)('strict: every reference is its own answer', () => {
      expect(problems).toHaveLength(size);
      expect(count(({ solution }) => solution)).toBe(size);
      expect(count((problem) => metaMathForm(problem, dataset).response)).toBe(size);
    });
    test.skipIf(isAbsent).each(REWRITES)('strict: the answer alone, %s', (_, rewrite) => {
      expect(count((problem) => `\\boxed{${rewrite(gold(problem))}}`)).toBe(size);
      expect(count((problem) => `The answer is: ${rewrite(gold(problem))}`)).toBe(size);
    });
    test.skipIf(isAbsent)("strict: another problem's answer is wrong, unless it is the same", () => {
      expect(count((_, i) => problems[(i + 1) % size]!.solution)).toBe(equalNeighbours);
      expect(count(() => '')).toBe(0);
    });
    test.skipIf(isAbsent)('paper: references as they are have no mark, so that all are wrong', () => {
      expect(count(({ solution }) => solution, 'paper')).toBe(0);
    });
    test.skipIf(isAbsent)("paper: in MetaMathQA's form, the expected failures by cause", () => {
      const found: Record<string, number> = {};
      for (const problem of problems) {
        const { correct, extracted, gold } = grade(
          'paper',
          dataset,
          metaMathForm(problem, dataset).response,
          problem,
        );
        if (correct) continue;
        const cause = causeOf(extracted, gold);
        found[cause] = (found[cause] ?? 0) + 1;
      }
      expect(found).toEqual(paperFailures);
    });
  },
);

function causeOf(extracted: string | undefined, gold: string | undefined): string {
  if (gold === undefined) return 'no \\boxed{ in the reference';
  if (extracted === undefined) return 'no mark in the output';
  if (`${extracted}.` === gold.trim()) return 'the full stop within the box is dropped from the output alone';
  if (extracted === gold.trim()) return 'spaces within the box, and stripping raises';
  return `other: ${extracted} for ${gold}`;
}

test.skipIf(!has('gsm8k/train.jsonl'))("GSM8K's training set as training data (PSOFT_DATA)", async () => {
  const { examples } = await readMetaMath(path.join(folder!, 'gsm8k'));
  const train = (await readGsm8k(folder!, 'train')).examples;
  expect(examples).toHaveLength(7473);
  expect(examples.filter(({ response }) => /<<|>>/.test(response))).toEqual([]);
  const right = examples.filter(({ response }, i) => grade('paper', 'gsm8k', response, train[i]!).correct);
  expect(right).toHaveLength(7473);
});
