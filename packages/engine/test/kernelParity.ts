/** What the parity suites share: a row's program, its inputs, and how near two executors must be. */
import type { TensorValue, TypedArray } from '@psoft/engine';
import { expect } from 'vitest';
import { TOLERANCE } from './kernelDraw.ts';

export { drawCase, SEEDS, titleOf } from './kernelDraw.ts';

/** The same names, shapes and, up to rounding, values. */
export function expectParity(
  actual: Record<string, TensorValue>,
  expected: Record<string, TensorValue>,
  what: string,
  tolerance = TOLERANCE,
): void {
  expect(Object.keys(actual)).toEqual(Object.keys(expected));
  for (const [name, want] of Object.entries(expected)) {
    expect(actual[name]!.shape, `shape of ${name}`).toEqual(want.shape);
    expectClose(actual[name]!.data, want.data, `${what}, ${name}`, tolerance);
  }
}

function expectClose(actual: TypedArray, expected: TypedArray, what: string, tolerance: number): void {
  expect(actual.length, what).toBe(expected.length);
  let scale = 1;
  for (const one of expected) if (Number.isFinite(one)) scale = Math.max(scale, Math.abs(one));
  for (let i = 0; i < expected.length; i++) {
    const [a, b] = [actual[i]!, expected[i]!];
    if (Object.is(a, b) || a === b) continue;
    if (!(Math.abs(a - b) <= tolerance * scale)) expect.fail(`${what}: element ${i} is ${a}, tfjs has ${b}`);
  }
}
