/** Vision runs as a user starts them: generated pictures, images of one's own, and the Hub's data under the paper's names. */
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { type RunRecord, readRecords } from '@psoft/results';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FakeHub, type HostedFile } from '../../datasets/test/hub/server.ts';
import { psoft, start } from './psoft.ts';

const at = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));
const IMAGES = at('../../datasets/test/fixtures/images');
const VTAB = at('../../datasets/test/fixtures/vtab');
const MODEL = at('../../tiny-models/checkpoints/vit-tiny');

const folder = mkdtempSync(path.join(tmpdir(), 'psoft-vision-'));
afterAll(() => rmSync(folder, { recursive: true, maxRetries: 5 }));
const out = (name: string) => [
  `--results-dir=${path.join(folder, name, 'results')}`,
  `--runs-dir=${path.join(folder, name, 'runs')}`,
];
const recordsOf = async (name: string) => (await readRecords(path.join(folder, name, 'results'))).records;
const splitsOf = ({ metaInfo }: RunRecord) =>
  Object.fromEntries(metaInfo.datasetInfo.splits.map(({ name, count }) => [name, count]));
const runsOf = (name: string, profile: string, task: string) => {
  const runs = path.join(folder, name, 'runs', profile, 'vision', task);
  return readdirSync(runs).map((run) => path.join(runs, run));
};
const cache = { PSOFT_CACHE: path.join(folder, 'cache') };

test('a run on generated pictures chooses on the 200 and reports the test set', async () => {
  const args = ['train', 'vision/eurosat', '--max-steps=30', '--epochs=2', ...out('generated')];
  const { code, stdout, stderr } = await psoft(...args);
  expect(code, stderr).toBe(0);
  expect(stdout).toMatch(/^reported: accuracy \d+\.\d\d \(epoch \d, chosen on the selection split\)/);
  const [record] = await recordsOf('generated');
  expect(splitsOf(record!)).toEqual({ train: 800, selection: 200, report: 400 });
  // The splits are the same for every seed.
  expect(record!.runInfo.seeds.split).toBeUndefined();
  expect(record!.metaInfo.datasetInfo.splitSeed).toBeUndefined();
  expect(record!.runInfo.trainConfig).toMatchObject({ schedule: 'cosine', weightDecay: 1e-3 });
  // Of ten classes; an untrained head is right at one in ten.
  expect(record!.trainInfo.test!.accuracy).toBeGreaterThan(25);
}, 60_000);

test('the variant that trains on all 1,000 keeps the last epoch', async () => {
  const args = ['train', 'vision/eurosat', '--method=psoft-train-1000', '--epochs=1', ...out('all')];
  const { code, stdout, stderr } = await psoft(...args);
  expect(code, stderr).toBe(0);
  expect(stdout).toMatch(/^reported: accuracy \d+\.\d\d \(last epoch\)/);
  const [record] = await recordsOf('all');
  expect(record!.runInfo.variant).toBe('train-1000');
  expect(record!.trainInfo.best).toBeUndefined();
  // 32 batches of 32, the last one of 8.
  expect(record!.trainInfo.metrics.map(({ step, selection }) => [step, selection])).toEqual([[32, {}]]);
}, 60_000);

