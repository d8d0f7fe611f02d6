import { describe, expect, it } from 'vitest';
import { WANDB_CHART, WANDB_HISTORY, WANDB_RUNS } from '../../../../test/foreign.ts';
import { readResults } from '../index.ts';

const read = (text: string, path = 'exports/wandb_export.csv') =>
  readResults({ path, bytes: Buffer.from(text), importedAt: '2026-12-01T00:00:00.000Z' });

describe('the table of runs of Weights & Biases', () => {
  it('gives one record a row; columns that may be settings or results stay values', () => {
    const [first, second, third] = read(WANDB_RUNS);
    expect(first!.runInfo).toEqual({
      name: 'calm-sun-1',
      profile: 'imported',
      seed: 3,
      createdAt: '2026-02-03T04:05:06.000Z',
      totalSeconds: 61,
      status: 'completed',
    });
    expect(first!.values).toEqual({
      ...{ seed: 3, lr: 0.001, method: 'psoft', use_dora: false },
      ...{ accuracy: 81.25, loss: 0.5 },
    });
    expect(first!.metaInfo).toMatchObject({ State: 'finished', User: 'me', Tags: 'a,b' });
    expect(first!.importedFrom).toMatchObject({ format: 'wandb-runs', entry: 'row 1' });
    expect(second!.runInfo).toMatchObject({ name: 'odd "name", two', status: 'failed', seed: 4 });
    // Not a number, which JSON has not: the text of the file.
    expect(second!.values).toEqual({ seed: 4, lr: 0.01, method: 'lora', use_dora: true, loss: 'NaN' });
    expect(third!.runInfo).toMatchObject({ name: '007', status: 'running' });
    expect(third!.runInfo.seed).toBeUndefined();
  });

  it('may begin with a byte order mark and end lines as Windows does', () => {
    const [record] = read(`\ufeff${WANDB_RUNS.replaceAll('\n', '\r\n')}`);
    expect(record!.values).toMatchObject({ loss: 0.5 });
  });

  it('names the row that is broken', () => {
    expect(() => read(`${WANDB_RUNS}"a","b"\n`)).toThrow(
      'exports/wandb_export.csv: row 4 has 2 cells, the header 14',
    );
    expect(() => read(WANDB_RUNS.split('\n')[0]!)).toThrow('holds no rows');
  });
});

describe('a chart of Weights & Biases', () => {
  it('gives one record a run, without the bounds of sampling', () => {
    const [calm, big, ...more] = read(WANDB_CHART);
    expect(more).toEqual([]);
    expect(calm!.runInfo.name).toBe('calm-sun-1');
    expect(calm!.trainInfo.series).toEqual([
      { name: 'eval/accuracy', axis: 'Step', steps: [10, 20], values: [0.5, 0.625] },
    ]);
    expect(calm!.importedFrom.leftOut).toEqual(['1 values that are no finite numbers']);
    expect(big!.runInfo.name).toBe('big - run');
    expect(big!.trainInfo.series![0]).toMatchObject({ steps: [20, 30], values: [0.25, 0.5] });
    expect(big!.importedFrom.leftOut).toEqual(['minimum and maximum of steps that the chart draws as one']);
  });

  it('refuses a row without a step', () => {
    expect(() => read(WANDB_CHART.replace('"20"', '"x"'))).toThrow('row 2: "x" is no step');
  });
});

describe('a history by the Python API', () => {
  it('is one run, named by its file, with its running time', () => {
    const [record, ...more] = read(WANDB_HISTORY, 'histories/calm-sun-1.csv');
    expect(more).toEqual([]);
    expect(record!.runInfo.name).toBe('calm-sun-1');
    expect(record!.trainInfo.series).toEqual([
      { name: 'loss', axis: '_step', steps: [0, 100], values: [1.5, 0.75], seconds: [2.5, 12.5] },
      {
        name: 'eval/accuracy',
        axis: '_step',
        steps: [100, 200],
        values: [0.5, 0.625],
        seconds: [12.5, 22.5],
      },
    ]);
    expect(record!.importedFrom.leftOut).toEqual([
      'note: 1 values that are no numbers',
      '1 values that are no finite numbers',
    ]);
  });
});
