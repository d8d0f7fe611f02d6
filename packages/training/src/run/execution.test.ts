import { expect, test } from 'vitest';
import { environmentFor, executionOf, executionOptions } from './execution.ts';
import type { RunRequest } from './protocol.ts';

const train = (precision: string | undefined, executor = 'cuda') =>
  ({
    config: { training: { ...(precision === undefined ? {} : { precision }) } },
    options: { executor, threads: 2, resultsFolder: 'r', runsFolder: 'x' },
  }) as unknown as RunRequest;

test('a training’s precision is among its settings, an evaluation’s among its own', () => {
  expect(executionOf<'train'>(train('tf32'))).toMatchObject({
    executor: 'cuda',
    threads: 2,
    precision: 'tf32',
  });
  const both = {
    config: { training: { training: { precision: 'bf16' } }, evaluation: { precision: 'f16' } },
    options: { executor: 'cuda' },
  };
  expect(executionOf<'evaluate'>(both as never)).toMatchObject({ precision: 'f16' });
  expect(executionOf<'generate'>({ executor: 'cuda', precision: 'tf32' } as never)).toMatchObject({
    precision: 'tf32',
  });
});

test('TF32 is off on CUDA unless asked for; other devices are left alone', () => {
  expect(environmentFor<'train'>(train(undefined))).toMatchObject({ NVIDIA_TF32_OVERRIDE: '0' });
  expect(environmentFor<'train'>(train('bf16'))).toMatchObject({ NVIDIA_TF32_OVERRIDE: '0' });
  expect(environmentFor<'train'>(train('tf32'))).not.toHaveProperty('NVIDIA_TF32_OVERRIDE');
  expect(environmentFor<'train'>(train(undefined, 'cpu'))).toEqual({});
});

test('programs are compiled for it', () => {
  expect(executionOptions({ executor: 'cuda', precision: 'tf32' })).toEqual({ executor: 'cuda', tf32: true });
  expect(executionOptions({ executor: 'cpu', threads: 2, precision: 'f16' })).toEqual({
    executor: 'cpu',
    threads: 2,
    precision: 'f16',
  });
  expect(() => executionOptions({ executor: 'cpu', precision: 'tf32' })).toThrow(/tf32 is a mode of NVIDIA/);
});