describe('images of one’s own', () => {
  const data = path.join(folder, 'data');
  const files = ['full.jpg', 'grey.png', 'half.jpg', 'alpha.png', 'palette.png', 'plain.webp'];
  beforeAll(() => {
    cpSync(IMAGES, path.join(data, 'images'), { recursive: true });
    for (const list of ['train800', 'val200', 'test'])
      writeFileSync(
        path.join(data, `${list}.txt`),
        files.map((name, i) => `images/${name} ${i % 4}\n`).join(''),
      );
  });

  test('are trained on, and predicted as they were reported', async () => {
    const args = ['train', 'vision/kitti', `--data-dir=${data}`, '--max-steps=2', ...out('own')];
    const trained = await start(args, cache).outcome;
    expect(trained.code, trained.stderr).toBe(0);
    const [record] = await recordsOf('own');
    expect(record!.runInfo.variant).toBe('real-data');
    const [run] = runsOf('own', 'tiny', 'kitti');
    const reported = readFileSync(path.join(run!, 'predictions-report.jsonl'), 'utf8').trim().split('\n');

    const images = files.map((name) => path.join(IMAGES, name));
    const predicted = await start(['predict', run!, ...images, '--batch-size=4']).outcome;
    expect(predicted.code, predicted.stderr).toBe(0);
    expect(predicted.stderr).toContain('6 rows in ');
    const rows = predicted.stdout.trim().split('\n');
    for (const [i, line] of rows.entries()) {
      const { file, prediction, ...shares } = JSON.parse(line) as Record<string, string | number>;
      const { logits } = JSON.parse(reported[i]!) as { logits: number[] };
      const sum = logits.reduce((total, one) => total + Math.exp(one), 0);
      expect(file).toBe(images[i]);
      expect(prediction).toBe(String(logits.indexOf(Math.max(...logits))));
      for (const [label, logit] of logits.entries())
        expect(shares[`probability_${label}`]).toBeCloseTo(Math.exp(logit) / sum, 5);
    }
    expect(rows).toHaveLength(files.length);
  }, 60_000);

  test('what is no image, and a file of texts, are refused in one line', async () => {
    const [run] = runsOf('own', 'tiny', 'kitti');
    for (const [args, message] of [
      [[path.join(data, 'test.txt')], /test\.txt: cannot be decoded as an image/],
      [[path.join(folder, 'none')], /cannot read .*none \(ENOENT\): give an image file or a folder/],
      [['--input', path.join(folder, 'x.csv')], /the run's task, kitti, reads images: give image files/],
      [[IMAGES, '--glue'], /only one of them/],
    ] as const) {
      const { code, stdout, stderr } = await psoft('predict', run!, ...args);
      expect([code, stdout]).toEqual([1, '']);
      expect(stderr).toMatch(message);
      expect(stderr.trim().split('\n')).toHaveLength(1);
    }
  }, 60_000);

  test('broken ones are named, and nothing is recorded', async () => {
    const broken = path.join(folder, 'broken', 'kitti');
    for (const split of ['train', 'val', 'test']) {
      for (const name of ['far', 'near', 'nearer', 'none'])
        mkdirSync(path.join(broken, split, name), { recursive: true });
      writeFileSync(path.join(broken, split, 'near', 'x.jpg'), 'not an image');
    }
    // The folder of all tasks may be given as well as the task's own.
    const args = ['train', 'vision/kitti', `--data-dir=${path.dirname(broken)}`, ...out('broken-run')];
    const { code, stderr } = await start(args, cache).outcome;
    expect(code).toBe(1);
    expect(stderr).toMatch(/kitti train: 1 of 1 images are broken, replace them: train.near.x\.jpg: /);
    expect(await recordsOf('broken-run')).toEqual([]);
  }, 60_000);
});

describe('the paper profile', () => {
  let hub: FakeHub;
  beforeAll(async () => {
    const { profiles, tasks } = JSON.parse(
      readFileSync(at('../../../experiments/vision/experiment.json'), 'utf8'),
    );
    const filesOf = (root: string) =>
      Object.fromEntries(
        readdirSync(root, { recursive: true, encoding: 'utf8' })
          .filter((name) => path.extname(name) !== '')
          .map((name): [string, HostedFile] => [
            name.split(path.sep).join('/'),
            { content: readFileSync(path.join(root, name)), isLarge: /safetensors|parquet/.test(name) },
          ]),
      );
    hub = await FakeHub.start();
    hub.host(`models/${profiles.paper.model.name}`, filesOf(MODEL), profiles.paper.model.revision);
    hub.host(`datasets/${tasks.clevr_count.paper.data.name}`, filesOf(VTAB));
  });
  afterAll(() => hub.stop());

  test('searches three learning rates on the 200, from the Hub’s images', async () => {
    const env = { ...cache, HF_HOME: path.join(folder, 'hf'), HF_ENDPOINT: hub.endpoint, PSOFT_DATA: '' };
    const args = ['train', 'vision/clevr_count', '--profile=paper', '--max-steps=2', ...out('paper')];
    const { code, stdout, stderr } = await start(args, env).outcome;
    expect(code, stderr).toBe(0);
    const records = await recordsOf('paper');
    const rates = records.map(({ runInfo }) => runInfo.trainConfig.learningRate);
    expect(rates.sort()).toEqual([0.0005, 0.001, 0.005]);
    const best = Math.max(...records.map(({ trainInfo }) => trainInfo.best!.value));
    const chosen = Number(/^learning rate (\S+) does best on the selection split/.exec(stdout)![1]);
    const record = records.find(({ runInfo }) => runInfo.trainConfig.learningRate === chosen)!;
    expect(record.trainInfo.best!.value).toBe(best);
    expect(splitsOf(record)).toEqual({ train: 24, selection: 8, report: 10 });
    expect(record.metaInfo.datasetInfo.revision).toMatch(/^c0ffee/);
    expect(record.runInfo.trainConfig).toMatchObject({ batchSize: 64, epochs: 50, headLearningRate: 5e-3 });
    expect(record.runInfo.adapterConfig).toMatchObject({ r: 46, psoftDropout: 0.1, useCayleyNeumann: false });
    expect(stdout).toContain(`reported: accuracy ${record.trainInfo.test!.accuracy!.toFixed(2)}`);
  }, 120_000);
});
