import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { checkRecord, type RunRecord } from '@psoft/results';
import { afterAll, describe, expect, test } from 'vitest';
import { evaluationRecord, sealed, trainingRecord } from '../../../results/test/records.ts';
import { isEvaluation } from '../cells.ts';
import type { Outcome } from '../commands/series.ts';
import { rankSettings } from '../methodFlags.ts';
import { findExperiments, ROOT } from '../workspace.ts';
import { labelOf, type PointRun, pointsOf, runsOf } from './points.ts';
import { frontierPoints, rowsOf, tableOfRows } from './report.ts';
import { checkSweep, readSweep, type Sweep } from './spec.ts';

const experiments = findExperiments();
const folder = mkdtempSync(path.join(tmpdir(), 'psoft-sweep-'));
afterAll(() => rmSync(folder, { recursive: true }));

const sweep: Sweep = {
  name: 'ranks',
  experiment: 'commonsense',
  title: 'Ranks',
  tasks: ['boolq', 'piqa'],
  seeds: { tiny: [1, 2] },
  profiles: { tiny: { epochs: 1 } },
  series: [
    {
      name: 'PSOFT',
      method: 'psoft',
      set: { psoftMagA: false },
      grid: { rank: { tiny: [4, 8], paper: [72] }, targetModules: [['q_proj'], ['q_proj', 'v_proj']] },
    },
    { name: 'LoRA', method: 'lora', list: [{ rank: 1, learningRate: 0.01 }, { rank: 2 }] },
  ],
};

describe('points', () => {
  test('are all combinations of a grid, or a list, with what their series and profile share', () => {
    const points = pointsOf(sweep, 'tiny');
    expect(points.map(labelOf)).toEqual([
      'PSOFT rank 4, targetModules q',
      'PSOFT rank 4, targetModules q+v',
      'PSOFT rank 8, targetModules q',
      'PSOFT rank 8, targetModules q+v',
      'LoRA rank 1, learningRate 0.01',
      'LoRA rank 2',
    ]);
    expect(points[3]!.settings).toEqual({
      epochs: 1,
      psoftMagA: false,
      rank: 8,
      targetModules: ['q_proj', 'v_proj'],
    });
    expect(() =>
      pointsOf({ ...sweep, series: [{ ...sweep.series[0]!, grid: { rank: { paper: [1] } } }] }, 'tiny'),
    ).toThrow('sweep ranks, series "PSOFT": "rank" has no values for the profile tiny');
  });

  test('become evaluations of trainings with those settings, for every task and seed', () => {
    const runs = runsOf(sweep, experiments, { profile: 'tiny' }, [1, 2], rankSettings);
    expect(runs).toHaveLength(6 * 2 * 2);
    expect(runs[0]!.label).toBe('boolq, PSOFT rank 4, targetModules q, seed 1');
    const configs = runs.flatMap(({ config }) => (isEvaluation(config) ? [config] : []));
    expect(configs).toHaveLength(runs.length);
    expect(configs[7]!.training).toMatchObject({
      method: 'psoft',
      seed: 1,
      adapter: { r: 8, psoftAlpha: 8, psoftMagA: false, targetModules: ['q_proj', 'v_proj'] },
      training: { epochs: 1 },
    });
    expect(configs.at(-4)!.training).toMatchObject({
      method: 'lora',
      training: { learningRate: 0.01 },
      seed: 2,
    });
    expect(() =>
      runsOf(
        { ...sweep, series: [{ name: 'x', method: 'oft', set: { rank: 3 } }] },
        experiments,
        { profile: 'tiny' },
        [1],
        rankSettings,
      ),
    ).toThrow('--rank means nothing to oft');
  });
});

