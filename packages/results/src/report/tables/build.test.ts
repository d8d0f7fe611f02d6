import { beforeAll, describe, expect, test } from 'vitest';
import { MAPPING, type PlanOptions, plan, plannedRun, recordOf, SPEC } from '../../../test/planned.ts';
import { sealed } from '../../../test/records.ts';
import { type Paper, readPaper } from '../../paper/index.ts';
import type { RunRecord } from '../../schema.ts';
import { type BuildInput, buildTable } from './build.ts';
import type { PlannedRun, Reading } from './plan.ts';
import { TABLE_SPECS } from './specs/index.ts';

let paper: Paper;
beforeAll(async () => {
  paper = await readPaper();
});

const build = (records: readonly RunRecord[], options: PlanOptions = {}, more: Partial<BuildInput> = {}) => {
  const planned = plan(options);
  const { profile } = planned;
  return buildTable({ spec: SPEC, paper, profile, planned, records, mapping: MAPPING, ...more });
};

const scores = (method: string, task: string, values: readonly number[], more: Partial<PlannedRun> = {}) =>
  values.map((value, i) => recordOf(plannedRun(method, task, i + 1, more), value));

const cellIn = (table: ReturnType<typeof build>, key: string, column: string) =>
  table.rows.find((row) => row.key === key)!.cells[column]!;

describe('cells', () => {
  test('mean, sample deviation and seeds; the average by seed', () => {
    const table = build([...scores('lora', 'rte', [50, 60, 70]), ...scores('lora', 'cola', [10, 20, 60])]);
    expect(cellIn(table, 'lora', 'rte').ours).toEqual({ mean: 60, deviation: 10, n: 3, seeds: [1, 2, 3] });
    // (50 + 10) / 2, (60 + 20) / 2 and (70 + 60) / 2: their deviation is not the mean of deviations.
    const average = cellIn(table, 'lora', 'avg').ours!;
    expect(average.mean).toBe(45);
    expect(average.deviation).toBeCloseTo(Math.sqrt((15 ** 2 + 5 ** 2 + 20 ** 2) / 2), 12);
    expect(cellIn(table, 'lora', 'params').ours).toMatchObject({ mean: 5120, n: 3 });
  });

  test('one seed has no deviation, and says which are missing and how to fill them', () => {
    const table = build(scores('lora', 'rte', [50]));
    expect(cellIn(table, 'lora', 'rte')).toMatchObject({
      ours: { mean: 50, n: 1, seeds: [1] },
      missing: { seeds: [2, 3], command: 'npx nx run nlu:table2 --methods=lora --tasks=rte --seeds=2,3' },
    });
    expect(cellIn(table, 'lora', 'rte').ours).not.toHaveProperty('deviation');
    expect(cellIn(table, 'lora', 'avg')).toMatchObject({
      missing: { seeds: [1, 2, 3], command: 'npx nx run nlu:table2 --methods=lora' },
    });
    expect(cellIn(table, 'lora', 'avg')).not.toHaveProperty('ours');
    // Parameters are known from one record.
    expect(cellIn(table, 'lora', 'params')).not.toHaveProperty('missing');
  });

  test('an average takes the seeds that every task has', () => {
    const table = build([...scores('lora', 'rte', [50, 60, 70]), ...scores('lora', 'cola', [10, 20])]);
    expect(cellIn(table, 'lora', 'avg')).toMatchObject({
      ours: { mean: 35, n: 2, seeds: [1, 2] },
      missing: { seeds: [3], command: 'npx nx run nlu:table2 --methods=lora --tasks=cola --seeds=3' },
    });
  });

  test('a run that failed is missing, with its reason', () => {
    const failed = recordOf(plannedRun('lora', 'rte', 2), 0, (record) => {
      const { test: _, best: __, ...trainInfo } = record.trainInfo;
      return {
        ...record,
        runInfo: { ...record.runInfo, status: 'failed', error: 'loss is NaN' },
        trainInfo,
      };
    });
    const table = build([...scores('lora', 'rte', [50]), failed], { seeds: [1, 2] });
    expect(cellIn(table, 'lora', 'rte')).toMatchObject({
      ours: { n: 1 },
      missing: { seeds: [2], reason: 'seed 2 failed: loss is NaN' },
    });
  });

  test('what cannot be had says why, is not missing, and no command names it', () => {
    const table = build([...scores('lora', 'rte', [50, 60, 70])], { unavailable: { full: 'too large' } });
    for (const column of ['params', 'rte', 'avg'])
      expect(cellIn(table, 'full', column)).toEqual({ unavailable: 'too large' });
    expect(table.commands).toEqual([
      'npx nx run nlu:table2 --methods=lora --tasks=cola',
      'npx nx run nlu:table2 --methods=dora,psoft',
    ]);
    // Parameters and rte of LoRA; 10 more are open.
    expect(table.filled).toEqual({ cells: 2, of: 12 });
  });
});

