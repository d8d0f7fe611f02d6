/** MetaMath's scorers: every expected value is what the released code (with the package fraction 2.2.0) gives. */
import { describe, expect, test } from 'vitest';
import { grade } from '../index.ts';

const A = 'The answer is: ';

/** Output, what stands after `#### `, the number extracted, whether it is right. */
const GSM8K: readonly (readonly [string, string, string | undefined, boolean])[] = [
  ['#### 18\nThe answer is: 18', '18', '18', true],
  ['The answer is: $18.', '18', '18', true],
  ['The answer is: 18%', '18', '18', true],
  ['The answer is: 18 apples', '18', '18', true],
  ['The answer is: about 18', '18', '18', true],
  ['The answer is 18', '18', undefined, false],
  ['the answer is: 18', '18', undefined, false],
  ['The answer is:18', '18', undefined, false],
  ['The answer is:  18', '18', '18', true],
  ['18', '18', undefined, false],
  ['', '18', undefined, false],
  ['The answer is: ', '18', undefined, false],
  ['The answer is: none', '18', undefined, false],
  ['The answer is: 17. The answer is: 18', '18', '18', true],
  ['The answer is: 18. The answer is: 17', '18', '17', false],
  ['The answer is: 18\n\nThe answer is: ', '18', undefined, false],
  ['The answer is: 1,234', '1234', '1234', true],
  ['The answer is: 1,234,567', '1234567', '1234', false],
  ['The answer is: 1,234,567', '1234', '1234', true],
  ['The answer is: 1234567', '1,234,567', '1234567', true],
  ['The answer is: 1 234', '1', '1', true],
  ['The answer is: 2.5', '2', '2', true],
  ['The answer is: 2.5', '3', '2', false],
  ['The answer is: 3.5', '4', '4', true],
  ['The answer is: 0.5', '0', '0', true],
  ['The answer is: -0.5', '0', '0', true],
  ['The answer is: -1.5', '-2', '-2', true],
  ['The answer is: -2.5', '-2', '-2', true],
  ['The answer is: 17.6', '18', '18', true],
  ['The answer is: 18.4', '18', '18', true],
  ['The answer is: .5', '0', '0', true],
  ['The answer is: 18.', '18', '18', true],
  ['The answer is: 5/2', '2', '2', true],
  ['The answer is: 7/2', '4', '4', true],
  ['The answer is: 36/2', '18', '18', true],
  ['The answer is: 1/3', '0', '0', true],
  ['The answer is: -9/2', '-4', '-4', true],
  ['The answer is: 3/0', '3', '3', true],
  ['The answer is: 3/00', '3', undefined, false],
  ['The answer is: /18', '18', undefined, false],
  ['The answer is: 1,000/2', '1000', '1000', true],
  ['The answer is: 36/ 2', '36', '36', true],
  ['The answer is: -18', '-18', '-18', true],
  ['The answer is: +18', '18', '18', true],
  ['The answer is: - 18', '18', '18', true],
  ['The answer is: 20-2', '20', '20', true],
  ['The answer is: x=-18', '-18', '-18', true],
  ['The answer is: 18-year', '18', '18', true],
  ['The answer is: 10:30', '10', '10', true],
  ['The answer is: 2^3', '2', '2', true],
  ['The answer is: $\\frac{1}{2}$', '1', '1', true],
  ['The answer is: \u0661\u0668', '18', '18', true],
  ['The answer is: 1e3', '1', '1', true],
  [`${A}${'9'.repeat(400)}`, '9', undefined, false],
  ['The answer is: 9007199254740993', '9007199254740992', '9007199254740992', true],
  ['The answer is: 1_000', '1', '1', true],
];