describe('a sweep file', () => {
  const write = (content: unknown, name = 'mine.json') => {
    const file = path.join(folder, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
    return file;
  };
  const { name: _, ...content } = sweep;

  test('is read by its path, or by the name that it has in its experiment', () => {
    expect(readSweep(write(content), experiments)).toEqual({ ...sweep, name: 'mine' });
    const { experiment: __, ...nameless } = content;
    write(nameless, 'experiments/commonsense/sweeps/own.json');
    expect(readSweep('commonsense/own', experiments, folder)).toMatchObject({
      name: 'own',
      experiment: 'commonsense',
    });
    expect(
      readSweep(path.join(folder, 'experiments/commonsense/sweeps/own.json'), experiments).experiment,
    ).toBe('commonsense');
    expect(() => readSweep(write(nameless), experiments)).toThrow('"experiment" is missing');
  });

  test.each([
    ['commonsense', '"commonsense" is no sweep: write EXPERIMENT/SWEEP'],
    ['commonsense/none', 'unknown sweep of commonsense "none"; known: modules, table16, table18'],
    ['nothing/none', 'unknown experiment "nothing"'],
  ])('%s is refused', (target, message) => {
    expect(() => readSweep(target, experiments)).toThrow(message);
  });

  test.each<[string, unknown, string]>([
    ['no JSON', '{', 'cannot be read as a sweep'],
    ['a list', [], 'a sweep is an object with title'],
    ['an unknown key', { ...content, ranks: [] }, 'unknown key "ranks"; known: title, experiment'],
    ['no tasks', { ...content, tasks: [] }, '"tasks" must be a list of task names, got []'],
    ['an unknown task', { ...content, tasks: ['x'] }, 'unknown task of commonsense "x"'],
    [
      'two that train',
      { ...content, tasks: ['train', 'boolq'] },
      '"tasks" takes evaluations, or one task that trains',
    ],
    [
      'an unknown method',
      { ...content, series: [{ name: 'a', method: 'b' }] },
      'unknown method of commonsense "b"',
    ],
    ['an unknown profile', { ...content, seeds: { small: [1] } }, 'unknown profile of commonsense "small"'],
    [
      'seeds that are none',
      { ...content, seeds: { tiny: [1.5] } },
      '"seeds" must be lists of whole numbers by profile',
    ],
    ['no series', { ...content, series: [] }, '"series" must be a list of series, got []'],
    [
      'a name twice',
      { ...content, series: [content.series[1], content.series[1]] },
      'two series are called "LoRA"',
    ],
    [
      'grid and list',
      { ...content, series: [{ ...content.series[1], grid: { rank: [1] } }] },
      'series[0] has a grid and a list: leave one out',
    ],
    [
      'a grid without values',
      { ...content, series: [{ name: 'a', method: 'lora', grid: { rank: [] } }] },
      '"series[0].grid" must be lists of values by setting',
    ],
    [
      'a point that is none',
      { ...content, series: [{ name: 'a', method: 'lora', list: [3] }] },
      '"series[0].list" must be a list of settings by name',
    ],
    [
      'a setting beside the others',
      { ...content, series: [{ name: 'a', method: 'lora', rank: 3 }] },
      'unknown key "series[0].rank"; known: name, method, set, grid, list',
    ],
  ])('%s is refused', (_name, given, message) => {
    expect(() => readSweep(write(given), experiments)).toThrow(message);
  });

  test.each(
    [...experiments.keys()].flatMap((experiment) => {
      const sweeps = path.join(ROOT, 'experiments', experiment, 'sweeps');
      try {
        return readdirSync(sweeps).map((file) => `${experiment}/${path.basename(file, '.json')}`);
      } catch {
        return [];
      }
    }),
  )('%s resolves in both profiles', (target) => {
    const read = readSweep(target, experiments);
    expect(checkSweep(JSON.parse(JSON.stringify({ ...read, name: undefined })), target)).toBeTruthy();
    for (const profile of ['tiny', 'paper'])
      expect(runsOf(read, experiments, { profile }, [1], rankSettings).length).toBeGreaterThan(3);
  });
});

describe('the report', () => {
  const records = new Map<string, RunRecord>();
  /** A training with so many values, and an evaluation of it. */
  const outcome = (seed: number, score: number, values: number): Outcome => {
    const base = trainingRecord(seed);
    const parameters = { ...base.trainInfo.parameters, trainableWithoutHead: values };
    const training = sealed({
      ...base,
      runInfo: { ...base.runInfo, trainConfig: { values } },
      trainInfo: { ...base.trainInfo, parameters, peakMemoryBytes: 2e9 },
    });
    records.set(training.runInfo.configHash, training);
    const evaluation = evaluationRecord(seed, score);
    const record = {
      ...evaluation,
      trainInfo: { ...evaluation.trainInfo, parameters },
      runInfo: {
        ...evaluation.runInfo,
        evaluates: { task: 'train', configHash: training.runInfo.configHash },
      },
    };
    return { record: checkRecord(sealed(record)) };
  };
  const runs: PointRun[] = runsOf(
    { ...sweep, series: [{ name: 'PSOFT', method: 'psoft', grid: { rank: [4, 8, 16] } }] },
    experiments,
    { profile: 'tiny' },
    [1, 2],
    rankSettings,
  );
  // Seed by seed, rank by rank, boolq and piqa; of rank 8 one task failed for the second seed, of rank 16 all.
  const outcomes: Outcome[] = [
    ...[outcome(1, 40, 100), outcome(1, 60, 100), outcome(1, 70, 200), outcome(1, 80, 200)],
    ...[{ failure: 'no memory' }, { failure: 'no memory' }],
    ...[outcome(2, 44, 100), outcome(2, 60, 100), outcome(2, 72, 200), { failure: 'killed' }],
    ...[{ failure: 'no memory' }, { failure: 'no memory' }],
  ];
  const rows = rowsOf(runs, outcomes, records);

  test('averages the tasks of each seed, and only where all of them have a score', () => {
    expect(rows.map(({ averages }) => averages)).toEqual([[50, 52], [75], []]);
    expect(rows.map(({ trained }) => trained)).toEqual([100, 200, undefined]);
    expect(rows[1]!.trainings).toHaveLength(2);
  });
  test('prints a row a point, with what failed', () => {
    const { header, body } = tableOfRows(rows, ['boolq', 'piqa'], 1);
    expect(header).toEqual([
      ...['series', 'rank', 'trained', 'boolq', 'piqa', 'average', 'start, s', 'training, s', 'memory, GB'],
    ]);
    expect(body[0]!.slice(0, 6)).toEqual(['PSOFT', '4', '100', '42.0', '60.0', '51.0 ± 1.4']);
    expect(body[1]!.slice(0, 6)).toEqual(['PSOFT', '8', '200', '71.0', '80.0', '75.0']);
    expect(body[2]!.slice(0, 6)).toEqual(['PSOFT', '16', '', 'no memory', 'no memory', '']);
    expect(body[0]!.at(-1)).toBe('2.00');
  });
  test('draws the points that have a score and trained something', () => {
    expect(frontierPoints(rows)).toEqual([
      { series: 'PSOFT', label: 'rank 4', cost: 100, score: 51, standardDeviation: Math.SQRT2 },
      { series: 'PSOFT', label: 'rank 8', cost: 200, score: 75 },
    ]);
  });
});
