import { expect, test } from 'vitest';
import { matchesOf } from './pattern.ts';

const pattern = (given: string) => ({ setting: 'targetModules', given, source: `^(${given})$`, flags: 'u' });
const names = ['encoder.layer.0.query_proj', 'encoder.layer.0.value_proj'];

test('gives the first group by name', () => {
  expect(matchesOf(pattern('encoder.*query_proj'), names)).toEqual(new Map([[names[0], names[0]]]));
  expect(matchesOf({ ...pattern('layer'), source: '\\.layer\\.(\\d)\\.' }, names).get(names[1]!)).toBe('0');
});

test('says what is no expression, and gives up one that would take for ever', () => {
  expect(() => matchesOf(pattern('('), names)).toThrow(/^targetModules: "\(" is not a regular expression/);
  expect(() =>
    matchesOf(pattern('(\\w+\\.?)+!'), ['encoder.layer.0.attention.self.query_proj_lora']),
  ).toThrow('takes more than 1 s to match');
});
