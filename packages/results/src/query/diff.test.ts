import { describe, expect, it } from 'vitest';
import { importedSample } from '../../test/imported.ts';
import { sampleRecord, sealed } from '../../test/records.ts';
import type { RunRecord } from '../schema.ts';
import { diffEntries } from './diff.ts';
import { importedEntry, runEntry } from './ledger.ts';

const diff = (a: RunRecord, b: RunRecord) => diffEntries(runEntry(a, 'a.json'), runEntry(b, 'b.json'));
const paths = (...args: Parameters<typeof diff>) =>
  diff(...args).map(({ section, path }) => `${section}: ${path}`);

describe('diffEntries', () => {
  it('leaves out what is equal, and what every run has of its own', () => {
    const a = sampleRecord();
    const b = { ...a, runInfo: { ...a.runInfo, createdAt: '2026-12-24T00:00:00.000Z' } };
    expect(diff(a, b)).toEqual([]);
  });

  it('sorts differences into configuration, data, environment, code and metrics', () => {
    const a = sampleRecord();
    const { threads: _, ...system } = a.metaInfo.systemInfo;
    const b = sealed({
      ...a,
      runInfo: {
        ...a.runInfo,
        seed: 2,
        adapterConfig: { ...a.runInfo.adapterConfig, r: 8, psoftOrth: true },
      },
      trainInfo: { ...a.trainInfo, test: { matthews: 0.5, accuracy: 0.8 }, peakMemoryBytes: 1 },
      metaInfo: {
        ...a.metaInfo,
        modelInfo: { ...a.metaInfo.modelInfo, revision: 'main' },
        codeInfo: { commit: 'f'.repeat(40), isDirty: true },
        systemInfo: { ...system, node: '22.0.0' },
      },
    });
    expect(diff(a, b)).toEqual([
      { section: 'configuration', path: 'runInfo.seed', a: 1, b: 2 },
      { section: 'configuration', path: 'runInfo.adapterConfig.r', a: 32, b: 8 },
      { section: 'configuration', path: 'runInfo.adapterConfig.psoftOrth', b: true },
      { section: 'data', path: 'metaInfo.modelInfo.revision', b: 'main' },
      { section: 'environment', path: 'metaInfo.systemInfo.node', a: '20.20.2', b: '22.0.0' },
      { section: 'environment', path: 'metaInfo.systemInfo.threads', a: 2 },
      { section: 'code', path: 'metaInfo.codeInfo.commit', a: 'e'.repeat(40), b: 'f'.repeat(40) },
      { section: 'code', path: 'metaInfo.codeInfo.isDirty', a: false, b: true },
      { section: 'metrics', path: 'trainInfo.test.accuracy', a: 0.79, b: 0.8 },
      { section: 'metrics', path: 'trainInfo.peakMemoryBytes', a: 700_000_000, b: 1 },
    ]);
  });

  it('shows of epochs how many there are, and the first that differs but for its times', () => {
    const a = sampleRecord({ epochs: 4 });
    const rows = a.trainInfo.metrics.map((row, i) => ({
      ...row,
      trainSeconds: 1,
      ...(i >= 2 ? { trainLoss: 9 + i } : {}),
    }));
    const changed = (metrics: typeof rows): RunRecord => ({ ...a, trainInfo: { ...a.trainInfo, metrics } });
    expect(diff(a, changed(rows))).toEqual([
      {
        section: 'metrics',
        path: 'trainInfo.metrics.2.trainLoss',
        a: a.trainInfo.metrics[2]!.trainLoss,
        b: 11,
      },
    ]);
    expect(paths(a, changed(rows.slice(0, 2)))).toEqual(['metrics: trainInfo.metrics.length']);
    const { learningRate: _, ...without } = rows[0]!;
    expect(diff(a, changed([without as (typeof rows)[0], ...rows.slice(1)]))).toEqual([
      {
        section: 'metrics',
        path: 'trainInfo.metrics.0.learningRate',
        a: a.trainInfo.metrics[0]!.learningRate,
      },
    ]);
  });

  it('compares imported results, too', () => {
    const a = importedSample();
    const b = {
      ...a,
      importedFrom: { ...a.importedFrom, file: 'other.json' },
      trainInfo: { ...a.trainInfo, test: { 'test accuracy': 0.5 } },
      metaInfo: { dataset_info: { x: { sha: 'y' } }, system_info: { accelerator: 'another card' } },
    };
    const found = diffEntries(importedEntry(a, 'a'), importedEntry(b, 'b'));
    expect(found.map(({ section, path }) => `${section}: ${path}`)).toEqual([
      'data: metaInfo.dataset_info.x.sha',
      'environment: metaInfo.system_info.accelerator',
      'metrics: trainInfo.test.test accuracy',
      'metrics: trainInfo.test.forgetting',
    ]);
  });
});