describe('records that belong', () => {
  const own = plannedRun('psoft', 'rte', 1);
  const foreign: [string, RunRecord][] = [
    ['a trial', recordOf({ ...own, trainConfig: { ...own.trainConfig, maxSteps: 5 } }, 99)],
    ['another rate', recordOf({ ...own, trainConfig: { ...own.trainConfig, learningRate: 1 } }, 99)],
    ['another rank', recordOf({ ...own, adapterConfig: { r: 8 } }, 99)],
    ['another profile', recordOf({ ...own, profile: 'paper' }, 99)],
    ['a variant', recordOf({ ...own, variant: 'strict' }, 99)],
    ['a seed that is not the table’s', recordOf({ ...own, seed: 9 }, 99)],
    ['another protocol', recordOf({ ...own, protocol: 2 }, 99)],
    ['another model', recordOf({ ...own, model: 'deberta-small' }, 99)],
    ['real data', recordOf({ ...own, dataset: 'rte' }, 99)],
    ['another experiment', recordOf({ ...own, experiment: 'vision' }, 99)],
    [
      'a trial of an evaluation',
      recordOf({ ...own, readings: [{ evaluationConfig: { scorer: 'paper', limit: 3 } }] }, 99),
    ],
  ];
  test.each(foreign)('%s does not', (_, record) => {
    const table = build([recordOf(own, 40), record]);
    expect(cellIn(table, 'psoft', 'rte').ours).toEqual({ mean: 40, n: 1, seeds: [1] });
    expect(cellIn(build([record]), 'psoft', 'rte')).not.toHaveProperty('ours');
  });

  test('a pinned revision counts, an owner’s name does not', () => {
    const pinned = (revision: string) =>
      recordOf(own, 40, (record) => ({
        ...record,
        metaInfo: { ...record.metaInfo, modelInfo: { ...record.metaInfo.modelInfo, revision } },
      }));
    const run = () => [{ ...own, modelRevision: 'abc' }];
    expect(cellIn(build([pinned('abc')], { run }), 'psoft', 'rte').ours?.mean).toBe(40);
    expect(cellIn(build([pinned('def')], { run }), 'psoft', 'rte')).not.toHaveProperty('ours');
  });

  test('one base model for all: the newest record’s; the rest is told of', () => {
    const on = (fingerprint: string, createdAt: string) => (record: RunRecord) => ({
      ...record,
      runInfo: { ...record.runInfo, createdAt },
      metaInfo: { ...record.metaInfo, modelInfo: { ...record.metaInfo.modelInfo, fingerprint } },
    });
    const [older, newer] = [
      on('a'.repeat(64), '2026-01-01T00:00:00.000Z'),
      on('b'.repeat(64), '2026-02-01T00:00:00.000Z'),
    ];
    const table = build([
      recordOf(own, 40, older),
      recordOf(own, 60, newer),
      recordOf(plannedRun('psoft', 'rte', 2), 80, older),
    ]);
    expect(cellIn(table, 'psoft', 'rte').ours).toMatchObject({ mean: 60, seeds: [1] });
    expect(table.model?.fingerprint).toBe('b'.repeat(64));
    expect(table.notes).toContain('Left out: 2 records of other base weights than the newest.');
  });

  test('one state of the data for each task and seed', () => {
    const of = (fingerprint: string, createdAt: string) => (record: RunRecord) => ({
      ...record,
      runInfo: { ...record.runInfo, createdAt },
      metaInfo: {
        ...record.metaInfo,
        datasetInfo: { ...record.metaInfo.datasetInfo, splits: [{ name: 'test', count: 9, fingerprint }] },
      },
    });
    const table = build([
      recordOf(own, 40, of('a'.repeat(64), '2026-01-01T00:00:00.000Z')),
      recordOf(plannedRun('lora', 'rte', 1), 60, of('b'.repeat(64), '2026-02-01T00:00:00.000Z')),
      recordOf(plannedRun('psoft', 'rte', 2), 80, of('c'.repeat(64), '2026-01-01T00:00:00.000Z')),
    ]);
    expect(cellIn(table, 'psoft', 'rte').ours).toMatchObject({ mean: 80, seeds: [2] });
    expect(table.notes).toContain('Left out: 1 record of other data than the newest.');
  });
});

