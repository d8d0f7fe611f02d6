/** The paper profile's path from the Hub to a record, with a small model behind the big one's name. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { readRecords } from '@psoft/results';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FakeHub, type HostedFile } from '../../datasets/test/hub/server.ts';
import { start } from './psoft.ts';

const at = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));
const MODEL = at('../../tiny-models/checkpoints/deberta-tiny');
const GLUE = at('../../datasets/test/fixtures/glue');
const EXPERIMENT = JSON.parse(readFileSync(at('../../../experiments/nlu/experiment.json'), 'utf8'));
const { model, data } = EXPERIMENT.profiles.paper as Record<
  'model' | 'data',
  { name: string; revision: string }
>;

const folder = mkdtempSync(path.join(tmpdir(), 'psoft-hub-'));
let hub: FakeHub;
beforeAll(async () => {
  hub = await FakeHub.start();
  const filesOf = (root: string) =>
    Object.fromEntries(
      readdirSync(root, { recursive: true, encoding: 'utf8' })
        .filter((name) => path.extname(name) !== '')
        .map((name): [string, HostedFile] => [
          name.split(path.sep).join('/'),
          { content: readFileSync(path.join(root, name)), isLarge: /safetensors|parquet/.test(name) },
        ]),
    );
  // Under the very names and commits that the paper profile asks for.
  hub.host(`models/${model.name}`, filesOf(MODEL), model.revision);
  hub.host(`datasets/${data.name}`, filesOf(GLUE), data.revision);
});
afterAll(async () => {
  await hub.stop();
  rmSync(folder, { recursive: true, maxRetries: 5 });
});

const psoft = (args: readonly string[], env: Record<string, string> = {}) =>
  start(args, { HF_ENDPOINT: hub.endpoint, HF_HOME: folder, PSOFT_DATA: '', HF_TOKEN: '', ...env }).outcome;
const OUT = ['--results-dir', path.join(folder, 'results'), '--runs-dir', path.join(folder, 'runs')];
const TRAIN = ['train', 'nlu/rte', '--profile=paper', '--rank=4', '--max-steps=2', ...OUT];

describe('the paper profile', () => {
  test('offline with an empty cache says what is missing', async () => {
    const { code, stdout, stderr } = await psoft(TRAIN, { HF_HUB_OFFLINE: '1' });
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(new RegExp(`${model.name}.* is not in the cache at .*HF_HUB_OFFLINE`));
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });

  test('is prepared once, then runs without a network, and its record names the commits', async () => {
    const prepared = await psoft(['prepare', 'nlu/rte', 'nlu/mnli']);
    expect(prepared.code, prepared.stderr).toBe(0);
    expect(prepared.stderr).toMatch(/downloading model\.safetensors \(\d/);
    expect(prepared.stdout).toMatch(/nlu\/rte: train 24, selection 6, report 6\n/);
    expect(prepared.stdout).toMatch(/nlu\/mnli: train 24, selection 6, report 6, mismatched 9\n/);

    const before = hub.log().length;
    const trained = await psoft(TRAIN, { HF_HUB_OFFLINE: '1' });
    expect(trained.code, trained.stderr).toBe(0);
    expect(hub.log()).toHaveLength(before);
    const [record] = (await readRecords(path.join(folder, 'results'))).records;
    const { modelInfo, datasetInfo } = record!.metaInfo;
    expect([modelInfo.name, modelInfo.revision]).toEqual([model.name, model.revision]);
    expect([datasetInfo.name, datasetInfo.revision]).toEqual(['rte', data.revision]);
    // With another rank it is not the paper's run.
    expect(record!.referenceScore).toBeUndefined();

    const run = path.join(folder, 'runs', 'paper', 'nlu', 'rte');
    const submission = path.join(folder, 'submission');
    const predicted = await psoft([
      ...['predict', path.join(run, readdirSync(run)[0]!), '--glue', '--output', submission],
    ]);
    expect(predicted.code, predicted.stderr).toBe(0);
    expect(readFileSync(path.join(submission, 'RTE.tsv'), 'utf8').split('\n')[5]).toMatch(
      /^4\t(not_)?entailment$/,
    );
  }, 120_000);

  test('a gated model says where its licence is accepted, and shows no token', async () => {
    hub.inject(
      /models\/org\/gated|org\/gated/,
      ({ response }) => {
        response.writeHead(403, { 'x-error-code': 'GatedRepo' }).end();
      },
      99,
    );
    const { code, stderr } = await psoft([...TRAIN, '--model=org/gated'], { HF_TOKEN: 'hf_secret' });
    expect(code).toBe(1);
    expect(stderr).toMatch(/huggingface\.co\/org\/gated|\/org\/gated/);
    expect(stderr).not.toContain('hf_secret');
    expect(stderr.trim().split('\n')).toHaveLength(1);
  }, 60_000);
});