/** Output, reference, the reference's answer, whether the output is right. */
const MATH: readonly (readonly [string, string, string | undefined, boolean])[] = [
  ['The answer is: 2', '\\boxed{2}', '2', true],
  ['The answer is: $2$', '\\boxed{2}', '2', false],
  ['The answer is: 2.', '\\boxed{2}', '2', true],
  ['The answer is: 2.\nNext', '\\boxed{2}', '2', true],
  ['The answer is: 2. Next', '\\boxed{2}', '2', false],
  ['The answer is: 2..', '\\boxed{2.}', '2.', true],
  ['The answer is: 2', '\\boxed{2.}', '2.', false],
  ['2', '\\boxed{2}', '2', false],
  ['\\boxed{2}', '\\boxed{2}', '2', false],
  ['The answer is: ', '\\boxed{2}', '2', false],
  ['The answer is: 1\nThe answer is: 2', '\\boxed{2}', '2', true],
  ['The answer is: \\frac12', '\\boxed{\\frac{1}{2}}', '\\frac{1}{2}', true],
  ['The answer is: \\dfrac{1}{2}', '\\boxed{\\frac12}', '\\frac12', true],
  ['The answer is: 1/2', '\\boxed{\\frac{1}{2}}', '\\frac{1}{2}', true],
  ['The answer is: 0.5', '\\boxed{\\frac12}', '\\frac12', true],
  ['The answer is: .5', '\\boxed{\\frac12}', '\\frac12', true],
  ['The answer is: 0.50', '\\boxed{\\frac12}', '\\frac12', false],
  ['The answer is: 0.25', '\\boxed{\\frac14}', '\\frac14', false],
  ['The answer is: 2/4', '\\boxed{\\frac12}', '\\frac12', false],
  ['The answer is: -1/2', '\\boxed{-\\frac{1}{2}}', '-\\frac{1}{2}', false],
  ['The answer is: -1/2', '\\boxed{\\frac{-1}{2}}', '\\frac{-1}{2}', true],
  ['The answer is: 01/2', '\\boxed{\\frac12}', '\\frac12', false],
  ['The answer is: 01/2', '\\boxed{01/2}', '01/2', true],
  ['The answer is: \\frac1{72}', '\\boxed{\\frac{1}{72}}', '\\frac{1}{72}', true],
  ['The answer is: \\frac{72}1', '\\boxed{\\frac{72}{1}}', '\\frac{72}{1}', false],
  ['The answer is: \\frac 34', '\\boxed{\\frac{3}{4}}', '\\frac{3}{4}', true],
  ['The answer is: x/y', '\\boxed{x/y}', 'x/y', true],
  ['The answer is: x /y', '\\boxed{x/y}', 'x/y', false],
  ['The answer is: 1/2/3', '\\boxed{1/2/3 }', '1/2/3 ', true],
  ['The answer is: \\sqrt2', '\\boxed{\\sqrt{2}}', '\\sqrt{2}', true],
  ['The answer is: \\sqrt 2', '\\boxed{\\sqrt{2}}', '\\sqrt{2}', false],
  ['The answer is: 3\\sqrt', '\\boxed{3\\sqrt}', '3\\sqrt', true],
  ['The answer is: 3 \\sqrt', '\\boxed{3\\sqrt}', '3\\sqrt', false],
  ['The answer is: \\frac', '\\boxed{\\frac}', '\\frac', true],
  ['The answer is:  1\\frac', '\\boxed{1\\frac}', '1\\frac', true],
  ['The answer is: 5', '\\boxed{5\\text{ cm}}', '5\\text{ cm}', true],
  ['The answer is: 5\\text{ m}', '\\boxed{5\\text{ cm}}', '5\\text{ cm}', true],
  ['The answer is: 5\\text{cm}', '\\boxed{5}', '5', false],
  ['The answer is: 5\\text{ cm}', '\\boxed{5\\mbox{ cm}}', '5\\mbox{ cm}', false],
  [
    'The answer is: 1\\text{ a}2\\text{ b}',
    '\\boxed{1\\text{ a}2\\text{ b}}',
    '1\\text{ a}2\\text{ b}',
    true,
  ],
  [
    'The answer is: 1\\text{ a} 2\\text{ b}',
    '\\boxed{1\\text{ a}2\\text{ b}}',
    '1\\text{ a}2\\text{ b}',
    false,
  ],
  ['The answer is: \\$5', '\\boxed{5}', '5', true],
  ['The answer is: 50\\%', '\\boxed{50}', '50', true],
  ['The answer is: 50%', '\\boxed{50}', '50', false],
  ['The answer is: 90^\\circ', '\\boxed{90}', '90', true],
  ['The answer is: 90^{\\circ}', '\\boxed{90^\\circ}', '90^\\circ', true],
  ['The answer is: 1,\\!000', '\\boxed{1,000}', '1,000', true],
  ['The answer is: 1000', '\\boxed{1,000}', '1,000', false],
  ['The answer is: x=5', '\\boxed{5}', '5', true],
  ['The answer is: xy=5', '\\boxed{5}', '5', true],
  ['The answer is: x = 5', '\\boxed{5}', '5', true],
  ['The answer is: ab =5', '\\boxed{5}', '5', false],
  ['The answer is: a=b=5', '\\boxed{5}', '5', false],
  ['The answer is: =5', '\\boxed{5}', '5', true],
  ['The answer is: \\left(1,2\\right)', '\\boxed{(1, 2)}', '(1, 2)', true],
  ['The answer is: (2,1)', '\\boxed{(1,2)}', '(1,2)', false],
  ['The answer is: 1+x', '\\boxed{x+1}', 'x+1', false],
  ['The answer is: \\pi r^2', '\\boxed{\\pir^2}', '\\pir^2', true],
  ['The answer is: 5', '\\fbox{5}', undefined, false],
  ['The answer is: 5', '\\boxed{4} \\boxed{5}', '5', true],
  ['The answer is: 5', '\\boxed {5}', undefined, false],
  ['The answer is: 5', '\\boxed 5', undefined, false],
  ['The answer is: 5', '\\boxed{5', undefined, false],
  ['The answer is: {5}', '\\boxed{{5}}', '{5}', true],
  ['The answer is: ', '\\boxed{}', '', true],
  ['The answer is: 5', 'none', undefined, false],
  [
    'The answer is: \\begin{pmatrix}1\\\\2\\end{pmatrix}',
    '\\boxed{\\begin{pmatrix} 1 \\\\ 2 \\end{pmatrix}}',
    '\\begin{pmatrix} 1 \\\\ 2 \\end{pmatrix}',
    true,
  ],
];