describe('scorers', () => {
  const by = (scorer: string, metric?: string): Reading => ({
    evaluationConfig: { scorer, maxNewTokens: 9 },
    ...(metric === undefined ? {} : { metric }),
  });
  const answered = (scorer: string, test: Record<string, number>) =>
    sealed({
      ...recordOf({ ...plannedRun('psoft', 'rte', 1), readings: [by(scorer)] }, 0),
      trainInfo: { ...recordOf(plannedRun('psoft', 'rte', 1), 0).trainInfo, test: { matthews: 0, ...test } },
    });
  const paperBy = answered('paper', { accuracy: 40, strictAccuracy: 30 });
  const strictBy = answered('strict', { accuracy: 31 });
  const asked = (readings: readonly Reading[]): PlanOptions => ({
    run: (method, task, seed) => [plannedRun(method, task, seed, { readings })],
  });

  test('never mix: each table has one', () => {
    const records = [paperBy, strictBy];
    const mean = (readings: readonly Reading[], from: readonly RunRecord[] = records) =>
      cellIn(build(from, asked(readings)), 'psoft', 'rte').ours?.mean;
    expect(mean([by('paper')])).toBe(40);
    expect(mean([by('strict')])).toBe(31);
    expect(mean([by('strict')], [paperBy])).toBeUndefined();
    // Its own evaluation comes first, the verdict beside another's second.
    expect(mean([by('strict'), by('paper', 'strictAccuracy')])).toBe(31);
    expect(mean([by('strict'), by('paper', 'strictAccuracy')], [paperBy])).toBe(30);
  });

  test('one that was asked for is named by commands', () => {
    const table = build([], { scorer: 'strict', isScorerAsked: true });
    expect(table.commands).toEqual(['npx nx run nlu:table2 --scorer=strict']);
    expect(table.notes).toContain('Every answer is judged by the scorer "strict".');
  });
});

test('of a search, the rate that does best on the selection split, once all are recorded', () => {
  const at = (learningRate: number, seed: number) =>
    plannedRun('psoft', 'rte', seed, { trainConfig: { learningRate } });
  const ran = (learningRate: number, seed: number, score: number, selection: number) =>
    recordOf(at(learningRate, seed), score, (record) => ({
      ...record,
      trainInfo: { ...record.trainInfo, best: { epoch: 6, value: selection } },
    }));
  const options: PlanOptions = {
    methods: ['psoft', 'full', 'lora', 'dora'],
    seeds: [1, 2],
    run: (method, task, seed) =>
      method === 'psoft' && task === 'rte'
        ? [at(0.1, seed), at(0.2, seed)]
        : [plannedRun(method, task, seed)],
  };
  const all = [ran(0.1, 1, 90, 50), ran(0.1, 2, 92, 52), ran(0.2, 1, 70, 60), ran(0.2, 2, 72, 45)];
  // 0.2 has the better selection in the mean, though not of every seed, and the worse test.
  expect(cellIn(build(all, options), 'psoft', 'rte').ours).toMatchObject({ mean: 71, n: 2 });
  expect(cellIn(build(all.slice(0, 3), options), 'psoft', 'rte')).toMatchObject({
    ours: { mean: 70, seeds: [1] },
    missing: { seeds: [2], reason: '1 of 2 learning rates are recorded' },
  });
});

