/** Tables, plans, predictions, and runs that are killed: as a user meets them, on data of a few rows. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type RunRecord, readRecords } from '@psoft/results';
import { afterAll, describe, expect, test } from 'vitest';
import { glueData } from './glue.ts';
import { psoft, start } from './psoft.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'psoft-nlu-'));
afterAll(() => rmSync(folder, { recursive: true, maxRetries: 5 }));
const out = (name: string) => [
  '--results-dir',
  path.join(folder, name),
  '--runs-dir',
  path.join(folder, `${name}-runs`),
];
const records = async (name: string) => (await readRecords(path.join(folder, name))).records;

const glue = () => glueData(folder);

/** What must not depend on when a run was broken off. */
function facts({ runInfo, trainInfo }: RunRecord) {
  return {
    configHash: runInfo.configHash,
    test: trainInfo.test,
    best: trainInfo.best,
    rows: trainInfo.metrics.map(({ epoch, step, trainLoss, selection, learningRate, meanGradientNorm }) => [
      epoch,
      step,
      trainLoss,
      selection,
      learningRate,
      meanGradientNorm,
    ]),
  };
}

describe('a run killed at any moment', () => {
  const args = ['train', 'nlu/rte', '--data-dir', glue(), '--epochs=12', '--rank=4', '--checkpoint-steps=2'];
  test('goes on from its checkpoint and ends with exactly the same result', async () => {
    const straight = await psoft(...args, ...out('straight'));
    expect(straight.code, straight.stderr).toBe(0);

    const runs = path.join(folder, 'killed-runs');
    const step = () => {
      const file = find(runs, 'checkpoint.safetensors');
      return file === undefined ? 0 : Number(/\\"step\\":(\d+)/.exec(readFileSync(file, 'latin1'))?.[1] ?? 0);
    };
    // Once in the second epoch, once much later.
    for (const least of [4, 20]) {
      const running = start([...args, ...out('killed')]);
      await expect.poll(step, { timeout: 60_000, interval: 10 }).toBeGreaterThanOrEqual(least);
      running.killAll();
      await running.outcome;
      expect(existsSync(path.join(folder, 'killed'))).toBe(false);
    }
    const last = await psoft(...args, ...out('killed'));
    expect(last.code, last.stderr).toBe(0);
    expect(last.stderr).toMatch(/continuing after step \d+ from .*checkpoint\.safetensors/);

    const [[one], [other]] = [await records('straight'), await records('killed')];
    expect(facts(other!)).toEqual(facts(one!));
    expect([one!.runInfo.continued, other!.runInfo.continued]).toEqual([undefined, 2]);
    const file = (name: string, wanted: string) =>
      readFileSync(find(path.join(folder, `${name}-runs`), wanted)!);
    for (const wanted of ['adapter_model.safetensors', 'predictions-report.jsonl'])
      expect(file('killed', wanted).equals(file('straight', wanted)), wanted).toBe(true);
    expect(find(runs, 'checkpoint.safetensors')).toBeUndefined();
  }, 120_000);

  test('a stopped run goes on too; another executor is refused; --restart begins anew', async () => {
    const running = start([...args, ...out('stopped')]);
    await expect
      .poll(() => find(path.join(folder, 'stopped-runs'), 'checkpoint.safetensors'), {
        timeout: 60_000,
        interval: 10,
      })
      .toBeTruthy();
    running.kill('SIGINT');
    const { code, stdout } = await running.outcome;
    expect([code, stdout]).toEqual([130, expect.stringContaining('Run it again to go on')]);
    const other = await psoft(...args, '--threads=1', ...out('stopped'));
    expect(other.stderr).toMatch(
      /made with threads left to the executor's choice, this run has 1.*--restart/,
    );
    expect(other.code).toBe(1);
    const anew = await psoft(...args, '--restart', ...out('stopped'));
    expect([anew.code, anew.stderr]).toEqual([0, expect.not.stringContaining('continuing')]);
    const [record] = await records('stopped');
    expect(record!.runInfo.continued).toBeUndefined();
    expect(find(path.join(folder, 'stopped-runs'), 'cancelled.json')).toBeUndefined();
  }, 120_000);
});

describe('psoft table', () => {
  const args = [
    'table',
    'nlu/table2',
    '--tasks=stsb,sst2',
    '--methods=head,psoft',
    '--seeds=1',
    '--max-steps=2',
  ];
  test('runs what is missing, skips what is recorded, prints methods by tasks', async () => {
    const first = await psoft(...args, '--threads=1', ...out('table'));
    expect(first.code, first.stderr).toBe(0);
    expect(first.stdout).toMatch(/^Table 2: GLUE on DeBERTaV3-base, profile tiny, seeds 1\n/);
    expect(first.stdout).toMatch(/method +trained +stsb \(pearson\) +sst2 \(accuracy\) +average/);
    expect(first.stdout).toMatch(/head +0 +-?[\d.]+ +[\d.]+ +-?[\d.]+/);
    expect(await records('table')).toHaveLength(4);

    const csv = path.join(folder, 'table.csv');
    const again = await psoft(...args, '--format=csv', '--out', csv, ...out('table'));
    expect(again.stderr.match(/recorded already/g)).toHaveLength(4);
    expect(again.stdout).toMatch(/^method,trained,stsb \(pearson\),sst2 \(accuracy\),average\nhead,0,/);
    expect(readFileSync(csv, 'utf8')).toBe(again.stdout);
  }, 120_000);

  test('what fails has its reason in its cell, and the rest is run', async () => {
    const { code, stdout, stderr } = await psoft(
      ...['table', 'nlu/table2', '--tasks=rte,sst2', '--methods=head', '--seeds=1', '--max-steps=2'],
      ...['--data-dir', glue(), ...out('failing')],
    );
    expect(code).toBe(1);
    expect(stderr).toMatch(/sst2, head, seed 1: no SST-2 data in/);
    expect(stdout).toMatch(/head +0 +[\d.]+ +no SST-2 data in/);
  }, 60_000);

  test.each([
    [['table', 'nlu/table9'], /unknown table of nlu "table9"; known: table2/],
    [['table', 'nlu'], /"nlu" is no table/],
    [['table', 'nlu/table2', '--tasks=cola,rtee'], /unknown task of nlu "rtee"/],
    [['table', 'nlu/table2', '--methods=psfot'], /unknown method of nlu "psfot"/],
  ])('%s is one line', async (args, message) => {
    const { code, stdout, stderr } = await psoft(...args, ...out('wrong'));
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(message);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });
});

