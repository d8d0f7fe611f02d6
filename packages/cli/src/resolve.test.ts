import { METHODS, methodNamed } from '@psoft/adapter';
import { PLAIN_METHODS, TASKS } from '@psoft/training';
import { describe, expect, test } from 'vitest';
import { rankSettings } from './methodFlags.ts';
import { resolveRun, type TrainOptions } from './resolve.ts';
import { findExperiments } from './workspace.ts';

const experiments = findExperiments();
const plain: TrainOptions = { profile: 'tiny', method: 'psoft', seed: 1, set: [] };
const resolve = (options: Partial<TrainOptions>, environment: NodeJS.ProcessEnv = {}) =>
  resolveRun(experiments, 'nlu/cola', { ...plain, ...options }, rankSettings, environment);

describe('every experiment', () => {
  const runs = [...experiments].flatMap(([experiment, { tasks, methods, profiles }]) =>
    Object.keys(tasks).flatMap((task) =>
      Object.keys(methods).flatMap((method) =>
        Object.keys(profiles).map((profile) => [`${experiment}/${task}`, method, profile] as const),
      ),
    ),
  );
  test.each(runs)('%s %s %s resolves, and has data', (target, method, profile) => {
    const options = { ...plain, method, profile, modelDir: 'm', dataDir: 'd' };
    const run = resolveRun(experiments, target, options, rankSettings, {});
    expect([run.method, run.variant].filter(Boolean).join('-')).toBe(method);
    expect(Object.keys(TASKS)).toContain(target);
    if (Object.hasOwn(PLAIN_METHODS, run.method)) expect(run.adapter).toEqual({});
    else expect(() => methodNamed(run.method).configure(run.adapter)).not.toThrow();
  });
});

test('every method is offered by every experiment', () => {
  for (const { methods } of experiments.values())
    for (const name of [...Object.keys(METHODS), ...Object.keys(PLAIN_METHODS)])
      expect(Object.keys(methods)).toContain(name);
});

