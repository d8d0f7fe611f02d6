import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { FitState } from '../fit.ts';
import { CheckpointClock, CheckpointFile, type CheckpointKey } from './checkpoint.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'psoft-checkpoint-'));
afterAll(() => rmSync(folder, { recursive: true }));

const key: CheckpointKey = { configHash: 'ab'.repeat(32), executor: 'cpu', threads: 0, versions: 'x 1.0.0' };
const row = {
  epoch: 1,
  step: 4,
  trainLoss: 0.1 + 0.2,
  selection: { accuracy: 200 / 3 },
  learningRate: 1e-3,
  trainSeconds: 1,
  evalSeconds: 1,
  tokensPerSecond: 10,
  medianStepMilliseconds: 3,
  meanGradientNorm: 1 / 3,
};
const state: FitState = {
  step: 6,
  epoch: 1,
  batch: 2,
  values: Float32Array.of(1e-45, -0, 3.3),
  optimiser: { step: 6, firstMoment: Float32Array.of(1, 2, 3), secondMoment: Float32Array.of(4, 5, 6) },
  best: { epoch: 1, step: 40, metric: 200 / 3, values: Float32Array.of(7, 8, 9) },
  rows: [row],
  meter: { milliseconds: [1.1, 2.2], loss: 0.3, norm: 0.4, tokens: 5 },
};

describe('a checkpoint', () => {
  test('gives back what was written, to the bit', async () => {
    const file = new CheckpointFile(path.join(folder, 'a'), key);
    expect(file.exists).toBe(false);
    await file.write({ state, seconds: 12.5, continued: 2 });
    expect(await file.read(3)).toEqual({ state, seconds: 12.5, continued: 2 });
    const first = { ...state, best: undefined, rows: [] };
    await file.write({ state: first, seconds: 1, continued: 0 });
    expect((await file.read(3)).state).toEqual(first);
    await file.remove();
    expect(existsSync(file.file)).toBe(false);
  });

  test.each<[string, Partial<CheckpointKey>, number, RegExp]>([
    ['another executor', { executor: 'eager-cpu' }, 3, /made with executor cpu, this run has eager-cpu/],
    ['other threads', { threads: 2 }, 3, /threads left to the executor's choice, this run has 2/],
    ['other versions', { versions: 'x 2.0.0' }, 3, /versions x 1\.0\.0, this run has x 2\.0\.0/],
    ['another configuration', { configHash: 'cd'.repeat(32) }, 3, /configHash abab.* this run has cdcd/],
    ['another size', {}, 4, /3 values in "values", the run trains 4/],
  ])('of %s is refused, and stays', async (name, other, size, message) => {
    const place = path.join(folder, name);
    await new CheckpointFile(place, key).write({ state, seconds: 1, continued: 0 });
    const file = new CheckpointFile(place, { ...key, ...other });
    await expect(file.read(size)).rejects.toThrow(message);
    await expect(file.read(size)).rejects.toThrow(/--restart/);
    expect(file.exists).toBe(true);
  });

  test('goes with what a killed writer left of one, and with nothing else', async () => {
    const file = new CheckpointFile(path.join(folder, 'left'), key);
    await file.remove();
    await file.write({ state, seconds: 1, continued: 0 });
    for (const name of ['checkpoint.safetensors.0291ba9c786b.tmp', 'other.tmp'])
      writeFileSync(path.join(folder, 'left', name), 'half');
    await file.remove();
    expect(readdirSync(path.join(folder, 'left'))).toEqual(['other.tmp']);
  });

  test('that is damaged is refused in one line', async () => {
    const file = new CheckpointFile(path.join(folder, 'damaged'), key);
    await file.write({ state, seconds: 1, continued: 0 });
    const bytes = readFileSync(file.file);
    for (const length of [0, 7, 100, bytes.length - 1]) {
      writeFileSync(file.file, bytes.subarray(0, length));
      const error = (await file.read(3).catch((thrown: unknown) => thrown)) as Error;
      expect(error).toBeInstanceOf(Error);
      expect(error.message).toContain(file.file);
      expect(error.message).not.toContain('\n');
    }
  });
});

describe('when it is written', () => {
  test('after so many steps where asked for', () => {
    const clock = new CheckpointClock(3);
    expect([1, 2, 3, 4, 6].map((step) => clock.isDue(step))).toEqual([false, false, true, false, true]);
  });

  test('else each minute, and seldom enough that writing takes a twentieth of the time', async () => {
    let now = 0;
    const clock = new CheckpointClock(undefined, () => now);
    const dueAt = (milliseconds: number) => {
      now = milliseconds;
      return clock.isDue(1);
    };
    expect([59_999, 60_000].map(dueAt)).toEqual([false, true]);
    await clock.time(async () => {
      now += 10_000;
    });
    expect([70_000 + 199_999, 70_000 + 200_000].map(dueAt)).toEqual([false, true]);
  });
});
