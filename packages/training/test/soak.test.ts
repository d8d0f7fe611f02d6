/** The soak of docs/reliability.md, cut short: what leaks with every step shows after some hundreds. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { soakGeneration } from '../bench/soak/generation.ts';
import { ratios, type Window } from '../bench/soak/measure.ts';
import { soakTraining } from '../bench/soak/training.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'psoft-soak-'));
afterAll(() => rmSync(folder, { recursive: true }));

const MB = 2 ** 20;

/**
 * Nothing more is held after the last window than after the second, when all is compiled and pools are full. Resident
 * memory is rounded by the system and by allocators: a leak of one batch a step would be more.
 */
function expectFlat(windows: readonly Window[]): void {
  const [early, late] = [windows[1]!, windows.at(-1)!];
  expect(late.tensors).toBe(early.tensors);
  expect(late.files).toBeLessThanOrEqual(early.files);
  expect(late.handles).toBeLessThanOrEqual(early.handles);
  expect((late.heapBytes - early.heapBytes) / MB).toBeLessThan(2);
  expect((late.residentBytes - early.residentBytes) / MB).toBeLessThan(32);
}

test('training holds no more after many steps, and is as fast', async () => {
  const options = { steps: 300, window: 50, evaluateEvery: 50, checkpointEvery: 20, folder };
  const { windows, sessions, evaluations, checkpoints, lastLoss } = await soakTraining(options);
  expect(windows).toHaveLength(6);
  expect(sessions).toBe(4);
  expect(evaluations).toBe(7);
  // After every twentieth step, and once more where an epoch ends there.
  expect(checkpoints).toBeGreaterThanOrEqual(15);
  expect(lastLoss).toBeGreaterThan(0);
  expectFlat(windows);
  // Wall time depends on what else runs; twice as slow after some hundred steps would be a loop that grows.
  expect(Math.min(ratios(windows.slice(1)).cpu, ratios(windows.slice(1)).median)).toBeLessThan(2);
}, 240_000);

test('generation lets its caches go', async () => {
  const { windows, tokens } = await soakGeneration(24, 4);
  expect(tokens).toBeGreaterThan(24 * 4);
  expectFlat(windows);
}, 240_000);

test('a leak would be seen', () => {
  const window = {
    end: 1,
    medianMilliseconds: 1,
    cpuSeconds: 1,
    heapBytes: 0,
    residentBytes: 0,
    tensors: 0,
    files: 1,
    handles: 1,
  };
  const leaks: Partial<Window>[] = [
    { tensors: 1 },
    { heapBytes: 3 * MB },
    { residentBytes: 40 * MB },
    { files: 2 },
  ];
  for (const leak of leaks) expect(() => expectFlat([window, window, { ...window, ...leak }])).toThrow();
});
