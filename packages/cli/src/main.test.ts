import { expect, test } from 'vitest';
import { buildProgram } from './main.ts';

const namesOf = async (only?: string) =>
  (await buildProgram(() => undefined, only)).commands.map((command) => command.name());

test('a command line loads the command that it names alone', async () => {
  const all = await namesOf();
  expect(all).toContain('train');
  for (const name of all) expect(await namesOf(name)).toEqual([name]);
});

test.each([undefined, '--help', 'help', 'trian', 'constructor'])('%s loads all of them', async (only) => {
  expect(await namesOf(only)).toEqual(await namesOf());
});
