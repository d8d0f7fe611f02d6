import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { PROVIDER_FILES, type Probe } from '@psoft/engine/devices';
import { afterAll, describe, expect, test } from 'vitest';
import { cudaSection, executorsSection } from './devices.ts';
import { failuresOf } from './index.ts';
import { machineSection, spaceIn } from './machine.ts';
import { cacheChecks } from './offline.ts';
import { fact, fine, missing, renderReport } from './report.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'psoft-doctor-'));
afterAll(() => rmSync(folder, { recursive: true }));

const works = (executor: Probe['executor'], more: object = {}): Probe => ({
  executor,
  isUsable: true,
  seconds: 0.1,
  largestError: 1e-7,
  ...more,
});
const fails = (executor: Probe['executor'], reason: string): Probe => ({ executor, isUsable: false, reason });
const tried = { cpu: works('cpu'), cuda: fails('cuda', 'no card'), webgpu: fails('webgpu', 'no adapter') };
const asked = { device: 'cpu', precision: 'f32', offline: [] } as const;
const ready = { notReady: new Set<string>() };

describe('the exit code', () => {
  test('is of what was asked for, not of what is missing besides', () => {
    expect(failuresOf(asked, tried, ready)).toEqual([]);
    expect(failuresOf({ ...asked, device: 'auto' }, tried, ready)).toEqual([]);
    expect(failuresOf({ ...asked, device: 'cuda' }, tried, ready)).toEqual(['cuda cannot be used: no card']);
    expect(failuresOf({ ...asked, device: 'webgpu' }, tried, ready)).toEqual([
      'webgpu cannot be used: no adapter',
    ]);
    expect(failuresOf(asked, { ...tried, cpu: fails('cpu', 'broken') }, ready)).toEqual([
      'cpu cannot be used: broken',
    ]);
  });

  test('is of the precision that products were measured to have', () => {
    const on = (tf32: boolean) => ({ ...tried, cuda: works('cuda', { tf32 }) });
    const cuda = { ...asked, device: 'cuda' } as const;
    expect(failuresOf(cuda, on(false), ready)).toEqual([]);
    expect(failuresOf(cuda, on(true), ready)).toEqual([expect.stringMatching(/f32 .* round to TF32/)]);
    expect(failuresOf({ ...cuda, precision: 'tf32' }, on(true), ready)).toEqual([]);
    expect(failuresOf({ ...cuda, precision: 'tf32' }, on(false), ready)).toEqual([
      expect.stringMatching(/do not round to TF32/),
    ]);
  });

  test('is of the experiments that must need no network', () => {
    const some = { notReady: new Set(['nlu', 'math']) };
    expect(failuresOf({ ...asked, offline: ['vision', 'nlu'] }, tried, some)).toEqual([
      'nlu would download something: see its lines above',
    ]);
  });
});

describe('sections', () => {
  test('executors say how far off they are, or why not', () => {
    const { checks } = executorsSection({
      ...tried,
      cuda: works('cuda', { tf32: true }),
      software: works('webgpu'),
      eager: [works('eager-cpu')],
    });
    expect(checks.map(({ state, text }) => `${state}: ${text}`)).toEqual([
      'fine: works: started in 0.1 s, off by 1.0e-7',
      'fine: works: started in 0.1 s, off by 1.0e-7, float32 products round to TF32',
      'missing: works on a driver that computes on the CPU only',
      'fine: works: started in 0.1 s, off by 1.0e-7',
    ]);
  });

  test.runIf(process.platform === 'linux' && process.arch === 'x64')(
    'CUDA: a provider of another version is named, an absent one has its remedy',
    () => {
      const card = {
        name: 'NVIDIA H100',
        memoryBytes: 8e10,
        usedBytes: 0,
        driver: '580.1',
        computeCapability: '9.0',
      };
      const runtime = { version: '1.30.0', folder, libraries: path.join(folder, 'bin') };
      const without = cudaSection([card], runtime).checks;
      expect(without[0]).toMatchObject({
        state: 'fine',
        text: expect.stringMatching(/NVIDIA H100, 80.0 GB/),
      });
      expect(without[1]).toMatchObject({ state: 'missing', remedy: expect.stringMatching(/npm run cuda/) });
      mkdirSync(runtime.libraries);
      for (const name of PROVIDER_FILES)
        writeFileSync(path.join(runtime.libraries, name), 'library\u00001.29.0\u0000');
      expect(cudaSection([], runtime).checks[1]).toMatchObject({
        state: 'missing',
        text: 'of ONNX Runtime 1.29.0, and onnxruntime-node is 1.30.0',
      });
    },
  );

  test('the machine, data and disk', () => {
    expect(machineSection('18.20.1').checks[0]).toMatchObject({
      state: 'missing',
      remedy: 'install Node 20 or later',
    });
    expect(cacheChecks(folder, { PSOFT_DATA: path.join(folder, 'none') })).toMatchObject([
      { name: 'PSOFT_DATA', state: 'missing' },
      { name: 'Hub cache', state: 'fine' },
      { name: 'network', text: 'asked for what the cache lacks' },
    ]);
    expect(spaceIn('runs', path.join(folder, 'not', 'yet')).text).toMatch(/free$/);
  });
});

test('a report reads line by line, and ends with the verdict', () => {
  const sections = [
    { title: 'One', checks: [fine('a', 'there'), missing('bcd', 'not there', 'get it'), fact('e', 'is so')] },
  ];
  expect(renderReport({ asked, sections, failures: [] })).toBe(
    'One\n  + a    there\n  - bcd  not there\n         -> get it\n    e    is so\n\nFine for --device cpu, --precision f32.\n',
  );
  expect(renderReport({ asked, sections: [], failures: ['no card'] })).toMatch(
    /Not fine for --device cpu.*:\n {2}- no card\n$/,
  );
});
