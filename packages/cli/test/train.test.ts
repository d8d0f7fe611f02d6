/** The whole path on the tiny profile, as a user runs it, cut short. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { readRecords } from '@psoft/results';
import { afterAll, describe, expect, test } from 'vitest';
import { psoft, start } from './psoft.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'psoft-train-'));
afterAll(() => rmSync(folder, { recursive: true, maxRetries: 5 }));
const out = (name: string) => [
  '--results-dir',
  path.join(folder, name),
  '--runs-dir',
  path.join(folder, `${name}-runs`),
];

describe('psoft train nlu/cola', () => {
  test('records, saves and repeats a run exactly', async () => {
    const args = ['train', 'nlu/cola', '--max-steps=6', '--rank=8', '--seed=3'];
    const first = await psoft(...args, ...out('a'));
    expect(first.stderr).not.toMatch(/psoft:/);
    expect(first.stdout).toMatch(/reported: matthewsCorrelation -?[\d.]+, accuracy [\d.]+/);
    expect(first.code).toBe(0);
    // Nothing of a user's secrets is written or said.
    const home = path.join(folder, 'SENTINEL');
    const second = await start([...args, ...out('b')], { HOME: home, HF_TOKEN: 'hf_SENTINEL' }).outcome;
    expect(second.stdout + second.stderr).not.toContain('SENTINEL');
    for (const name of ['b', 'b-runs'])
      for (const entry of readdirSync(path.join(folder, name), { recursive: true, withFileTypes: true }))
        if (entry.isFile())
          expect(readFileSync(path.join(entry.parentPath, entry.name)).includes('SENTINEL'), entry.name).toBe(
            false,
          );
    const [a, b] = await Promise.all(['a', 'b'].map((name) => readRecords(path.join(folder, name))));
    expect([a!.records.length, a!.skipped]).toEqual([1, []]);
    const [one, two] = [a!.records[0]!, b!.records[0]!];
    expect(one.runInfo.configHash).toBe(two.runInfo.configHash);
    expect(one.trainInfo.test).toEqual(two.trainInfo.test);
    expect(one.trainInfo.metrics.map(({ trainLoss }) => trainLoss)).toEqual(
      two.trainInfo.metrics.map(({ trainLoss }) => trainLoss),
    );
    // All 24 linear layers of the four blocks: r(r-1)/2 + 2r each.
    expect(one.trainInfo.parameters.trainableWithoutHead).toBe(24 * (28 + 16));
    expect(one.trainInfo.initialisationSeconds).toBeGreaterThan(0);
    expect(one.trainInfo.initialisationSeconds).toBeLessThan(one.runInfo.totalSeconds);

    const adapter = findFile(path.join(folder, 'a-runs'), 'adapter_model.safetensors');
    const again = findFile(path.join(folder, 'b-runs'), 'adapter_model.safetensors');
    expect(readFileSync(adapter).equals(readFileSync(again))).toBe(true);
    expect(existsSync(path.join(path.dirname(adapter), 'adapter_config.json'))).toBe(true);

    const charts = await psoft('charts', '--results-dir', path.join(folder, 'a'));
    expect(charts.stdout).toMatch(/learning-curves\.svg\n.*method-comparison\.svg/s);
  }, 120_000);

  test('another seed is another result under another name', async () => {
    await psoft('train', 'nlu/cola', '--method=head', '--max-steps=2', '--seed=1', ...out('c'));
    await psoft('train', 'nlu/cola', '--method=head', '--max-steps=2', '--seed=2', ...out('c'));
    const { records } = await readRecords(path.join(folder, 'c'));
    expect(records.map(({ runInfo }) => runInfo.seed).sort()).toEqual([1, 2]);
    expect(records[0]!.trainInfo.parameters.trainableWithoutHead).toBe(0);
    expect(records[0]!.trainInfo.initialisationSeconds).toBeUndefined();
  }, 120_000);

  test.each(['SIGINT', 'SIGTERM'] as const)(
    '%s stops it after the step, without a result',
    async (signal) => {
      const name = `stopped-${signal}`;
      const running = start(['train', 'nlu/cola', ...out(name)]);
      await running.said(/trainable:/);
      await new Promise((resolve) => setTimeout(resolve, 1500));
      running.kill(signal);
      const { code, stdout } = await running.outcome;
      expect(code).toBe(130);
      expect(stdout).toMatch(/stopped before the end/);
      expect(existsSync(path.join(folder, name))).toBe(false);
      expect(findFile(path.join(folder, `${name}-runs`), 'cancelled.json')).toBeTruthy();
    },
    120_000,
  );

  test('killing the command ends its training process and leaves nothing half-written', async () => {
    const running = start(['train', 'nlu/cola', ...out('killed')]);
    await running.said(/trainable:/);
    await new Promise((resolve) => setTimeout(resolve, 1500));
    running.kill('SIGKILL');
    await running.outcome;
    // The training process sees that its parent is gone, stops after its step and says so in the run's folder.
    const runs = path.join(folder, 'killed-runs');
    await expect
      .poll(() => existsSync(runs) && listFiles(runs).includes('cancelled.json'), {
        timeout: 60_000,
        interval: 200,
      })
      .toBe(true);
    expect(existsSync(path.join(folder, 'killed'))).toBe(false);
  }, 120_000);
});

function listFiles(root: string): string[] {
  return readdirSync(root, { recursive: true, encoding: 'utf8' }).map((file) => path.basename(file));
}

function findFile(root: string, name: string): string {
  const found = readdirSync(root, { recursive: true, encoding: 'utf8' }).find(
    (file) => path.basename(file) === name,
  );
  if (found === undefined) throw new Error(`no ${name} below ${root}`);
  return path.join(root, found);
}
