import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { operatorsPage } from '../src/kernels/coverage.ts';

test('docs/operators.md is what `npm run docs:operators` writes', () => {
  const file = new URL('../../../docs/operators.md', import.meta.url);
  expect(readFileSync(file, 'utf8')).toBe(operatorsPage());
});
