import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest';
import type { SeriesRun } from '../commands/series.ts';
import { findOne } from '../commands/sweep/find.ts';
import { byteCount } from '../commands/sweep/options.ts';
import { slurmScript } from '../launch/slurmScript.ts';
import { ROOT } from '../workspace.ts';
import { jobsOf } from './jobs.ts';
import { openSweep } from './open.ts';
import { type PlannedSweep, planSweep } from './planned.ts';
import {
  findSweeps,
  hashOf,
  readJob,
  readSweepState,
  resetJob,
  serialise,
  sweepFolder,
  writeJob,
} from './state.ts';
import { countsOf, statusOf } from './status.ts';

const root = mkdtempSync(path.join(tmpdir(), 'psoft-open-'));
afterAll(() => rmSync(root, { recursive: true }));
afterEach(() => vi.restoreAllMocks());

const options = {
  profile: 'tiny',
  executor: 'cpu' as const,
  resultsDir: path.join(root, 'results'),
  runsDir: path.join(root, 'runs'),
  attempts: 3,
  hangMinutes: 30,
};
const table = (more: object = {}) =>
  planSweep('nlu/table2', {
    ...options,
    tasks: ['rte'],
    methods: ['psoft', 'lora', 'head'],
    seeds: [1],
    ...more,
  });

describe('a table as a sweep', () => {
  test('has a run a cell and seed, in the table’s order', () => {
    const planned = table({ seeds: [1, 2] });
    expect(planned.runs.map(({ label }) => label)).toEqual([
      'rte, psoft, seed 1',
      'rte, lora, seed 1',
      'rte, head, seed 1',
      'rte, psoft, seed 2',
      'rte, lora, seed 2',
      'rte, head, seed 2',
    ]);
    expect([planned.name, planned.settings]).toEqual(['nlu-table2', 3]);
    expect(planSweep('nlu/table2', options).runs).toHaveLength(6 * 13 * 3);
    expect(() => planSweep('commonsense/table18', { ...options, methods: ['psoft'] })).toThrow(
      '--methods is for tables',
    );
  });
  test('puts evaluations of one training into one job, and known failures into none', () => {
    const { runs } = planSweep('commonsense/table5', { ...options, methods: ['psoft', 'base'], seeds: [1] });
    const jobs = jobsOf(runs);
    expect(jobs.map(({ name, runs: own }) => [name, own.length])).toEqual([
      ['8 tasks, psoft, seed 1', 8],
      ['8 tasks, base, seed 1', 8],
    ]);
    const unavailable: SeriesRun = { label: 'x', config: { unavailable: 'does not fit' } };
    expect(jobsOf([unavailable, ...table().runs]).map(({ runs: own }) => own)).toEqual([[1], [2], [3]]);
  });
});

