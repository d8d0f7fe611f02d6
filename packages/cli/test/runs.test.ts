/** Records and imported results on the command line. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { readParquetRows } from '@psoft/datasets';
import { type RunRecord, readRecords, writeRecord } from '@psoft/results';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { peftResult, WANDB_CHART, WANDB_RUNS } from '../../results/test/foreign.ts';
import { SAMPLES, sampleRecord } from '../../results/test/records.ts';
import { main } from '../src/main.ts';
import { psoft as psoftProcess } from './psoft.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'psoft-runs-'));
afterAll(() => rmSync(folder, { recursive: true, maxRetries: 5 }));
const results = path.join(folder, 'results');
const runsDir = path.join(folder, 'runs');
const places = ['--results-dir', results, '--runs-dir', runsDir];
const FAILED = sampleRecord({ seed: 9, status: 'failed' });
const hashOf = ({ runInfo }: RunRecord) => runInfo.configHash;

/** The command without a process of its own, which would take longer to start than all that is tested here. */
async function psoft(...args: string[]) {
  const said = { stdout: '', stderr: '' };
  const spies = (['stdout', 'stderr'] as const).map((name) =>
    vi.spyOn(process[name], 'write').mockImplementation((text) => {
      said[name] += String(text);
      return true;
    }),
  );
  try {
    return { code: await main(args), ...said };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}

const runs = (...args: string[]) => psoft('runs', ...args, ...places);

beforeAll(async () => {
  for (const record of SAMPLES) await writeRecord(results, record);
  const run = path.join(runsDir, 'tiny', 'nlu', 'cola', `psoft-s9-${hashOf(FAILED).slice(0, 8)}`);
  mkdirSync(run, { recursive: true });
  writeFileSync(path.join(run, 'failed.json'), JSON.stringify(FAILED));
});

describe('psoft runs list', () => {
  test('filters, sorts and chooses columns', async () => {
    const { code, stdout, stderr } = await runs(
      ...['list', '--where', 'method=psoft,lora', '--where', 'matthews>0.77', '--sort=-score'],
      ...['--columns', 'method,seed,score,trainInfo.test.accuracy,r'],
    );
    expect(code, stderr).toBe(0);
    expect(stdout).toBe(
      [
        'method  seed  score  trainInfo.test.accuracy    r',
        '------  ----  -----  -----------------------  ---',
        'psoft      3  0.816                     0.79   32',
        'psoft      2  0.804                     0.79   32',
        'psoft      1  0.792                     0.79   32',
        '',
      ].join('\n'),
    );
    expect(stderr).toBe('3 of 10 records\n');
  });

  test('is the same in a process of its own', async () => {
    const args = ['runs', 'list', '--where', 'method=head', '--columns=seed,score', ...places];
    expect(await psoftProcess(...args)).toEqual(await psoft(...args));
  });

  test('holds runs that failed, and none of them with --no-unfinished', async () => {
    const failed = await runs('list', '--where', 'status!=completed', '--format=markdown');
    expect(failed.stdout).toMatch(
      /^\| profile \| experiment .*\n\| -.*\n\| tiny +\| nlu .*\| failed .*\|\n$/,
    );
    const without = await runs('list', '--where', 'status!=completed', '--no-unfinished');
    const cut = await runs('list', '--where', 'method=lora', '--limit=1', '--columns=seed');
    expect([cut.stdout, cut.stderr]).toEqual(['seed\n----\n   1\n', '3 of 10 records, 1 of them shown\n']);
    expect([without.code, without.stdout, without.stderr]).toEqual([0, '', '0 of 9 records\n']);
  });

  test('gives csv and json with all digits', async () => {
    const args = ['list', '--where', 'seed=1', '--where', 'method=psoft', '--columns', 'hash,score,buckets'];
    const csv = await runs(...args, '--format=csv');
    expect(csv.stdout).toBe(`hash,score,buckets\n${hashOf(SAMPLES[0]!)},0.792,"[16,32,64]"\n`);
    const json = await runs(...args, '--format=json');
    expect(JSON.parse(json.stdout)).toEqual([
      { hash: hashOf(SAMPLES[0]!), score: 0.792, buckets: [16, 32, 64] },
    ]);
  });

  test.each([
    [['list', '--where', 'metod=psoft'], /no record has a field "metod"; did you mean runInfo\.method/],
    [['list', '--where', 'seed'], /"seed" is no condition/],
    [['list', '--sort', 'a,,b'], /a field between commas is empty/],
    [['list', '--imported'], /no imported results in .*: psoft runs import brings them/],
    [['show', 'ffff'], /no record "ffff": give a file/],
    [['export', '--out', 'x.txt'], /x\.txt does not end in csv, parquet, json: give --format/],
    [['export', '--out', 'x.json', '--curves'], /JSON holds whole records/],
    [
      ['export', '--out', 'x.csv', '--where', 'seed=77'],
      /no record meets the conditions: nothing was written/,
    ],
  ])('%j is an error of one line', async (args, message) => {
    const { code, stdout, stderr } = await runs(...args);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(message);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });

  test('names the records that it cannot read', async () => {
    const broken = path.join(folder, 'broken');
    const file = await writeRecord(broken, sampleRecord());
    await writeRecord(broken, sampleRecord({ seed: 2 }));
    writeFileSync(file, readFileSync(file, 'utf8').replace('"schemaVersion": 1', '"schemaVersion": 9'));
    const { code, stderr } = await psoft('runs', 'list', '--results-dir', broken, '--no-unfinished');
    expect(code).toBe(0);
    expect(stderr).toMatch(
      /psoft-s1-.*\.json was not read: schemaVersion: 9 is not known; this code reads 1\n/,
    );
  });
});

describe('psoft runs show and diff', () => {
  test('show finds a record by its hash, and lists what an unclear name may be', async () => {
    const text = await runs('show', hashOf(SAMPLES[0]!).slice(0, 8));
    expect(text.stdout).toMatch(/^psoft-s1-[0-9a-f]{8}\n {2}file .*\n {2}hash {2}[0-9a-f]{64}\n/);
    expect(text.stdout).toMatch(/\nrunInfo\n.* {2}adapterConfig\.r +32\n/s);
    expect(text.stdout).toMatch(/\ntrainInfo\.metrics\n +epoch +step +trainLoss/);
    const json = await runs('show', hashOf(FAILED), '--format=json');
    expect(JSON.parse(json.stdout)).toEqual(FAILED);
    const unclear = await runs('show', 'lora-s');
    expect(unclear.code).toBe(1);
    expect(unclear.stderr).toMatch(/"lora-s" may be 3 records; .*lora-s1-.*lora-s2-.*lora-s3-/);
  });

  test('diff shows what differs, and leaves out the rest', async () => {
    const [a, b] = [hashOf(SAMPLES[0]!), hashOf(SAMPLES[3]!)];
    const { code, stdout } = await runs('diff', a, b);
    expect(code).toBe(0);
    expect(stdout).toMatch(/\nrunInfo\.method +psoft +lora\n/);
    expect(stdout).toMatch(/\ntrainInfo\.test\.matthews +0\.792 +0\.75 +-0\.042\n/);
    expect(stdout).toMatch(/\nequal: data, environment, code\n$/);
    expect(stdout).not.toContain('accuracy');
    const json = await runs('diff', a, a, '--format=json');
    expect(JSON.parse(json.stdout)).toEqual([]);
  });
});

describe('psoft runs export', () => {
  test('writes tables that ordinary readers take', async () => {
    const file = (name: string) => path.join(folder, 'exports', name);
    const csv = await runs('export', '--out', file('all.csv'), '--no-unfinished');
    expect([csv.code, csv.stdout]).toEqual([0, expect.stringMatching(/^9 records in .*all\.csv\n$/)]);
    const [header, ...lines] = readFileSync(file('all.csv'), 'utf8').trimEnd().split('\n');
    expect(header).toMatch(/^name,score,schemaVersion,runInfo\.experiment,/);
    expect(SAMPLES.every((record) => lines.some((line) => line.includes(hashOf(record))))).toBe(true);
    expect(lines).toHaveLength(SAMPLES.length);

    const parquet = await runs(
      'export',
      '--out',
      file('some.parquet'),
      '--where',
      'method=head',
      '--columns',
      'seed,score',
    );
    expect(parquet.code, parquet.stderr).toBe(0);
    expect(await readParquetRows([file('some.parquet')], ['seed', 'score'])).toEqual(
      [1, 2, 3].map((seed) => ({ seed, score: 0.35 + 0.02 * seed })),
    );

    const curves = await runs(
      'export',
      '--out',
      file('curves'),
      '--format=csv',
      '--curves',
      '--where',
      'seed=1',
      '--no-unfinished',
    );
    expect(curves.code).toBe(0);
    expect(readFileSync(file('curves'), 'utf8').trim().split('\n')).toHaveLength(1 + 3 * 6);
  });
});

describe('psoft runs import', () => {
  const write = (name: string, text: string) => {
    const file = path.join(folder, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text);
    return file;
  };
  const events = fileURLToPath(
    new URL(
      '../../results/test/fixtures/tensorboard/plain/events.out.tfevents.1780000000.host.1.0',
      import.meta.url,
    ),
  );

  test('brings results of every program to a place of their own, once', async () => {
    const files = [
      write('peft.json', JSON.stringify(peftResult())),
      write('table.csv', WANDB_RUNS),
      write('chart.csv', WANDB_CHART),
      events,
    ];
    const { code, stdout, stderr } = await psoft(
      'runs',
      'import',
      ...files,
      '--results-dir',
      results,
      '--experiment=math',
    );
    expect(code, stderr).toBe(0);
    expect(stdout.trim().split('\n')).toHaveLength(1 + 3 + 2 + 1);
    expect(readdirSync(path.join(results, 'imported')).sort()).toEqual([
      ...['peft', 'tensorboard', 'wandb-history', 'wandb-runs'],
    ]);
    expect(stderr).toMatch(/psoft\/llama-3\.2-3B-default: left out: meta_info\.pytorch_info/);
    expect(stderr).toMatch(/plain: left out: 1 values of kind histogram\n/);
    const again = await psoft('runs', 'import', ...files, '--results-dir', results, '--experiment=math');
    expect([again.stdout, again.stderr]).toEqual([
      '',
      expect.stringContaining('3 results, 3 of them imported already'),
    ]);

    // Runs and imports never share a table, whatever is asked.
    expect((await readRecords(results)).records).toHaveLength(SAMPLES.length);
    const ours = await runs('list', '--format=json', '--columns=profile,method');
    expect(JSON.parse(ours.stdout)).toHaveLength(SAMPLES.length + 1);
    const imported = await runs(
      'list',
      '--imported',
      '--format=json',
      '--columns=profile,name,test accuracy,experiment',
    );
    const rows = JSON.parse(imported.stdout) as Record<string, unknown>[];
    expect(rows).toHaveLength(7);
    expect(new Set(rows.map((row) => row.profile))).toEqual(new Set(['imported']));
    expect(rows.filter((row) => row['test accuracy'] === 0.51)).toHaveLength(1);
    expect(new Set(rows.map((row) => row.experiment))).toEqual(new Set(['math']));
    const shown = await runs('show', '--imported', 'plain-');
    expect(shown.stdout).toMatch(/trainInfo\.series\n.*train\/loss +6 +0 +3000000000 +1 +-0\.5\n/s);
  });

  test('of an own export are imports, or with --restore the runs themselves', async () => {
    const file = path.join(folder, 'runs.json');
    expect((await runs('export', '--out', file)).code).toBe(0);
    const other = path.join(folder, 'other');
    const imported = await psoft('runs', 'import', file, '--results-dir', other);
    expect(imported.stdout.trim().split('\n')).toHaveLength(SAMPLES.length + 1);
    expect((await readRecords(other)).records).toEqual([]);
    const restored = await psoft('runs', 'import', file, '--restore', '--results-dir', other);
    expect(restored.code, restored.stderr).toBe(0);
    expect(restored.stderr).toMatch(/psoft-s9-.*: not restored: the run failed or was stopped/);
    expect(restored.stderr).toMatch(/9 of 10 runs restored, 0 were there\n$/);
    expect((await readRecords(other)).records).toEqual((await readRecords(results)).records);
  });

  test('of a file that is none leaves nothing, not even of the others', async () => {
    const empty = path.join(folder, 'empty');
    const { code, stdout, stderr } = await psoft(
      ...['runs', 'import', write('good.csv', WANDB_RUNS), write('bad.txt', 'hello'), '--results-dir', empty],
    );
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/bad\.txt: is none of: .*PEFT.*TensorBoard.*Weights & Biases/);
    expect(existsSync(empty)).toBe(false);
  });
});

describe('psoft runs prune', () => {
  test('lists, and removes only when told to', async () => {
    const args = ['prune', '--older-than=0'];
    const listed = await runs(...args);
    expect(listed.code, listed.stderr).toBe(0);
    expect(listed.stdout).toMatch(/^failed: .*psoft-s9-.* \(\d+\.\d kB\): loss is NaN at step 12/);
    expect(listed.stdout).toMatch(/\n1 in all, .* kB; --yes removes them\n$/);
    const place = path.join(runsDir, 'tiny', 'nlu', 'cola');
    expect(readdirSync(place)).toHaveLength(1);
    expect((await runs('prune')).stderr).toMatch(/^stays: .*psoft-s9-.*: changed of late/);
    const removed = await runs(...args, '--yes');
    expect(removed.stdout).toMatch(/^removed failed: .*\n1 in all, .* removed\n$/);
    expect(readdirSync(place)).toEqual([]);
    expect((await runs(...args)).stdout).toBe('nothing to prune\n');
    expect((await readRecords(results)).records).toHaveLength(SAMPLES.length);
  });
});