describe('the paper’s values', () => {
  test('stand beside ours in the paper profile, with the difference', () => {
    const table = build(scores('psoft', 'rte', [80], { profile: 'paper' }), { profile: 'paper', seeds: [1] });
    const cell = cellIn(table, 'psoft', 'rte');
    expect(cell.paper).toEqual({ text: '86.74', value: 86.74 });
    expect(cell.difference).toBeCloseTo(-6.74, 10);
    expect(cellIn(table, 'psoft', 'params').paper).toEqual({ text: '0.08M', value: 80_000 });
    expect(table.rows.map(({ method, setting }) => `${method} ${setting}`.trim())).toEqual([
      ...['FFT', 'GOFTv2', 'LoRA r=8', 'DoRA r=8', 'PSOFT r=46'],
    ]);
  });

  test('do not enter another profile, nor do its runs this one', () => {
    const records = [...scores('psoft', 'rte', [80], { profile: 'paper' }), ...scores('psoft', 'rte', [10])];
    const tiny = build(records);
    expect(cellIn(tiny, 'psoft', 'rte').ours?.mean).toBe(10);
    const cells = tiny.rows.flatMap((row) => Object.values(row.cells));
    for (const cell of cells)
      for (const key of ['paper', 'paperMark', 'difference']) expect(cell).not.toHaveProperty(key);
    expect(tiny.caption).toContain('No statement about the paper');
    // Of ours in the tiny profile, its own settings.
    expect(tiny.rows.map(({ method, setting }) => `${method} ${setting}`.trim())).toEqual([
      ...['FFT', 'LoRA r=4', 'DoRA r=4', 'PSOFT r=4'],
    ]);
    expect(cellIn(build(records, { profile: 'paper' }), 'psoft', 'rte').ours?.mean).toBe(80);
  });

  test('rows that are not offered have a reason; rows of our own stand last', () => {
    const table = build([], { profile: 'paper', methods: ['vera', 'full', 'lora', 'dora', 'psoft'] });
    expect(cellIn(table, 'GOFTv2', 'cola')).toEqual({
      paper: { text: '65.45', value: 65.45 },
      unavailable: 'not here',
    });
    const last = table.rows.at(-1)!;
    expect([last.key, last.method, last.paperRow]).toEqual(['vera', 'VeRA', undefined]);
    expect(table.notes).toContain("Not in the paper's table: VeRA.");
  });

  test('a mapping to what is not planned is an error', () => {
    expect(() => build([], { profile: 'paper', methods: ['lora'] })).toThrow('table2: "full" is not planned');
  });
});

describe('marks', () => {
  test('ties as printed share the best, the next is second, and what stands apart has none', () => {
    const table = build([
      ...scores('full', 'rte', [99]),
      ...scores('lora', 'rte', [70.04]),
      ...scores('dora', 'rte', [70.01]),
      ...scores('psoft', 'rte', [60]),
    ]);
    const marks = Object.fromEntries(table.rows.map(({ key, cells }) => [key, cells.rte!.mark]));
    expect(marks).toEqual({ full: undefined, lora: 'best', dora: 'best', psoft: 'second' });
  });

  test('a single value is not the best of anything; the paper’s are marked among themselves', () => {
    const alone = build(scores('lora', 'rte', [70], { profile: 'paper' }), { profile: 'paper' });
    expect(cellIn(alone, 'lora', 'rte').mark).toBeUndefined();
    expect(cellIn(alone, 'dora', 'rte').paperMark).toBe('best');
    expect(cellIn(alone, 'psoft', 'rte').paperMark).toBe('second');
  });
});

