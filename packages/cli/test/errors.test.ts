/** Bad input gets one clear line, a non-zero exit and nothing half-written. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { psoft, start } from './psoft.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'psoft-cli-'));
afterAll(() => rmSync(folder, { recursive: true }));
const results = path.join(folder, 'results');
const runs = path.join(folder, 'runs');
const OUT = ['--results-dir', results, '--runs-dir', runs];

function dir(name: string, files: Record<string, string>): string {
  const made = path.join(folder, name);
  mkdirSync(made, { recursive: true });
  for (const [file, content] of Object.entries(files)) writeFileSync(path.join(made, file), content);
  return made;
}

test('a reader that has read enough ends the command, and nothing is printed about it', async () => {
  const running = start(['methods']);
  running.closeOutput();
  expect(await running.outcome).toEqual({ code: 141, stdout: '', stderr: '' });
});

const GOOD = 'a\t1\t\tThe ship sails.\nb\t0\t*\tThe ship sail.\n';

describe.each<[string, string[], RegExp]>([
  ['an unknown task', ['train', 'nlu/colla'], /unknown task of nlu "colla"; .*cola/],
  ['an unknown experiment', ['train', 'nl/cola'], /unknown experiment "nl"; known: .*nlu/],
  ['no task', ['train', 'nlu'], /"nlu" is no target/],
  ['an unknown method', ['train', 'nlu/cola', '--method=psfot'], /unknown method of nlu "psfot"; .*psoft/],
  ['an unknown profile', ['train', 'nlu/cola', '--profile=large'], /unknown profile of nlu "large"/],
  ['an unknown option', ['train', 'nlu/cola', '--rnak=3'], /unknown option --rnak; did you mean --rank/],
  [
    'a value that is no number',
    ['train', 'nlu/cola', '--rank=many'],
    /'--rank <r>' argument 'many' is invalid/,
  ],
  ['rank 0', ['train', 'nlu/cola', '--rank=0'], /\br\b.*got 0/],
  ['a rank above what a layer allows', ['train', 'nlu/cola', '--rank=4096'], /at most.*got 4096/],
  ['an unknown adapter setting', ['train', 'nlu/cola', '--set', 'psoftAlhpa=3'], /psoftAlhpa.*psoftAlpha/],
  [
    'an unknown target module',
    ['train', 'nlu/cola', '--set', 'targetModules=["query_prj"]'],
    /query_prj.*query_proj/,
  ],
  ['a setting that is no pair', ['train', 'nlu/cola', '--set', 'r'], /--set takes KEY=VALUE, got "r"/],
  [
    'adapter settings without an adapter',
    ['train', 'nlu/cola', '--method=head', '--rank=4'],
    /--rank means nothing to head/,
  ],
  ['a training setting out of range', ['train', 'nlu/cola', '--epochs=0'], /"epochs" must be .*got 0/],
  ['a folder without a model', ['train', 'nlu/cola', '--model-dir', folder], /config\.json/],
  ['a folder without data', ['train', 'nlu/cola', '--data-dir', folder], /no CoLA data in/],
  [
    'labels out of range',
    ['train', 'nlu/cola', '--data-dir', dir('labels', { 'train.tsv': 'a\t2\t\tOne.\n', 'dev.tsv': GOOD })],
    /line 1: label must be 0 or 1, got "2"/,
  ],
  [
    'an empty data set',
    ['train', 'nlu/cola', '--data-dir', dir('empty', { 'train.tsv': '', 'dev.tsv': GOOD })],
    /train\.tsv is empty/,
  ],
  [
    'a development set that cannot be halved',
    ['train', 'nlu/cola', '--data-dir', dir('one', { 'train.tsv': GOOD, 'dev.tsv': 'a\t1\t\tOne.\n' })],
    /needs at least 2/,
  ],
  [
    'a model that is no name',
    ['train', 'nlu/cola', '--model=a@b@c'],
    /--model takes NAME or NAME@REVISION, got "a@b@c"/,
  ],
  [
    'two models',
    ['train', 'nlu/cola', '--model=a/b', '--model-dir', folder],
    /give --model-dir or --model, not both/,
  ],
  ['charts of nothing', ['charts', '--results-dir', results], /no records in/],
])('%s', (_, args, message) => {
  test('is one line and a non-zero exit, and nothing is written', async () => {
    const { code, stdout, stderr } = await psoft(...args, ...(args[0] === 'train' ? OUT : []));
    expect(stderr).toMatch(message);
    // Commander adds hints of its own, in brackets, to usage errors.
    expect(
      stderr
        .trim()
        .split('\n')
        .filter((line) => line !== '' && !line.startsWith('(')),
    ).toHaveLength(1);
    expect(stdout).toBe('');
    expect(code).not.toBe(0);
    expect(existsSync(results) && readdirSync(results).length > 0).toBe(false);
  });
});

describe('help', () => {
  test.each([
    [['--help'], /train.*tasks.*charts/s],
    [['train', '--help'], /--method.*--rank.*--data-dir.*Examples:/s],
    [['charts', '--help'], /--out/],
  ])('%s', async (args, text) => {
    const { code, stdout, stderr } = await psoft(...args);
    expect(stdout).toMatch(text);
    expect([code, stderr]).toEqual([0, '']);
  });
  test('tasks are listed', async () => {
    expect((await psoft('tasks')).stdout).toContain('psoft train nlu/cola');
  });
});
