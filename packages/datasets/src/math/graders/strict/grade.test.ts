/** Where the strict scorer finds an answer, and that nothing stops it. */
import { describe, expect, test } from 'vitest';
import type { MathDataset } from '../../problems.ts';
import { grade } from '../index.ts';
import { isSame } from './index.ts';

/** Output, answer found, whether it is right for a reference of 18. */
const GSM8K: readonly (readonly [string, string | undefined, boolean])[] = [
  ['so 3 * 6 = 18\n#### 18', '18', true],
  ['#### 18\nThe answer is: 18', '18', true],
  ['The answer is: 17\n#### 18', '17', false],
  ['The answer is: 17. The answer is: 18', '18', true],
  ['\\boxed{18}. The answer is: 17', '18', true],
  ['The final answer is 18.', '18', true],
  ['the answer is $18.', '$18', true],
  ['The answer is **18**.', '18**', true],
  ['Answer: 18 dollars per day', '18 dollars per day', true],
  ['The answer is: 18.00', '18.00', true],
  ['The answer is: 17.6', '17.6', false],
  ['The answer is: 18 apples. He ate 3.', '18 apples', true],
  ['The answer is: he has 18 apples', 'he has 18 apples', true],
  ['The answer is: 18 apples and 3 pears', '18 apples and 3 pears', false],
  ['The answer is: 36/2', '36/2', true],
  ['The answer is: $18$', '18', true],
  ['The answer is: $\\frac{36}{2}$.', '\\frac{36}{2}', true],
  ['He pays $5 and then $13, that is $18', '$18', true],
  ['3 * 6 = 18', '18', true],
  ['18 of them, each for 5', '5', false],
  ['There are 1,234 or 1,800', '1,800', false],
  ['no number', undefined, false],
  ['', undefined, false],
  ['The answer is: ', undefined, false],
  ['####', undefined, false],
  ['\\boxed{', undefined, false],
];

/** Output, answer found, whether it is right for 1/2. */
const MATH: readonly (readonly [string, string | undefined, boolean])[] = [
  ['It is $\\boxed{\\frac{1}{2}}$.', '\\frac{1}{2}', true],
  ['It is \\boxed{1}, no, \\boxed{\\frac12}', '\\frac12', true],
  ['It is $\\fbox{0.5}$', '0.5', true],
  ['It is $\\boxed 5$ or $\\boxed{\\text{$\\frac{1}{2}$}}$', '\\text{$\\frac{1}{2}$}', true],
  ['It is \\boxed{\\{\\frac12\\}}', '\\{\\frac12\\}', false],
  ['The answer is: $\\frac{1}{2}$.', '\\frac{1}{2}', true],
  ['The answer is $x = \\frac{1}{2}$', 'x = \\frac{1}{2}', true],
  ['The answer is: $1$ and $2$.', '$1$ and $2$', false],
  ['The answer is: 0.5. So', '0.5', true],
  ['The answer is: \\(\\frac12\\)', '\\frac12', true],
  ['Therefore $x = \\frac{1}{2}$', '$x = \\frac{1}{2}$', true],
  ['Therefore $x = \\frac{1}{2}$ for n = 2', '2', false],
  ['Therefore 1/2', '1/2', true],
  ['\\boxed{\\frac{1}{2}', '2', false],
  ['The answer is: \\boxed{\\frac{1}{2}}', '\\frac{1}{2}', true],
];

const strict = (dataset: MathDataset, output: string, solution: string, finished = true) =>
  grade('strict', dataset, output, { solution }, { finished });

describe('strict scorer', () => {
  test.each(GSM8K)('GSM8K: %j', (output, extracted, correct) => {
    expect(strict('gsm8k', output, 'steps\n#### 18')).toEqual({ correct, extracted, gold: '18' });
  });
  test.each(MATH)('MATH: %j', (output, extracted, correct) => {
    expect(strict('math', output, '$\\boxed{\\frac{1}{2}}$')).toEqual({
      correct,
      extracted,
      gold: '\\frac{1}{2}',
    });
  });
  test.each([
    ['The answer is: 18', false],
    ['The answer is: 18.\nMore', true],
    ['#### 18', false],
    ['#### 18\n', true],
    ['\\boxed{18} and', true],
    ['it is 18 and', false],
    ['\\boxed{18', false],
  ])('cut off: %j', (output, correct) => {
    expect(strict('gsm8k', output, '#### 18', false).correct).toBe(correct);
  });
  test('a reference that states no answer makes every output wrong', () => {
    expect(strict('math', '5', '5')).toEqual({ correct: false, extracted: '5', gold: undefined });
  });
  test('in a short time and without an error, whatever stands there (seed 7)', () => {
    let state = 7;
    const pick = (): string => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return PIECES[Math.floor((state / 2 ** 32) * PIECES.length)]!;
    };
    const text = (): string => Array.from({ length: 12 }, pick).join('');
    for (let i = 0; i < 3000; i++) {
      const [one, other] = [text(), text()];
      isSame(one, other);
      expect(strict('math', one, other).correct).toBeTypeOf('boolean');
    }
    const start = performance.now();
    for (const piece of [...PIECES, ...COSTLY]) {
      const long = piece.repeat(Math.floor(480 / piece.length));
      isSame(`${long}1`, `${long}2`);
      strict('math', piece.repeat(3000), `\\boxed{${long}}`);
    }
    expect(performance.now() - start).toBeLessThan(20_000);
  });
});

const PIECES =
  '\\frac|\\sqrt|{|}|(|)|[|]|\\{|\\}|1|2|37|0|.5|x|i|\\pi|^|_|+|-|*|/|!|\\%|$|\\$|,|=|<|\\le|\\cup|\\in|\\pm|\\text{ cm}|\\begin{pmatrix}|\\end{pmatrix}|&|\\\\|\\lfloor|\\log|\\sin|\\overline|1,000|^\\circ| |\\|answer is |\\boxed{|####|é|\n|:|\\infty|\\binom|f|\\mathrm{|99999999999999999999|√|²|sqrt|𝟏'.split(
    '|',
  );
const COSTLY = [
  '2003!+',
  '9^{9^{9^9}}+',
  '9^{6000}+',
  '\\frac{1}{9^{6000}+1}+',
  '10^{9999999999}+',
  '\\binom{900}{400}+',
  '\\frac{1}{2003!+1}+',
];