describe('resolveRun', () => {
  test('rank and alpha go where the method has them', () => {
    expect(resolve({ method: 'lora', rank: 4 }).adapter).toMatchObject({ r: 4, loraAlpha: 4 });
    expect(resolve({ method: 'lora-xs', rank: 4, alpha: 8 }).adapter).toMatchObject({ r: 4, loraAlpha: 8 });
    expect(resolve({ method: 'svft', rank: 9 }).adapter).toMatchObject({ rank: 9 });
    expect(() => resolve({ method: 'oft', rank: 4 })).toThrow('--rank means nothing to oft');
    expect(() => resolve({ method: 'vera', alpha: 4 })).toThrow('--alpha means nothing to vera');
    expect(() => resolve({ method: 'head', set: ['r=4'] })).toThrow('has no adapter, so r cannot be set');
  });

  test('a variant is the method with other settings', () => {
    const { method, variant, adapter } = resolve({ method: 'psoft-strict' });
    expect([method, variant]).toEqual(['psoft', 'strict']);
    expect(adapter).toMatchObject({ psoftMagA: false, psoftMagB: false });
    expect(resolve({}).variant).toBeUndefined();
  });
  test('the paper profile has Table 10’s settings for CoLA and the authors’ Neumann series', () => {
    const { training, adapter } = resolve({ profile: 'paper', modelDir: 'm', dataDir: 'd' });
    expect(training).toMatchObject({
      epochs: 20,
      batchSize: 32,
      learningRate: 6e-4,
      headLearningRate: 5e-4,
      warmupRatio: 0.1,
      maxLength: 64,
      weightDecay: 0,
      maxGradNorm: 1,
    });
    expect(adapter).toMatchObject({
      r: 46,
      psoftAlpha: 46,
      numCayleyNeumannTerms: 5,
      neumannConvention: 'paper',
    });
  });

  test('the command line overrides, and alpha follows rank', () => {
    const { training, adapter } = resolve({
      rank: 8,
      epochs: 2,
      set: ['psoftDropout=0.1', 'abSvdInit=pissa_init'],
    });
    expect(training.epochs).toBe(2);
    expect(adapter).toMatchObject({ r: 8, psoftAlpha: 8, psoftDropout: 0.1, abSvdInit: 'pissa_init' });
    expect(resolve({ rank: 8, alpha: 16 }).adapter).toMatchObject({ r: 8, psoftAlpha: 16 });
  });

  test('a model folder gives the model its name', () => {
    expect(resolve({}).model.name).toBe('deberta-tiny');
    expect(resolve({ modelDir: '/models/other' }).model).toEqual({ name: 'other', folder: '/models/other' });
  });

  test('PSOFT_DATA serves the paper profile only: the tiny one stays on its own data', () => {
    const environment = { PSOFT_DATA: '/data' };
    expect(resolve({}, environment).dataFolder).toBeUndefined();
    expect(resolve({ profile: 'paper', modelDir: 'm' }, environment).dataFolder).toBe('/data/glue');
    expect(resolve({ dataDir: '/mine' }, environment).dataFolder).toBe('/mine');
  });

  test('the paper profile’s model and data come from the Hub, at pinned commits, unless others are given', () => {
    const { model, dataHub, dataFolder } = resolve({ profile: 'paper' });
    expect(model).toEqual({
      name: 'microsoft/deberta-v3-base',
      revision: expect.stringMatching(/^[0-9a-f]{40}$/),
    });
    expect([dataHub, dataFolder]).toEqual([
      { name: 'nyu-mll/glue', revision: expect.stringMatching(/^[0-9a-f]{40}$/) },
      undefined,
    ]);
    expect(resolve({ profile: 'paper', dataDir: '/mine' }).dataHub).toBeUndefined();
    expect(resolve({ model: 'org/other@v1' }).model).toEqual({ name: 'org/other', revision: 'v1' });
    expect(resolve({ model: 'org/other' }).model).toEqual({ name: 'org/other' });
  });

  test('the published score goes with the published settings only', () => {
    const reference = (options: Partial<TrainOptions>) => resolve({ profile: 'paper', ...options }).reference;
    expect(reference({})).toEqual({ value: 70.42, source: 'PSOFT, Table 2' });
    expect(reference({ method: 'lora' })!.value).toBe(67.98);
    expect(reference({ method: 'vera' })).toBeUndefined();
    expect(reference({ rank: 32 })).toBeUndefined();
    expect(resolve({}).reference).toBeUndefined();
  });
});

/** Learning rate of PSOFT r = 46, epochs and length of each task. */
test.each([
  ['cola', 6e-4, 20, 64],
  ['stsb', 4e-4, 20, 128],
  ['mrpc', 4e-4, 30, 256],
  ['rte', 4e-4, 30, 256],
  ['sst2', 2e-4, 10, 128],
  ['qnli', 4e-4, 5, 256],
] as const)('the paper profile has Table 10’s settings for %s', (task, learningRate, epochs, maxLength) => {
  const options = { ...plain, profile: 'paper' };
  const resolved = (method: string) =>
    resolveRun(experiments, `nlu/${task}`, { ...options, method }, rankSettings, {}).training;
  expect(resolved('psoft')).toMatchObject({ learningRate, epochs, maxLength, batchSize: 32 });
  expect(resolved('psoft').buckets?.at(-1)).toBe(maxLength);
  // Baselines differ in their rate only.
  expect(resolved('full')).toEqual({ ...resolved('psoft'), learningRate: 2e-5 });
});

test('tables name tasks and methods that there are', () => {
  for (const { tables = {}, tasks, methods, profiles } of experiments.values())
    for (const table of Object.values(tables)) {
      for (const task of table.tasks) expect(Object.keys(tasks)).toContain(task);
      for (const method of table.methods) expect(Object.keys(methods)).toContain(method);
      expect(Object.keys(table.seeds)).toEqual(Object.keys(profiles));
    }
});
