import path from 'node:path';
import { type RunRecord, readRecords } from '@psoft/results';
import { beforeAll, describe, expect, test } from 'vitest';
import { findExperiments, ROOT } from '../../workspace.ts';
import { reproducer } from './reproduce.ts';

const experiments = findExperiments();
let records: readonly RunRecord[];
let reproduce: ReturnType<typeof reproducer>;
beforeAll(async () => {
  ({ records } = await readRecords(path.join(ROOT, 'results')));
  reproduce = reproducer(experiments, records);
}, 60_000);

const find = (task: string, method: string, variant?: string) =>
  records.find(
    ({ runInfo }) =>
      runInfo.task === task && runInfo.method === method && runInfo.seed === 1 && runInfo.variant === variant,
  )!;
const changed = (record: RunRecord, change: Partial<RunRecord['runInfo']>): RunRecord => ({
  ...record,
  runInfo: { ...record.runInfo, ...change },
});

test('every committed record has a command that leads to its settings, unless the methods have new ones since', () => {
  expect(records.length).toBeGreaterThan(700);
  const without = records.flatMap((record) => {
    const made = reproduce(record);
    return 'reason' in made ? [`${record.runInfo.variant}: ${made.reason}`] : [];
  });
  // Two trials from before PSOFT's settings had a penalty.
  expect(without).toHaveLength(2);
  for (const reason of without)
    expect(reason).toMatch(/^real-data: No command gives its settings today \(orthogonalityPenalty\)/);
});

describe('commands', () => {
  test('of a run, of the head alone and of pictures', () => {
    expect(reproduce(find('cola', 'psoft'))).toEqual({
      commands: ['npx nx run nlu:cola --method=psoft --seed=1'],
    });
    expect(reproduce(find('rte', 'head'))).toEqual({
      commands: ['npx nx run nlu:rte --method=head --seed=1'],
    });
    expect(reproduce(find('cifar', 'lora-xs'))).toEqual({
      commands: ['npx nx run vision:cifar --method=lora-xs --seed=1'],
    });
  });

  test('of an evaluation train first, unless the model is untuned', () => {
    expect(reproduce(find('gsm8k', 'lora'))).toEqual({
      commands: [
        'npx nx run math:train --method=lora --seed=1',
        'npx nx run math:gsm8k --method=lora --seed=1',
      ],
    });
    expect(reproduce(find('math', 'base'))).toEqual({ commands: ['npx nx run math:math --base --seed=1'] });
  });

  test('give what differs from the defaults, and the place of real data', () => {
    const real = changed(find('cola', 'psoft'), { variant: 'real-data' });
    const trainConfig = { ...real.runInfo.trainConfig, epochs: 12, learningRate: 1e-3 };
    expect(reproduce(changed(real, { trainConfig }))).toEqual({
      commands: [
        'npx nx run nlu:cola --method=psoft --seed=1 --epochs=12 --learning-rate=0.001 --data-dir=DIR',
      ],
    });
    const own = find('cola', 'psoft');
    const ranked = changed(own, {
      adapterConfig: {
        ...own.runInfo.adapterConfig,
        r: 4,
        psoftAlpha: 4,
        targetModules: ['query_proj', 'value_proj'],
      },
    });
    expect(reproduce(ranked)).toEqual({
      commands: [
        `npx nx run nlu:cola --method=psoft --seed=1 '--set=targetModules=["query_proj","value_proj"]' --set=r=4 --set=psoftAlpha=4`,
      ],
    });
  });

  test('are none where no flag leads there, and the reason says so', () => {
    const own = find('cola', 'psoft');
    const settings = changed(own, { trainConfig: { ...own.runInfo.trainConfig, warmupRatio: 0.5 } });
    expect(reproduce(settings)).toMatchObject({
      reason: expect.stringContaining('No command gives its settings today (warmupRatio)'),
    });
    expect(reproduce(changed(own, { method: 'gone' }))).toMatchObject({
      reason: expect.stringContaining('unknown method of nlu "gone"'),
    });
    const orphan = changed(find('gsm8k', 'lora'), {
      evaluates: { task: 'train', configHash: '0'.repeat(64) },
    });
    expect(reproduce(orphan)).toMatchObject({ reason: expect.stringContaining('not among the records') });
    const scored = find('gsm8k', 'lora');
    const other = changed(scored, {
      evaluationConfig: { ...scored.runInfo.evaluationConfig, maxNewTokens: 7 },
    });
    expect(reproduce(other)).toMatchObject({
      reason: expect.stringContaining('No command gives its settings today (maxNewTokens)'),
    });
  });
});
