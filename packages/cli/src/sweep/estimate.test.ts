import path from 'node:path';
import { readRecords } from '@psoft/results';
import type { RunConfig } from '@psoft/training/config';
import { describe, expect, test } from 'vitest';
import { candidatesOf } from '../cells.ts';
import { costOf } from '../commands/sweep/plan.ts';
import { rankSettings } from '../methodFlags.ts';
import { findExperiments, ROOT } from '../workspace.ts';
import { Estimator, estimateJob } from './estimate.ts';
import { type Measured, mostAlike } from './measured.ts';

const measured: Measured = {
  experiment: 'nlu',
  task: 'rte',
  profile: 'tiny',
  method: 'psoft',
  model: 'deberta-tiny',
  settings: 'a',
  isEvaluation: false,
  provider: 'cpu',
  machine: 'here',
  totalSeconds: 30,
  otherSeconds: 10,
};

describe('what is most alike', () => {
  const all: Measured[] = [
    measured,
    { ...measured, settings: 'b', totalSeconds: 31 },
    { ...measured, method: 'lora', totalSeconds: 32 },
    { ...measured, task: 'cola', totalSeconds: 33 },
    { ...measured, machine: 'elsewhere', totalSeconds: 34 },
  ];
  const found = (change: Partial<Measured>) => {
    const alike = mostAlike({ ...measured, ...change }, all, 'here');
    return alike && [alike.likeness, ...alike.runs.map(({ totalSeconds }) => totalSeconds)];
  };
  test('is the same configuration, on this machine where it was run here', () => {
    expect(found({})).toEqual(['the same configuration', 30]);
    expect(mostAlike(measured, [all[4]!], 'here')?.runs).toEqual([all[4]]);
  });
  test('else its task and method, else its task, else its experiment', () => {
    expect(found({ settings: 'c' })).toEqual(['the same task and method with other settings', 30, 31]);
    expect(found({ method: 'oft' })).toEqual(['other methods on the same task', 30, 31, 32]);
    expect(found({ task: 'mrpc' })?.[0]).toBe('other tasks of the experiment');
  });
  test('is nothing of another model, profile, executor or kind', () => {
    for (const change of [{ model: 'x' }, { profile: 'paper' }, { provider: 'cuda' }, { isEvaluation: true }])
      expect(found(change)).toBeUndefined();
  });
});

describe('an estimate from the committed records', () => {
  const experiments = findExperiments();
  const configOf = (target: string, more: object = {}) =>
    candidatesOf(
      experiments,
      target,
      { profile: 'tiny', method: 'psoft', seed: 99, set: [], ...more },
      rankSettings,
    )[0]!;
  const options = { executor: 'cpu' as const, resultsFolder: '', runsFolder: '' };
  const opened = Estimator.open([path.join(ROOT, 'results')], options);

  test('of a run that differs by its seed lies among the times of those; of fewer steps below', async () => {
    const estimator = await opened;
    const config = configOf('nlu/rte') as RunConfig;
    const { seconds, memoryBytes, from } = await estimator.run(config, false);
    const { records } = await readRecords(path.join(ROOT, 'results'), {
      experiment: 'nlu',
      task: 'rte',
      method: 'psoft',
      profile: 'tiny',
      variant: null,
    });
    expect(from).toMatch(/^records of the same configuration/);
    const times = records.map(({ runInfo }) => runInfo.totalSeconds);
    expect(seconds).toBeGreaterThan(0.7 * Math.min(...times));
    expect(seconds).toBeLessThan(1.3 * Math.max(...times));
    expect(memoryBytes).toBeGreaterThan(2e8);
    const few = await estimator.run(configOf('nlu/rte', { maxSteps: 10 }) as RunConfig, false);
    expect(few.from).toMatch(/^records of the same task and method with other settings/);
    expect(few.seconds!).toBeLessThan(0.8 * seconds!);
  });

  test('of a job is that of its open runs, and of the training that they need', async () => {
    const estimator = await opened;
    const runs = ['commonsense/boolq', 'commonsense/piqa'].map((target) => ({
      label: target,
      config: configOf(target),
    }));
    const job = { id: 0, name: 'both', runs: [0, 1] };
    const of = (isOpen: (at: number) => boolean, trained: boolean) =>
      estimateJob(job, runs, isOpen, () => trained, estimator, false);
    const [all, one, evaluated] = [
      await of(() => true, false),
      await of((at) => at === 0, true),
      await of(() => true, true),
    ];
    expect(evaluated.seconds!).toBeGreaterThan(one.seconds!);
    expect(all.seconds!).toBeGreaterThan(20 + evaluated.seconds!);
  });
});

test('a plan’s cost says what is not known', () => {
  const job = { id: 0, name: 'a', runs: [0], isOpen: true };
  expect(costOf([{ ...job, seconds: 60, memoryBytes: 1e9, from: 'records' }, job])).toEqual([
    'time: about 60 s one after the other, the longest job 60 s; without 1 of 2 jobs, of which nothing is known',
    'memory: up to 1.0 GB a run',
    '  1 job from records',
    '  1 job from nothing: no record is like them, --probe times a few steps',
  ]);
  expect(costOf([job]).slice(0, 2)).toEqual(['time: not known', 'memory: not known']);
});