describe('psoft train --dry-run', () => {
  test('says what a run would do, and writes nothing', async () => {
    const { code, stdout, stderr } = await psoft(
      ...['train', 'nlu/mnli', '--data-dir', glue(), '--epochs=5', '--dry-run', ...out('dry')],
    );
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/train 32, selection 6, report 6, mismatched 9/);
    expect(stdout).toMatch(/steps: 10 \(5 epochs of 2, 1 of them warm-up\)/);
    // Five evaluations of the selection half, one of each reported split, in one batch each.
    expect(stdout).toMatch(/\n {2}16 +0 +5 +\d+ ms\n {2}32 +10 +\d+ ms +2 +\d+ ms\n/);
    expect(stdout).toMatch(/13,440 trained beside the head's 37,\d{3}/);
    expect(stdout).toMatch(/memory: weights 10\.5 MB.*peak \d+/);
    expect(stdout).toMatch(/expected time: .*nothing was written/s);
    expect(['dry', 'dry-runs'].map((name) => existsSync(path.join(folder, name)))).toEqual([false, false]);
  }, 60_000);
});

describe.each(['psoft', 'head', 'full'])('psoft predict with %s', (method) => {
  const train = async (task: string, ...more: string[]) => {
    const trained = await psoft(
      ...['train', `nlu/${task}`, '--data-dir', glue(), `--method=${method}`, '--epochs=1', ...more],
      ...out(`${method}-${task}`),
    );
    expect(trained.code, trained.stderr).toBe(0);
    const file = find(path.join(folder, `${method}-${task}-runs`), 'run.json')!;
    return path.dirname(file);
  };

  test('gives the predictions that the run reported, from a file and from standard input', async () => {
    const run = await train('rte');
    const dev = path.join(glue(), 'RTE', 'dev.tsv');
    const predicted = path.join(folder, `${method}.csv`);
    const { code, stderr } = await psoft('predict', run, '--input', dev, '--output', predicted);
    expect(code, stderr).toBe(0);
    const [header, ...rows] = readFileSync(predicted, 'utf8').trim().split('\n');
    expect(header).toBe('index,prediction,probability_entailment,probability_not_entailment');
    expect(rows).toHaveLength(20);
    // The reported half of the run is among them: the same share of class 0 for the same text.
    const reported = readFileSync(path.join(run, 'predictions-report.jsonl'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).logits as [number, number]);
    const shares = rows.map((row) => Number(row.split(',')[2]));
    for (const [a, b] of reported) {
      const share = 1 / (1 + Math.exp(b - a));
      expect(Math.min(...shares.map((one) => Math.abs(one - share)))).toBeLessThan(1e-5);
    }

    const line = JSON.stringify({ sentence1: 'The sailor saw ship 0.', sentence2: 'The ship 0 was seen.' });
    const running = start(['predict', run, '--input', '-', '--format', 'jsonl'], {}, `${line}\n`);
    const { stdout } = await running.outcome;
    expect(JSON.parse(stdout).probability_entailment).toBeCloseTo(shares[0]!, 5);
  }, 120_000);

  test.runIf(method === 'psoft')(
    'writes what GLUE’s server takes',
    async () => {
      const submission = path.join(folder, 'submission');
      for (const task of ['mnli', 'stsb'])
        await psoft('predict', await train(task), '--glue', '--data-dir', glue(), '--output', submission);
      expect(readdirSync(submission).sort()).toEqual(['MNLI-m.tsv', 'MNLI-mm.tsv', 'STS-B.tsv']);
      const read = (name: string) => readFileSync(path.join(submission, name), 'utf8').split('\n');
      expect(read('MNLI-m.tsv')).toHaveLength(1 + 5 + 1);
      expect(read('MNLI-mm.tsv')[0]).toBe('index\tprediction');
      expect(read('MNLI-mm.tsv')[1]).toMatch(/^0\t(entailment|neutral|contradiction)$/);
      expect(read('STS-B.tsv')[6]).toMatch(/^5\t[0-5]\.\d{3}$/);
    },
    120_000,
  );
});

describe('psoft predict', () => {
  test.each([
    [['predict', folder, '--input', 'x.csv'], /holds no finished run: a run's folder has run\.json/],
    [['predict', folder], /Give --input FILE, --input -, image files or --glue/],
    [['predict', folder, '--input', 'x.txt'], /format of x\.txt cannot be told.*--format csv\|tsv\|jsonl/],
    [['predict', folder, '--input', 'x.csv', '--glue'], /--input or --glue, not both/],
  ])('%s is one line', async (args, message) => {
    const { code, stdout, stderr } = await psoft(...args);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(message);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });
});

function find(root: string, name: string): string | undefined {
  if (!existsSync(root)) return undefined;
  const found = readdirSync(root, { recursive: true, encoding: 'utf8' }).find(
    (file) => path.basename(file) === name,
  );
  return found === undefined ? undefined : path.join(root, found);
}