describe('opening a sweep', () => {
  const said: string[] = [];
  const open = (planned: PlannedSweep, files: readonly (string | undefined)[], more: object = {}) => {
    said.length = 0;
    vi.spyOn(process.stderr, 'write').mockImplementation((text) => said.push(String(text)) > 0);
    const folder = sweepFolder(options.runsDir, {
      name: planned.name,
      hash: hashOf(planned.runs, options.resultsDir),
    });
    return openSweep({
      target: 'nlu/table2',
      planned,
      folder,
      recorded: { files, isTrained: async () => false },
      options: { ...options, ...more },
      threads: 1,
    }).then((opened) => ({ ...opened, folder }));
  };

  test('skips what is recorded and what failed, unless that is to be tried again', async () => {
    const planned = table();
    const first = await open(planned, ['a.json', undefined, undefined]);
    expect(first.open).toEqual([1, 2]);
    expect(said.join('')).toBe('[1/3] rte, psoft, seed 1: recorded already\n');
    expect(readJob(first.folder, 0).status).toBe('done');
    await writeJob(first.folder, 1, {
      status: 'failed',
      starts: 1,
      failures: { 'rte, lora, seed 1': 'loss is NaN' },
    });
    await writeJob(first.folder, 2, { status: 'running', starts: 1 });
    const second = await open(planned, ['a.json', undefined, undefined]);
    expect(second.open).toEqual([2]);
    expect(said.join('')).toContain(
      'rte, lora, seed 1: failed before, --retry-failed runs it again: loss is NaN\n',
    );
    expect((await open(planned, ['a.json', undefined, undefined], { retryFailed: true })).open).toEqual([
      1, 2,
    ]);
    await resetJob(first.folder, 1);
    expect(readJob(first.folder, 1)).toEqual({ status: 'waiting', starts: 0 });
  });

  test('of other settings is another sweep, and of the same the same', async () => {
    const hash = (more: object) => hashOf(table(more).runs, options.resultsDir);
    expect(hash({})).toBe(hash({}));
    for (const more of [{ maxSteps: 3 }, { seeds: [2] }, { methods: ['psoft'] }])
      expect(hash(more)).not.toBe(hash({}));
    expect(hashOf(table().runs, path.join(root, 'elsewhere'))).not.toBe(hash({}));
  });

  test('is read back whole, packed too, wherever the workspace lies', async () => {
    const { state, folder } = await open(table(), [undefined, undefined, undefined]);
    const text = readFileSync(path.join(folder, 'sweep.json'), 'utf8');
    expect(text).toContain('<workspace>/packages/tiny-models');
    expect(text).not.toContain(ROOT);
    expect(readSweepState(folder)).toEqual(JSON.parse(JSON.stringify(state)));
    const packed = path.join(root, 'sweep.json.gz');
    writeFileSync(packed, gzipSync(serialise(state)));
    expect(readSweepState(packed)).toEqual(readSweepState(folder));
    writeFileSync(packed, gzipSync(JSON.stringify({ format: 9 })));
    expect(() => readSweepState(packed)).toThrow('has format 9, this code reads 1');
  });

  test('is found by what people call it', async () => {
    const { folder } = await open(table(), [undefined, undefined, undefined]);
    const find = (target: string) => findOne(target, options);
    expect([find('nlu/table2'), find(path.basename(folder)), find(folder)]).toEqual([folder, folder, folder]);
    await open(table({ seeds: [5] }), [undefined, undefined, undefined]);
    expect(() => find('nlu/table2')).toThrow(
      /"nlu\/table2" may be nlu-table2-\w{8} or nlu-table2-\w{8}: name one/,
    );
    expect(() => find('math')).toThrow(/no sweep "math" below .*; there are nlu-table2-/);
    mkdirSync(path.join(options.runsDir, 'sweeps', 'empty'));
    expect(findSweeps(options.runsDir, '')).toHaveLength(2);
  });

  test('and what becomes of it is told from its files and from who should be at it', async () => {
    const { state, folder } = await open(table(), [undefined, undefined, undefined]);
    await writeJob(folder, 0, {
      status: 'running',
      starts: 2,
      step: 3,
      totalSteps: 9,
      deaths: ['the worker died (signal SIGKILL)'],
    });
    await writeJob(folder, 1, { status: 'running', starts: 1 });
    await writeJob(folder, 2, { status: 'waiting', starts: 0 });
    const words = new Map([
      [1, { isLive: false, text: 'OUT_OF_MEMORY, exit code 125, 17_1' }],
      [2, { isLive: true, text: 'PENDING (Priority), 17_2' }],
    ]);
    const jobs = statusOf(folder, state, words);
    expect(jobs.map(({ status, detail }) => [status, detail])).toEqual([
      ['running', 'step 3 of 9; deaths so far: 1, the last: the worker died (signal SIGKILL)'],
      ['lost', 'OUT_OF_MEMORY, exit code 125, 17_1'],
      ['queued', 'PENDING (Priority), 17_2'],
    ]);
    expect(countsOf(jobs)).toBe('1 running, 1 lost, 1 queued');
  });

  test('under Slurm asks for what the plan says', async () => {
    const { state } = await open(table(), [undefined, undefined, undefined]);
    const script = slurmScript(
      { folder: "/it's/here", state, minutes: 30, megabytes: 2048, jobs: [0, 2] },
      { jobs: 1, threads: 4, executor: 'cuda' },
    );
    for (const option of ['array=0-1%1', 'cpus-per-task=4', 'mem=2048M', 'time=30', 'gres=gpu:1', 'requeue'])
      expect(script).toContain(`#SBATCH --${option}\n`);
    expect(script).toContain('jobs=(0 2)\n');
    expect(script).toContain("folder='/it'\\''s/here'\n");
  });
});

test.each([
  ['12GB', 12e9],
  ['800 MB', 800e6],
  ['1.5g', 1.5e9],
  ['4096', 4096],
])('%s is %d bytes', (text, bytes) => {
  expect(byteCount(text)).toBe(bytes);
});
test.each(['', 'much', '-1GB', '0'])('"%s" is no size', (text) => {
  expect(() => byteCount(text)).toThrow('as 12GB or 800MB');
});
