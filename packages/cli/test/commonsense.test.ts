/** Commonsense questions as a user trains on and answers them: a small model with random weights, cut short. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type RunRecord, readRecords } from '@psoft/results';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeLanguageModel } from './languageModel.ts';
import { psoft, start } from './psoft.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'psoft-commonsense-'));
afterAll(() => rmSync(folder, { recursive: true, maxRetries: 5 }));
const model = path.join(folder, 'model');
beforeAll(() => writeLanguageModel(model));

const source = `--model-dir=${model}`;
const out = (name: string) => [
  `--results-dir=${path.join(folder, name, 'results')}`,
  `--runs-dir=${path.join(folder, name, 'runs')}`,
  '--threads=1',
];
const recordsOf = async (name: string, task: string) =>
  (await readRecords(path.join(folder, name, 'results'), { experiment: 'commonsense', task })).records;

interface Row {
  readonly prompt: string;
  readonly reference: string;
  readonly text: string;
  readonly end: string;
  readonly choices: { readonly name: string; readonly text: string; readonly logProbability: number }[];
  readonly verdicts: Record<string, { readonly extracted?: string; readonly isCorrect: boolean }>;
}
const rowsOf = (stdout: string): Row[] => {
  const file = /^generations: (.*)$/m.exec(stdout)![1]!;
  const lines = readFileSync(path.resolve(file), 'utf8').trim().split('\n');
  return lines.map((line) => JSON.parse(line));
};

const TRAIN = ['train', 'commonsense/train', source, '--rank=4', '--max-steps=2'];
const EVALUATE = [source, '--rank=4', '--max-steps=2', '--limit=6', '--max-new-tokens=6'];

describe('one run', () => {
  let training: RunRecord;

  test('holds out 120 questions, and keeps the epoch of the least loss on them', async () => {
    const { code, stdout, stderr } = await psoft(...TRAIN, ...out('one'));
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/^trained \(epoch 1, chosen on the selection split\)\n/);
    [training] = (await recordsOf('one', 'train')) as [RunRecord];
    const { trainInfo, runInfo, metaInfo } = training;
    expect(trainInfo.best).toMatchObject({ epoch: 1, step: 2 });
    expect(trainInfo.metrics[0]!.selection.loss).toBe(trainInfo.best!.value);
    expect(metaInfo.datasetInfo.splits.map(({ name, count }) => [name, count])[1]).toEqual([
      'selection',
      120,
    ]);
    // q, k, v, up and down of two blocks: r(r-1)/2 + 2r each.
    expect(trainInfo.parameters.trainable).toBe(10 * (6 + 8));
    expect(runInfo.trainConfig).toMatchObject({ promptTemplate: 'plain', lossOnPrompt: false });
  }, 60_000);

  test('is asked by beam search and compared by likelihood, and both are stored', async () => {
    const { code, stdout, stderr } = await psoft('evaluate', 'commonsense/arc-e', ...EVALUATE, ...out('one'));
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(
      /^reported: accuracy [\d.]+, strictAccuracy [\d.]+, likelihoodAccuracy [\d.]+, likelihoodNormalisedAccuracy [\d.]+ \(accuracy is the paper scorer's, over 6 problems\)\ngenerated: .*\ncompared: \d+ choices by likelihood\n/,
    );
    const [record] = (await recordsOf('one', 'arc-e')) as [RunRecord];
    expect(record.runInfo.evaluationConfig).toEqual({
      scorer: 'paper',
      maxNewTokens: 6,
      strategy: { kind: 'beam', beams: 4 },
      merge: true,
      limit: 6,
      promptTemplate: 'plain',
    });
    expect(record.trainInfo.likelihood).toMatchObject({ problems: 6 });
    expect(record.trainInfo.generation).toMatchObject({ prompts: 6 });
    const rows = rowsOf(stdout);
    expect(Object.keys(rows[0]!.verdicts)).toEqual(['paper', 'strict', 'likelihood', 'likelihoodNormalised']);
    for (const { prompt, choices, verdicts, reference } of rows) {
      expect(prompt).toMatch(/### Response:\n$/);
      const listed = /Answer format: (.*)\n/.exec(prompt)![1]!.split('/');
      expect(choices.map(({ name }) => name)).toEqual(listed);
      expect(choices.map(({ text }) => text)).toEqual(listed.map((name) => `the correct answer is ${name}`));
      const best = [...choices].sort((a, b) => b.logProbability - a.logProbability)[0]!;
      expect(best.logProbability).toBeLessThan(0);
      expect(verdicts.likelihood).toEqual({ extracted: best.name, isCorrect: best.name === reference });
    }
  }, 60_000);

  test('by likelihood alone generates nothing, is a record of its own, and gives the same figure', async () => {
    const [before] = (await recordsOf('one', 'arc-e')) as [RunRecord];
    const args = ['evaluate', 'commonsense/arc-e', '--scorer=likelihood', ...EVALUATE];
    const { code, stdout, stderr } = await psoft(...args, ...out('one'));
    expect(code, stderr).toBe(0);
    expect(stdout).not.toContain('generated:');
    const records = await recordsOf('one', 'arc-e');
    expect(records).toHaveLength(2);
    const own = records.find(({ runInfo }) => runInfo.evaluationConfig!.scorer === 'likelihood')!;
    expect(own.runInfo.evaluationConfig).toEqual({
      scorer: 'likelihood',
      merge: true,
      limit: 6,
      promptTemplate: 'plain',
    });
    expect(own.trainInfo.generation).toBeUndefined();
    expect(own.trainInfo.test!.accuracy).toBe(before.trainInfo.test!.likelihoodAccuracy);
    expect(rowsOf(stdout).every(({ end }) => end === 'none')).toBe(true);
    const run = path.dirname(path.resolve(/^generations: (.*)$/m.exec(stdout)![1]!));
    const again = await psoft('score', run);
    expect(again.stdout).toMatch(/^commonsense\/arc-e: likelihood accuracy .*0 verdicts differ/);
    expect(again.stdout.trim().split('\n')).toHaveLength(2);
    expect((await psoft('score', run, '--scorer=paper')).stderr).toContain(
      'has nothing that the scorer "paper" reads; it has verdicts of likelihood, likelihoodNormalised',
    );
  }, 90_000);

  test('is asked as it was trained: another template is refused', async () => {
    const runs = path.join(folder, 'one', 'runs', 'tiny', 'commonsense', 'train');
    const run = path.join(runs, readdirSync(runs)[0]!);
    const args = ['evaluate', 'commonsense/boolq', `--run=${run}`, '--prompt-template=released'];
    const { code, stderr } = await psoft(...args, ...out('one'));
    expect([code, stderr]).toEqual([
      1,
      expect.stringContaining(
        'the run was trained with the prompt template "plain", the evaluation would ask with "released": give --prompt-template=plain',
      ),
    ]);
  }, 30_000);
});

test('a table has one scorer in all its cells, and goes on where it was', async () => {
  const args = [
    ...['table', 'commonsense/table5', '--methods=base,lora', '--tasks=boolq,obqa', source],
    ...['--max-steps=1', '--limit=4', '--scorer=likelihood'],
  ];
  const first = await psoft(...args, ...out('table'));
  expect(first.code, first.stderr).toBe(0);
  expect(first.stdout).toMatch(/method +trained +boolq +obqa +average\nbase +0 /);
  const records = [...(await recordsOf('table', 'boolq')), ...(await recordsOf('table', 'obqa'))];
  expect(new Set(records.map(({ runInfo }) => runInfo.evaluationConfig!.scorer))).toEqual(
    new Set(['likelihood']),
  );
  const again = await psoft(...args, ...out('table'));
  expect(again.stderr.match(/recorded already/g)).toHaveLength(4);
  expect(again.stdout).toBe(first.stdout);
}, 120_000);

test('a sweep runs its points, prints them, draws them, and goes on where it was', async () => {
  const file = path.join(folder, 'mine.json');
  const sweep = {
    title: 'Two ranks',
    experiment: 'commonsense',
    tasks: ['boolq', 'piqa'],
    seeds: { tiny: [1] },
    series: [{ name: 'PSOFT', method: 'psoft', grid: { rank: [2, 4] } }],
  };
  writeFileSync(file, JSON.stringify(sweep));
  const options = [source, '--max-steps=1', '--limit=3', '--scorer=likelihood', ...out('sweep')];
  const plan = await psoft('sweep', 'plan', file, ...options);
  expect(plan.code, plan.stderr).toBe(0);
  expect(plan.stdout).toMatch(/to run {4}boolq, PSOFT rank 2, seed 1\n/);
  expect(plan.stdout).toContain('2 settings, seeds 1, 4 runs, 4 of them to run');
  expect(existsSync(path.join(folder, 'sweep'))).toBe(false);
  const first = await psoft('sweep', 'run', file, ...options);
  expect(first.code, first.stderr).toBe(0);
  expect(first.stdout).toMatch(
    /series +rank +trained +boolq +piqa +average .*\nPSOFT +2 +50 .*\nPSOFT +4 +140 /,
  );
  const chart = path.join(folder, 'sweep', 'results', 'charts', 'tiny', 'commonsense', 'mine.svg');
  expect(readFileSync(chart, 'utf8')).toContain('>rank 2<');
  const again = await psoft('sweep', 'run', file, ...options);
  expect(again.stderr.match(/recorded already/g)).toHaveLength(4);
  expect(again.stdout).toBe(first.stdout);
  expect((await psoft('sweep', 'plan', file, ...options)).stdout).toContain('4 runs, 0 of them to run');
  writeFileSync(
    file,
    JSON.stringify({ ...sweep, series: [{ name: 'x', method: 'psoft', set: { ranc: 3 } }] }),
  );
  const wrong = await psoft('sweep', 'run', file, ...options);
  expect([wrong.code, wrong.stdout]).toEqual([1, '']);
  expect(wrong.stderr).toMatch(/unknown setting "ranc"/);
}, 180_000);

describe('data', () => {
  const row = {
    instruction:
      'Please answer the following question with true or false, question: is ice cold?\n\nAnswer format: true/false',
    input: '',
    output: 'the correct answer is true',
    answer: 'true',
  };
  let server: Server;
  let asked: string[] = [];
  beforeAll(async () => {
    server = createServer((request, response) => {
      asked.push(`${request.method} ${request.url}`);
      const isThere = request.url === '/sets/boolq/test.json';
      const body = isThere ? JSON.stringify([row, row]) : '';
      response.writeHead(isThere ? 200 : 404, { 'content-length': Buffer.byteLength(body) });
      response.end(request.method === 'HEAD' ? '' : body);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterAll(() => server.close());

  test('from an address is fetched once by prepare, checked, and found by runs without a network', async () => {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/sets`;
    const env = { PSOFT_CACHE: path.join(folder, 'cache') };
    const args = ['prepare', 'commonsense/boolq', '--profile=tiny', source, `--data-url=${url}`];
    const prepared = await start(args, env).outcome;
    expect(prepared.code, prepared.stderr).toBe(0);
    expect(prepared.stdout).toContain('commonsense/boolq: test 2');
    expect(prepared.stderr).toContain('differs from the published file: 3270 rows expected, 2 found');
    asked = [];
    const evaluated = await start(
      [
        'evaluate',
        'commonsense/boolq',
        '--base',
        source,
        `--data-url=${url}`,
        '--scorer=likelihood',
        ...out('url'),
      ],
      { ...env, HF_HUB_OFFLINE: '1' },
    ).outcome;
    expect(evaluated.code, evaluated.stderr).toBe(0);
    expect(asked).toEqual([]);
    const [record] = (await recordsOf('url', 'boolq')) as [RunRecord];
    expect([record.runInfo.variant, record.metaInfo.datasetInfo.name]).toEqual(['on-real-data', 'boolq']);
    const missing = await start([...args.slice(0, 1), 'commonsense/piqa', ...args.slice(2)], env).outcome;
    expect([missing.code, missing.stderr.trim().split('\n')]).toEqual([
      1,
      [expect.stringContaining('no piqa test data at http')],
    ]);
  }, 90_000);

  test('of a folder may be all sets at once', async () => {
    const data = path.join(folder, 'data');
    mkdirSync(path.join(data, 'boolq'), { recursive: true });
    writeFileSync(path.join(data, 'boolq', 'test.json'), JSON.stringify([row]));
    const args = [
      'evaluate',
      'commonsense/boolq',
      '--base',
      source,
      '--scorer=likelihood',
      `--data-dir=${data}`,
    ];
    const { code, stdout, stderr } = await psoft(...args, ...out('folder'));
    expect(code, stderr).toBe(0);
    expect(stdout).toContain('over 1 problems');
  }, 30_000);

  test.each([
    [['--data-url=ftp://x'], '--data-url takes an address that begins with https://, got "ftp://x"'],
    [['--data-url=https://x', '--data-dir=y'], 'give one of --data-dir, --data-url and --data-hub'],
  ])('%j is refused', async (args, message) => {
    const { code, stderr } = await psoft('evaluate', 'commonsense/boolq', '--base', source, ...args);
    expect([code, stderr]).toEqual([1, `psoft: ${message}\n`]);
  });
  test('is not read from an address by tasks that have none', async () => {
    const { code, stderr } = await psoft(
      'train',
      'math/train',
      source,
      '--data-url=https://x',
      ...out('url'),
    );
    expect([code, stderr]).toEqual([
      1,
      expect.stringContaining('math/train is not read from a URL: give --data-dir'),
    ]);
  }, 30_000);
});
