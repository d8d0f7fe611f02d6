/**
 * Files that others made, some of them to do harm: each is answered by one clear line. The fixed corpus and a few inputs of
 * the campaign in tools/fuzz (docs/reliability.md).
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { attempt } from '../../../tools/fuzz/attempt.ts';
import { corpusOf, filesIn } from '../../../tools/fuzz/corpus.ts';
import { writeInput } from '../../../tools/fuzz/files.ts';
import { judge } from '../../../tools/fuzz/judge.ts';
import { Random } from '../../../tools/fuzz/random.ts';
import type { Files, Target } from '../../../tools/fuzz/target.ts';
import { hubAnswers } from '../../../tools/fuzz/targets/hub.ts';
import { TARGETS } from '../../../tools/fuzz/targets/index.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'psoft-hostile-'));
afterAll(() => rmSync(folder, { recursive: true }));
const input = path.join(folder, 'input');

async function read(target: Target, files: Files) {
  await writeInput(input, files);
  return attempt(target, input, files);
}

/** Changed inputs of each target, the same in every run. */
const CHANGED = 15;

describe.each(TARGETS.map((target) => [target.name, target] as const))('%s', (name, target) => {
  const corpus = corpusOf(name);

  test.skipIf(corpus.length === 0)('the fixed inputs are answered as before', async () => {
    for (const entry of corpus) {
      const { message, fault } = await read(target, filesIn(entry));
      expect(fault, `${entry.about}: ${message}`).toBeUndefined();
      const said = message.replaceAll(`${input}/`, '').replaceAll(input, '');
      expect(said, entry.about).toContain(entry.says);
    }
  });

  test('changed inputs are read or answered by one clear line', async () => {
    const random = new Random(name, 'suite');
    const seeds = await target.seeds();
    for (let i = 0; i < CHANGED; i++) {
      const files = target.mutate(random.pick(seeds), random, random.pick(seeds));
      const { message, fault, stack } = await read(target, files);
      expect(fault, `input ${i}: ${message}\n${stack}`).toBeUndefined();
    }
  });
});

describe('names that a hub states', () => {
  const target = TARGETS.find(({ name }) => name === 'hub')!;

  // That nothing is written elsewhere is what the target itself looks at.
  test.each([
    '../../x',
    '/tmp/psoft-fuzz-outside',
    '..\\..\\x',
    'C:\\x',
    'a\0b',
    'NUL.json',
    'a.',
    `${'l'.repeat(300)}.json`,
    '**',
  ])('%j is refused', async (name) => {
    const { message, fault } = await read(target, hubAnswers(name));
    expect(fault, message).toBeUndefined();
    expect(message).toMatch(
      /leave the snapshot folder|not every system takes|must name a file for each tensor/,
    );
  });
});

describe('the judge', () => {
  const target = { name: 'x', places: [] } as unknown as Target;
  const files: Files = new Map([['a.json', new Uint8Array()]]);
  const faultOf = (error: Error) => judge(error, '/in', files, target).fault;
  const named = (name: string, message: string) => Object.assign(new Error(message), { name });

  test('finds what no user should see', () => {
    expect(faultOf(new TypeError("Cannot read properties of undefined (reading 'x')"))).toMatch(
      /raw TypeError/,
    );
    expect(faultOf(named('DataError', 'a.json: x.map is not a function'))).toMatch(/what JavaScript says/);
    expect(faultOf(named('DataError', 'it is broken'))).toBe('names no file');
    expect(faultOf(named('DataError', 'a.json: one\ntwo'))).toBe('has several lines');
    expect(faultOf(named('DataError', `a.json: ${'x'.repeat(2000)}`))).toMatch(/characters/);
    expect(faultOf(named('DataError', 'a.json: must be a list, got 5'))).toBeUndefined();
  });

  test('and what hangs, breaks a promise or changes prototypes', async () => {
    const reading = (run: () => Promise<void>, seconds = 5): Target => ({ ...target, seconds, read: run });
    const fault = async (one: Target) => (await attempt(one, folder, files)).fault;
    expect(await fault(reading(() => new Promise(() => undefined), 0.05))).toBe('hangs');
    expect(
      await fault(
        reading(async () => {
          Object.assign(Object.prototype, { polluted: 1 });
        }),
      ),
    ).toBe('pollutes a prototype');
    delete (Object.prototype as { polluted?: number }).polluted;
    expect(await fault(reading(async () => undefined))).toBeUndefined();
  });
});
