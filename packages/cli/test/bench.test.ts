/** The benches at sizes of seconds: every method runs, records come out, a bundle needs nothing of the workspace. */
import { execFile } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { runtimePackage } from '@psoft/engine/devices';
import { type BenchRecord, checkBench, readBenches } from '@psoft/results/bench';
import { afterAll, expect, test } from 'vitest';
import { bundleBenches } from '../bench/bundle.ts';
import { measure } from '../bench/measure.ts';
import {
  growthPoints,
  METHODS,
  memoryPoints,
  pointOf,
  speedPoints,
  unavailableOf,
  type Wish,
} from '../bench/points.ts';

const folder = mkdtempSync(path.join(os.tmpdir(), 'psoft-bench-test-'));
afterAll(() => rmSync(folder, { recursive: true }));

const WISH: Wish = {
  ...{ profile: 'tiny', executor: 'cpu', precision: 'f32', weights: 'F32' },
  recompute: false,
};
const small = { batch: 2, length: 8 };

test.each(METHODS)('a step of %s, and its trained values learn', async (method) => {
  const measured = await measure(pointOf('deberta', method, { ...WISH, ...small, layers: 1 }), {
    folder,
    passes: 1,
  });
  expect(measured.trained).toBeGreaterThan(0);
  expect(measured.bestStepMilliseconds).toBeGreaterThan(0);
  expect(measured.losses).toHaveLength(4);
  expect(new Set(measured.losses).size).toBeGreaterThan(1);
});

test.each(['linear', 'block'] as const)(
  'the passes of one %s agree, and only both have a gradient',
  async (subject) => {
    const point = pointOf(subject, 'psoft', { ...WISH, ...small, hidden: 64, rank: 8 });
    const options = { folder, passes: 1 };
    const [both, forward] = [
      await measure(point, options),
      await measure(point, { ...options, isForwardOnly: true }),
    ];
    expect(forward.losses[0]).toBeCloseTo(both.losses[0]!, 6);
    expect(forward.graphNodes).toBeLessThan(both.graphNodes!);
  },
);

test('the suites have every cell of the tables, and the paper’s settings', () => {
  const paper: Wish = { ...WISH, profile: 'paper' };
  const labels = speedPoints(paper)
    .filter(({ shape }) => shape === 'linear')
    .map(({ method, adapter }) => `${method} ${adapter.r ?? adapter.boftBlockSize ?? ''}`.trim());
  expect(labels).toEqual(
    expect.arrayContaining(['goft', 'qgoft', 'boft 8', 'boft 4', 'psoft 32', 'psoft 512']),
  );
  expect(memoryPoints(paper, ['psoft']).map(({ shape, batch, length }) => [shape, batch, length])).toEqual([
    ...[64, 128, 256].map((length) => ['deberta', 64, length]),
    ...[16, 32, 64].map((batch) => ['vit', batch, 197]),
  ]);
  expect(pointOf('llama', 'psoft', paper)).toMatchObject({
    adapter: { r: 352, psoftAlpha: 352, useCayleyNeumann: true },
    ...{ batch: 4, length: 512, layers: 28, hidden: 3072 },
  });
  expect(unavailableOf(pointOf('llama', 'full', paper))).toMatch(/cross the host/);
  const growth = growthPoints(WISH, ['psoft']);
  expect(new Set(growth.map((point) => JSON.stringify(point))).size).toBe(growth.length);
});

const run = async (file: string, ...args: string[]) => {
  const { stdout } = await promisify(execFile)(process.execPath, [...process.execArgv, file, ...args], {
    cwd: folder,
  });
  return stdout;
};

test('a bundle measures without the workspace; its lines are imported into the store', async () => {
  const there = path.join(folder, 'there');
  mkdirSync(path.join(there, 'node_modules'), { recursive: true });
  symlinkSync(runtimePackage().folder, path.join(there, 'node_modules', 'onnxruntime-node'));
  await bundleBenches(['speed'], there);
  const speed = path.join(there, 'speed.mjs');
  const sizes = [
    '--toy',
    '--hidden=64',
    '--rank=8',
    '--steps=1',
    '--batch=2',
    '--length=8',
    `--folder=${folder}`,
  ];
  const lines = await run(speed, '--shape=linear', '--method=psoft,boft,head', ...sizes);
  const records = lines
    .trim()
    .split('\n')
    .map((line): BenchRecord => checkBench(JSON.parse(line)));
  expect(records.map(({ point, measured }) => [point.method, measured === undefined])).toEqual([
    ['psoft', false],
    ['boft', false],
    ['head', true],
  ]);
  expect(records[2]!.unavailable).toBe('a layer has no head');
  expect(records[0]!.metaInfo.packageInfo).toMatchObject({
    'onnxruntime-node': runtimePackage().version,
    '@tensorflow/tfjs': '4.22.0',
  });
  const file = path.join(folder, 'lines.jsonl');
  writeFileSync(file, lines);
  const results = path.join(folder, 'results');
  await run(speed, `--import=${file}`, `--results-dir=${results}`);
  expect((await readBenches(results)).records).toHaveLength(3);
  writeFileSync(file, `${lines}{"schemaVersion": 1}\n`);
  const failed = await run(speed, `--import=${file}`, `--results-dir=${results}`).catch(
    (error: Error) => error.message,
  );
  expect(failed).toMatch(/lines\.jsonl, line 4: point: missing/);
  const wrong = await run(speed, '--shape=linear', '--method=psfot').catch((error: Error) => error.message);
  expect(wrong).toMatch(/unknown method "psfot"; known: goft/);
  expect(existsSync(path.join(there, 'memory.mjs'))).toBe(false);
  expect(readFileSync(speed, 'utf8')).not.toContain(os.homedir().length > 5 ? os.homedir() : '\0');
});
