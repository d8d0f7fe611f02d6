import { describe, expect, test } from 'vitest';
import { GradScaler } from './gradScaler.ts';

describe('GradScaler', () => {
  test('starts and moves as torch.amp.GradScaler does', () => {
    const scaler = new GradScaler();
    expect(scaler.scale).toBe(65_536);
    expect(scaler.skipped()).toBe(true);
    for (let i = 0; i < 1999; i++) scaler.applied();
    expect(scaler.state).toEqual({ scale: 32_768, sinceChange: 1999, skippedSteps: 1 });
    scaler.applied();
    expect(scaler.state).toEqual({ scale: 65_536, sinceChange: 0, skippedSteps: 1 });
  });

  test('an overflow ends the count of good steps', () => {
    const scaler = new GradScaler({ initial: 4, growthInterval: 2 });
    scaler.applied();
    scaler.skipped();
    scaler.applied();
    expect(scaler.scale).toBe(2);
    scaler.applied();
    expect(scaler.scale).toBe(4);
  });

  test('does not go below 1: what is not finite then is no overflow of scaling', () => {
    const scaler = new GradScaler({ initial: 2, growthInterval: 10 });
    expect([scaler.skipped(), scaler.skipped(), scaler.scale]).toEqual([true, false, 1]);
    expect(scaler.skippedSteps).toBe(1);
  });

  test('stays a number that float32 has', () => {
    const scaler = new GradScaler({ initial: 1, growthInterval: 1 });
    for (let i = 0; i < 300; i++) scaler.applied();
    expect(Math.fround(scaler.scale)).toBe(2 ** 100);
  });

  test('goes on from a state', () => {
    const state = { scale: 8, sinceChange: 3, skippedSteps: 5 };
    expect(new GradScaler({ initial: 2, growthInterval: 10 }, state).state).toEqual(state);
  });

  test.each([0, 3, 0.5, Number.NaN])('a first factor of %d is refused', (initial) => {
    expect(() => new GradScaler({ initial, growthInterval: 1 })).toThrow(/must be a power of two/);
  });
});
