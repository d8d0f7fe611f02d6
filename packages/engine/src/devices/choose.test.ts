import { describe, expect, test } from 'vitest';
import type { Executor } from '../run/program.ts';
import { chooseDevice, type DeviceChoice, executorOf } from './choose.ts';
import { checkPrecision, precisionOptions } from './precision.ts';
import type { Probe } from './probe.ts';

test.each([
  [undefined, undefined, 'cpu'],
  ['cuda', undefined, 'cuda'],
  ['auto', undefined, 'auto'],
  [undefined, 'webgpu', 'webgpu'],
  ['cuda', 'cuda', 'cuda'],
  ['cpu', 'eager-wasm', 'eager-wasm'],
  ['cuda', 'eager-node-gpu', 'eager-node-gpu'],
] as [DeviceChoice?, Executor?, string?][])(
  '--device %s and --executor %s mean %s',
  (device, executor, is) => {
    expect(executorOf(device, executor)).toBe(is);
  },
);

test.each([
  ['cuda', 'eager-cpu', /--device cuda and --executor eager-cpu contradict/],
  ['cpu', 'cuda', /contradict/],
  ['cpu', 'eager-node-gpu', /contradict/],
  ['auto', 'cpu', /--device auto chooses where to compute, and --executor cpu says it/],
] as [DeviceChoice, Executor, RegExp][])(
  '--device %s with --executor %s is refused',
  (device, executor, says) => {
    expect(() => executorOf(device, executor)).toThrow(says);
  },
);

describe('precisions', () => {
  test('TF32 is of CUDA, and none but f32 is of eager executors', () => {
    expect(() => checkPrecision('cuda', 'tf32')).not.toThrow();
    expect(() => checkPrecision('cpu', 'tf32')).toThrow(/tf32 .* "cpu" does not use: take --device cuda/);
    expect(() => checkPrecision('webgpu', 'tf32')).toThrow(/"webgpu"/);
    expect(() => checkPrecision('eager-node-gpu', 'tf32')).toThrow(/tf32/);
    expect(() => checkPrecision('cpu', 'bf16')).not.toThrow();
    expect(() => checkPrecision('eager-cpu', 'bf16')).toThrow(/leave --precision out/);
  });

  test('are options of compile', () => {
    expect(precisionOptions('f32')).toEqual({});
    expect(precisionOptions('tf32')).toEqual({ tf32: true });
    expect(precisionOptions('bf16')).toEqual({ precision: 'bf16' });
  });
});

describe('auto', () => {
  const answers = (usable: readonly string[]) => {
    const asked: string[] = [];
    const probe = async (device: 'cuda' | 'webgpu' | 'cpu'): Promise<Probe> => {
      asked.push(device);
      return usable.includes(device)
        ? { executor: device, isUsable: true, seconds: 1, largestError: 0 }
        : { executor: device, isUsable: false, reason: `none of ${device}` };
    };
    return { asked, probe };
  };

  test('takes CUDA first, and tries nothing more', async () => {
    const { asked, probe } = answers(['cuda', 'webgpu']);
    expect(await chooseDevice(probe)).toEqual({ device: 'cuda', why: 'device auto: took cuda' });
    expect(asked).toEqual(['cuda']);
  });

  test('says why it did not take what comes before', async () => {
    expect((await chooseDevice(answers(['webgpu']).probe)).why).toBe(
      'device auto: took webgpu; no cuda (none of cuda)',
    );
    expect(await chooseDevice(answers([]).probe)).toEqual({
      device: 'cpu',
      why: 'device auto: took cpu; no cuda (none of cuda); no webgpu (none of webgpu)',
    });
  });
});
