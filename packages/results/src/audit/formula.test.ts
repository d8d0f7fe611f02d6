import { expect, test } from 'vitest';
import { evaluate } from './formula.ts';

const values = { d: 768, n: 3072, r: 8, b: 32, m: 2 };

test.each([
  ['1 - 2 - 3', -4],
  ['12 / 2 / 3', 2],
  ['2 + 3*4', 14],
  ['2*(3 + 4)', 14],
  ['2^3^2', 512],
  ['3*2^2', 12],
  ['d*r + r*n', 30_720],
  ['m*(d/b)*b^2 + n', 2 * 768 * 32 + 3072],
  ['log(m*4)', 3],
])('%s', (formula, value) => {
  expect(evaluate(formula, values)).toBe(value);
});

test.each([
  ['d*k', 'formula "d*k": "k" has no value; known: d, n, r, b, m'],
  ['(d + n', 'formula "(d + n": expected ")", got its end'],
  ['d +', 'formula "d +": ends too early'],
  ['d n', 'formula "d n": unexpected "n"'],
  ['d + ?', 'formula "d + ?": unexpected "?"'],
  ['log d', 'formula "log d": log needs parentheses'],
  ['toString', 'formula "toString": "toString" has no value; known: d, n, r, b, m'],
])('%s is refused', (formula, message) => {
  expect(() => evaluate(formula, values)).toThrow(message);
});
