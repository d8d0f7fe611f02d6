import { METHODS, methodNamed } from '@psoft/adapter';
import { PLAIN_METHODS, TASKS } from '@psoft/training';
import { EVALUATIONS } from '@psoft/training/evaluations';
import { describe, expect, test } from 'vitest';
import { type Candidate, candidatesOf, isEvaluation } from './cells.ts';
import { rankSettings } from './methodFlags.ts';
import { resolveRun, type TrainOptions } from './resolve.ts';
import { BASE, isChanged, resolveEvaluation } from './resolveEvaluation.ts';
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
    const [config] = candidatesOf(experiments, target, options, rankSettings) as [Candidate];
    if ('unavailable' in config) return expect(config.unavailable).toMatch(/^not run: /);
    const run = isEvaluation(config) ? config.training : config;
    expect([run.method, run.variant].filter(Boolean).join('-')).toBe(method);
    expect(Object.keys(TASKS)).toContain(`${run.experiment}/${run.task}`);
    if (isEvaluation(config)) {
      expect(Object.keys(EVALUATIONS)).toContain(target);
      expect(EVALUATIONS[target]!.scorers).toContain(config.evaluation.scorer);
    } else expect(config.task).toBe(target.split('/')[1]);
    if ([...Object.keys(PLAIN_METHODS), BASE].includes(run.method)) expect(run.adapter).toEqual({});
    else expect(() => methodNamed(run.method).configure(run.adapter)).not.toThrow();
  });
});

test('every method is offered by every experiment', () => {
  for (const { methods, tasks } of experiments.values()) {
    // What evaluates others has no head to train alone, and an untrained model to compare with.
    const isLanguage = Object.values(tasks).some(({ evaluates }) => evaluates !== undefined);
    const plainMethods = Object.keys(PLAIN_METHODS).map((name) =>
      isLanguage && name === 'head' ? BASE : name,
    );
    for (const name of [...Object.keys(METHODS), ...plainMethods])
      expect(Object.keys(methods)).toContain(name);
  }
});