describe('tests against the rival', () => {
  const seeds = [1, 2, 3, 4, 5];
  test('five seeds that all differ alike are marked, the rival and what stands apart are not tested', () => {
    const table = build(
      [
        ...scores('full', 'rte', [90, 91, 92, 93, 94]),
        ...scores('lora', 'rte', [50, 52, 51, 53, 50.5]),
        ...scores('dora', 'rte', [60, 63, 59, 62, 61]),
        ...scores('psoft', 'rte', [60, 62, 61.2, 63.1, 60.4]),
      ],
      { seeds },
    );
    const lora = cellIn(table, 'lora', 'rte').test;
    expect(lora).toMatchObject({ rival: 'psoft', over: 'seeds', n: 5, isSignificant: true });
    expect((lora as { difference: number }).difference).toBeCloseTo(-10.04, 10);
    expect(cellIn(table, 'dora', 'rte').test).toMatchObject({ isSignificant: false });
    expect(cellIn(table, 'psoft', 'rte').test).toBeUndefined();
    expect(cellIn(table, 'full', 'rte').test).toBeUndefined();
  });

  test('fewer than three common seeds are not tested', () => {
    const table = build([...scores('lora', 'rte', [50, 60, 70]), ...scores('psoft', 'rte', [55, 65])]);
    expect(cellIn(table, 'lora', 'rte').test).toEqual({
      rival: 'psoft',
      notTested: '2 common seeds, at least 3 are needed',
    });
  });

  test('unless examples are at hand, in which they are paired', () => {
    const [mine, theirs] = [scores('lora', 'rte', [50]), scores('psoft', 'rte', [55])];
    const rightIn = (from: number) =>
      new Map<string, number>(Array.from({ length: 200 }, (_, i) => [`p${i}`, i >= from ? 100 : 0]));
    const examples = new Map([
      [mine[0]!.runInfo.configHash, rightIn(60)],
      [theirs[0]!.runInfo.configHash, rightIn(30)],
    ]);
    const tested = (from: typeof examples) =>
      cellIn(build([...mine, ...theirs], {}, { examplesOf: (hash) => from.get(hash) }), 'lora', 'rte').test;
    expect(tested(examples)).toMatchObject({
      over: 'examples',
      n: 200,
      difference: -15,
      isSignificant: true,
    });
    const others = new Map(
      [...examples].map(([hash, map], i) => [hash, i === 0 ? map : new Map([['q', 100]])]),
    );
    expect(tested(others)).toMatchObject({ notTested: '1 common seed, at least 3 are needed' });
  });
});

test('benches stand beside the paper where they were measured, and name the command where not', () => {
  const spec = TABLE_SPECS.find(({ id }) => id === 'table21')!;
  const measured = [
    { table: 'table21', row: 'PSOFT r=46', column: 'peak_memory_gb_s64', mean: 3.6, n: 3 },
    { table: 'table22', row: 'PSOFT r=46', column: 'peak_memory_gb_s128', mean: 3.6, n: 3 },
  ];
  const table = buildTable({ spec, paper, profile: 'paper', records: [], measured });
  const cell = cellIn(table, 'PSOFT r=46', 'peak_memory_gb_s64');
  expect(cell).toMatchObject({ ours: { mean: 3.6 }, paper: { value: 4.1 } });
  expect(cell.difference).toBeCloseTo(-0.5, 10);
  expect(cellIn(table, 'PSOFT r=46', 'peak_memory_gb_s128')).toMatchObject({
    paper: { value: 6.8 },
    missing: { command: 'npx nx run bench:memory -c paper' },
  });
  expect(table.filled).toEqual({ cells: 1, of: 12 });
  expect(table.commands).toEqual(['npx nx run bench:memory -c paper']);
});
