/** Sweeps as a user meets them: real runs on a few rows, with what can befall them. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { isSameProcess } from '@psoft/training/lock';
import { afterAll, expect, test } from 'vitest';
import { childrenOf, commandOf, kill, workersOf } from '../bench/faults/processes.ts';
import { judge } from '../bench/faults/verdict.ts';
import { readJob } from '../src/sweep/state.ts';
import { type Outcome, psoft, type Running, start } from './psoft.ts';
import { sweepFolder } from './sweepFolder.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'psoft-sweeps-'));
afterAll(() => rmSync(folder, { recursive: true, maxRetries: 5 }));

const { places, options, file: sweepFile } = sweepFolder(folder);
const PSOFT = { name: 'PSOFT', method: 'psoft', set: { rank: 4, epochs: 10 } };
const HEAD = { name: 'head', method: 'head', set: { epochs: 4 } };
const sweepsOf = (name: string) => {
  const root = path.join(places(name).runs, 'sweeps');
  return existsSync(root) ? readdirSync(root).map((one) => path.join(root, one)) : [];
};
const both = sweepFile('both', [PSOFT, HEAD]);

test('two sweeps at once share what they have in common; each run is run once, and a plan knows them', async () => {
  const alone = sweepFile('alone', [PSOFT]);
  const plan = await psoft('sweep', 'plan', both, ...options('shared'));
  expect(plan.code, plan.stderr).toBe(0);
  expect(plan.stdout).toContain('2 settings, seeds 1, 2 runs, 2 of them to run\n');
  expect(plan.stdout).toMatch(
    /time: about \d+ \w+ one after the other, the longest job \d+ \w+\nmemory: up to [\d.]+ MB a run\n/,
  );
  expect(plan.stdout).toMatch(/2 jobs from records of other methods on the same task/);
  expect(existsSync(places('shared').runs)).toBe(false);

  const outcomes = await Promise.all(
    [both, alone].map((file) => start(['sweep', 'run', file, '--jobs=2', ...options('shared')]).outcome),
  );
  for (const { code, stderr } of outcomes) expect(code, stderr).toBe(0);
  const logs = sweepsOf('shared').flatMap((sweep) =>
    readdirSync(path.join(sweep, 'logs')).map((log) => readFileSync(path.join(sweep, 'logs', log), 'utf8')),
  );
  const begun = (name: string) =>
    logs.flatMap((log) => log.match(new RegExp(`nlu/rte, profile tiny, ${name}[^\\n]*`, 'g')) ?? []);
  expect([begun('psoft').length, begun('head').length]).toEqual([1, 1]);
  expect(await judge(places('shared'), 2)).toMatchObject({ records: 2, problems: [] });

  const status = await psoft('sweep', 'status', '--runs-dir', places('shared').runs);
  expect(status.stdout).toMatch(
    /^nlu-alone-\w+: Two methods, profile tiny: 1 done\nnlu-both-\w+: .*: 2 done\n$/,
  );
}, 400_000);

test('what is killed, wherever, goes on and ends as if it had not been; a signal stops it with a checkpoint', async () => {
  const again = () => start(['sweep', 'run', both, '--jobs=2', '--attempts=9', ...options('killed')]);
  let running: Running = again();
  const sweep = () => sweepsOf('killed')[0]!;
  /** Of PSOFT's job: a process that has made steps. */
  const trainingWorker = async () => {
    const trains = () => {
      if (sweepsOf('killed').length === 0) return false;
      const { status, worker, step = 0 } = readJob(sweep(), 0);
      return status === 'running' && step > 0 && worker !== undefined && isSameProcess(worker);
    };
    await expect.poll(trains, { timeout: 120_000 }).toBe(true);
    return readJob(sweep(), 0).worker!.pid;
  };
  const deaths = () => readJob(sweep(), 0).deaths ?? [];

  const computing = childrenOf(await trainingWorker()).find((pid) => commandOf(pid).includes('child.'))!;
  kill(computing);
  await expect.poll(() => deaths().length, { timeout: 120_000 }).toBe(1);
  expect(deaths()[0]).toContain('the computing process ended before the run did (signal SIGKILL)');

  const worker = await trainingWorker();
  kill(worker);
  await running.said(
    /rte, PSOFT, seed 1: the worker died \(signal SIGKILL\); last it said: .*; it is begun again/,
  );
  await expect.poll(() => readJob(sweep(), 0).worker?.pid, { timeout: 120_000 }).not.toBe(worker);

  await trainingWorker();
  running.kill('SIGKILL');
  await running.outcome;
  // Workers without a pool save their state and end.
  await expect.poll(() => workersOf(sweep()), { timeout: 120_000 }).toEqual([]);
  expect(readJob(sweep(), 0).status).toBe('stopped');

  running = again();
  const frozen = childrenOf(await trainingWorker()).find((pid) => commandOf(pid).includes('child.'))!;
  // So that it cannot end before it is stopped, however slow the machine is.
  kill(frozen, 'SIGSTOP');
  const refused = await again().outcome;
  expect([refused.code, refused.stderr.trim().split('\n').at(-1)]).toEqual([
    1,
    expect.stringMatching(
      /^psoft: process \d+ on .* is at it already \(lock .*\): wait for its end, or stop it$/,
    ),
  ]);
  const cancelling = psoft('sweep', 'cancel', 'nlu/both', '--runs-dir', places('killed').runs);
  await running.said(/stopping: every run saves its state/);
  kill(frozen, 'SIGCONT');
  expect((await cancelling).stdout).toMatch(
    /^process \d+ on .* has stopped; every run that was under way has a checkpoint\n$/,
  );
  const stopped: Outcome = await running.outcome;
  expect([stopped.code, stopped.stdout]).toEqual([130, 'stopped; run it again to go on\n']);

  const last = await again().outcome;
  expect(last.code, last.stderr).toBe(0);
  expect(last.stdout).toMatch(/^Two methods, profile tiny, seeds 1\n\nseries/);
  const verdict = await judge(places('killed'), 2, places('shared'));
  expect(verdict).toMatchObject({ records: 2, compared: 2, problems: [] });
  // A run that is killed before its next checkpoint counts once for both times.
  expect(verdict.continuations).toBeGreaterThanOrEqual(2);
}, 600_000);

test('what fails is told, and is not run again unless asked for', async () => {
  const file = sweepFile('broken', [
    { name: 'broken', method: 'psoft', set: { rank: 4, epochs: 1, learningRate: 1e30 } },
  ]);
  const run = (...more: string[]) => psoft('sweep', 'run', file, ...options('broken'), ...more);
  const first = await run();
  expect(first.code).toBe(1);
  expect(first.stderr).toMatch(/is NaN at step \d+/);
  const second = await run();
  expect(second.code).toBe(1);
  expect(second.stderr).toMatch(
    /rte, broken, seed 1: failed before, --retry-failed runs it again: .* is NaN at step/,
  );
  expect(second.stderr).not.toContain('started');
  const status = await psoft('sweep', 'status', 'nlu/broken', '--runs-dir', places('broken').runs);
  expect(status.stdout).toMatch(
    /1 jobs, 1 runs: 1 failed\n[\s\S]*rte, broken, seed 1 +failed +rte, broken, seed 1: .*is NaN/,
  );
}, 400_000);