describe('resolveRun', () => {
  test('data is where it is said to be: a folder, an address or the Hub, and one of them', () => {
    const of = (more: object) => {
      const { dataFolder, dataUrl, dataHub } = resolve(more);
      return { dataFolder, dataUrl, dataHub };
    };
    const nothing = { dataFolder: undefined, dataUrl: undefined, dataHub: undefined };
    expect(of({ dataDir: '/d' })).toEqual({ ...nothing, dataFolder: '/d' });
    expect(of({ dataUrl: 'https://x/y' })).toEqual({ ...nothing, dataUrl: 'https://x/y' });
    expect(of({ dataHub: 'a/b@c' })).toEqual({ ...nothing, dataHub: { name: 'a/b', revision: 'c' } });
    expect(of({})).toEqual(nothing);
    expect(() => resolve({ dataHub: 'a@' })).toThrow('--data-hub takes NAME or NAME@REVISION, got "a@"');
    expect(() => resolve({ dataHub: 'a', dataUrl: 'https://x' })).toThrow(
      'give one of --data-dir, --data-url and --data-hub',
    );
  });

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

describe('evaluations', () => {
  const evaluate = (
    more: Partial<Parameters<typeof resolveEvaluation>[2]> = {},
    training: Partial<TrainOptions> = {},
  ) =>
    resolveEvaluation(
      experiments,
      'math/gsm8k',
      { ...more, training: { ...plain, ...training } },
      rankSettings,
      {},
    );

  test('name what they evaluate, and train nothing', () => {
    const { task, training, evaluation } = evaluate();
    expect([task, training.task, training.method]).toEqual(['gsm8k', 'train', 'psoft']);
    expect(evaluation).toMatchObject({ scorer: 'paper', merge: true, strategy: { kind: 'greedy' } });
    expect(() => resolveRun(experiments, 'math/gsm8k', plain, rankSettings, {})).toThrow(
      'math/gsm8k trains nothing: psoft train math/train, then psoft evaluate math/gsm8k',
    );
    expect(() => resolveEvaluation(experiments, 'math/train', { training: plain }, rankSettings, {})).toThrow(
      /math\/train evaluates itself: psoft train math\/train; evaluations are math\/gsm8k, math\/math/,
    );
  });

  test('the command line overrides, and what is impossible is refused', () => {
    expect(evaluate({ scorer: 'strict', limit: 7, maxNewTokens: 9 }).evaluation).toMatchObject({
      scorer: 'strict',
      limit: 7,
      maxNewTokens: 9,
    });
    expect(() => evaluate({ limit: 0 })).toThrow(
      'evaluation setting "limit" must be a whole number of at least 1',
    );
    expect(() => evaluate({ strategy: { kind: 'beam', temperature: 1 } })).toThrow(/"strategy" must be/);
  });

  test('problems and training data are found apart', () => {
    expect(evaluate({ dataDir: '/problems' })).toMatchObject({ dataFolder: '/problems' });
    expect(evaluate({ dataDir: '/problems' }).training.dataFolder).toBeUndefined();
    const paper = evaluate({}, { profile: 'paper' });
    expect(paper.dataHub).toEqual({ name: 'openai/gsm8k' });
    expect(paper.training.dataHub).toEqual({ name: 'meta-math/MetaMathQA-40K' });
  });

  test('the published score goes with the published settings only', () => {
    const reference = (more = {}, training: Partial<TrainOptions> = {}) =>
      evaluate(more, { profile: 'paper', ...training }).reference?.value;
    expect(reference()).toBe(63.08);
    expect(reference({ batchSize: 8 })).toBe(63.08);
    expect(reference({ scorer: 'strict' })).toBeUndefined();
    expect(reference({ limit: 100 })).toBeUndefined();
    expect(reference({}, { rank: 64 })).toBeUndefined();
    expect(reference({}, { method: 'psoft-r64-alpha' })).toBe(50.72);
    expect(evaluate().reference).toBeUndefined();
  });

  test('settings that do not fit are refused', () => {
    expect(() => evaluate({}, { microBatchSize: 5 })).toThrow(
      /"microBatchSize" must divide batchSize \(16\), got 5/,
    );
    expect(() =>
      candidatesOf(experiments, 'math/gsm8k', { ...plain, learningRates: [1] }, rankSettings),
    ).toThrow(/math\/gsm8k has no selection split/);
  });

  test('a run’s own settings mean exactly that run', () => {
    expect(isChanged(plain)).toBe(false);
    for (const more of [
      { rank: 3 },
      { modelDir: 'm' },
      { set: ['r=3'] },
      { settings: { r: 3 } },
      { epochs: 1 },
    ])
      expect(isChanged({ ...plain, ...more })).toBe(true);
  });

  test('what cannot be run says why, in tables and alone', () => {
    const options = { ...plain, profile: 'paper', method: 'full' };
    expect(candidatesOf(experiments, 'math/gsm8k', options, rankSettings)).toEqual([
      { unavailable: expect.stringMatching(/^not run: 3\.2 billion values/) },
    ]);
    expect(() => resolveRun(experiments, 'math/train', options, rankSettings, {})).toThrow(/^not run/);
  });
});

test('the paper profile of math has Table 12’s settings', () => {
  const options = { ...plain, profile: 'paper' };
  const resolved = (method: string) =>
    resolveRun(experiments, 'math/train', { ...options, method }, rankSettings, {});
  expect(resolved('psoft').training).toMatchObject({
    epochs: 2,
    batchSize: 64,
    microBatchSize: 4,
    learningRate: 2e-4,
    warmupRatio: 0.1,
    schedule: 'cosine',
    weightDecay: 0,
    maxLength: 512,
  });
  expect(resolved('psoft').adapter).toMatchObject({
    r: 352,
    targetModules: 'all-linear',
    numCayleyNeumannTerms: 5,
    neumannConvention: 'paper',
  });
  expect(resolved('psoft-qkv')).toMatchObject({
    training: { learningRate: 4e-4 },
    adapter: { r: 168, targetModules: ['q_proj', 'k_proj', 'v_proj'] },
  });
});