describe('paper scorer', () => {
  test.each(GSM8K)('GSM8K: %j for %j', (output, answer, extracted, correct) => {
    expect(grade('paper', 'gsm8k', output, { solution: `steps\n#### ${answer}` })).toMatchObject({
      extracted,
      correct,
    });
  });
  test('GSM8K: what the released code stops at counts as wrong', () => {
    // Its fraction raises for a zero that is not written "0", and for numbers beyond a double.
    for (const fraction of ['3/00', `1/${'9'.repeat(400)}`, `${'9'.repeat(400)}/${'9'.repeat(400)}`])
      expect(grade('paper', 'gsm8k', `${A}${fraction}`, { solution: '#### 3' })).toMatchObject({
        correct: false,
      });
  });
  test('GSM8K: a reference without an integer has no gold, and every output is wrong', () => {
    for (const solution of ['18', '#### x', 'The answer is: 18', '####18', '#### 1.5'])
      expect(grade('paper', 'gsm8k', `${A}18`, { solution })).toEqual({
        correct: false,
        extracted: '18',
        gold: undefined,
      });
    expect(grade('paper', 'gsm8k', `${A}1800`, { solution: 'a #### 1,800 #### 5' }).gold).toBe('1800');
  });
  test.each(MATH)('MATH: %j for %j', (output, solution, gold, correct) => {
    expect(grade('paper', 'math', output, { solution })).toMatchObject({ gold, correct });
  });
  test('MATH: what is extracted', () => {
    const extracted = (output: string) =>
      grade('paper', 'math', output, { solution: '\\boxed{1}' }).extracted;
    expect(extracted(`${A} $x$. \n`)).toBe('$x$');
    expect(extracted(`${A}1.5.\nSo.\n`)).toBe('1.5');
    expect(extracted(`${A}1. 5`)).toBe('1. 5');
    expect(extracted(`${A}`)).toBe('');
    expect(extracted('The answer is 1')).toBeUndefined();
  });
});
