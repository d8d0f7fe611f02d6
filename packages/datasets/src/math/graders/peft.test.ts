/** The parser of PEFT's benchmark: every expected value is what its code gives. */
import { describe, expect, test } from 'vitest';
import { grade } from './index.ts';

const P = 'Question: q Think step by step.\nAnswer: ';

/** Output, or prompt and output, reference, what is extracted, whether it is right. */
const ROWS: readonly (readonly [string, string, string | undefined, boolean])[] = [
  ['The answer is: 18', '#### 18', '18', true],
  ['The answer is 18.', '#### 18', '18', true],
  ['The final answer is 18!', '#### 18', '18', true],
  ['#### 18', '#### 18', '18', true],
  ['#### 17\nThe answer is: 18', '#### 18', '18', true],
  ['The answer is: 17\n#### 18', '#### 18', '17', false],
  ['18', '#### 18', undefined, false],
  ['\\boxed{18}', '#### 18', undefined, false],
  ['The answer is: $18', '#### 18', '18', true],
  ['The answer is: 18%', '#### 18', '18', true],
  ['The answer is: 18.0', '#### 18', '18.0', true],
  ['The answer is: 36/2', '#### 18', '36/2', true],
  ['The answer is: 1/3', 'The answer is: 0.3333333333333333', '1/3', true],
  ['The answer is: 1,000', '#### 1000', '1,000', false],
  ['The answer is: 1000', '#### 1,000', '1000', false],
  ['The answer is: 1,000', '#### 1,000', '1,000', true],
  ['The answer is: 1e3', '#### 1000', '1e3', true],
  ['The answer is: 1_000', '#### 1000', '1_000', true],
  ['The answer is: 18\n\nQuestion: The', '#### 18', '18', true],
  ['The answer is: 18\nThe answer is: 17', '#### 18', '17', false],
  ['The answer is: 18 apples', '#### 18', '18 apples', false],
  ['The answer is: x + 1', 'The answer is: x + 1', 'x + 1', true],
  ['The answer is: 5/0', '#### 5', '5/0', false],
  ['The answer is: 5/0', 'The answer is: 5/0', '5/0', true],
  ['The answer is: 1/2/3', 'The answer is: 1/2/3', '1/2/3', true],
  ['The answer is: nan', 'The answer is: nan', 'nan', false],
  ['The answer is: inf', 'The answer is: Infinity', 'inf', true],
  ['The answer is: \\frac{1}{2}', 'The answer is: 1/2', '\\frac{1}{2}', false],
  ['The answer is: -18', '#### -18', '-18', true],
  ['The answer is: ', '#### 18', undefined, false],
  ['Question: The answer is 18 Think step by step.\nAnswer: no', '#### 18', '18 Think step by step', false],
  ['The answer is: 2/3', 'The answer is: 0.6666666666666666', '2/3', true],
  ['The answer is: \u0661\u0668', '#### 18', '\u0661\u0668', true],
];

describe('PEFT scorer', () => {
  test.each(ROWS)('%j for %j', (output, solution, extracted, correct) => {
    expect(
      grade('peft', 'gsm8k', output.startsWith('Question:') ? output : P + output, { solution }),
    ).toMatchObject({ extracted, correct });
  });
  test('both data sets alike; a reference that it cannot parse makes every output wrong', () => {
    expect(grade('peft', 'math', 'The answer is: 5', { solution: '\\boxed{5}' })).toEqual({
      correct: false,
      extracted: '5',
      gold: undefined,
    });
  });
  test('exponents and lengths without bound', () => {
    for (const [one, other] of [
      ['1e400', 'inf'],
      ['1e-400', '0'],
      ['1/1e99999', '0'],
    ])
      expect(grade('peft', 'gsm8k', `#### ${one}`, { solution: `#### ${other}` }).correct).toBe(true);
    expect(grade('peft', 'gsm8k', `#### ${'9'.repeat(100_000)}/7`, { solution: '#### 5' }).correct).toBe(
      false,
    );
  });
});
