/** What the comparisons with transformers share. */
import { type Model, plainScope, type Scope, type TensorMap } from '@psoft/engine';
import { expect } from 'vitest';

/** Of the largest magnitude; float32 against the double precision of the fixtures. */
export const TOLERANCE = 1e-5;

/** Seed of the direction that gradients are multiplied with. */
const DIRECTION_SEED = 5000;

/** float32 in [-1, 1): a 32-bit integer hash of (seed, place). */
export function uniform(seed: number, count: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => {
    let x = (Math.imul(i, 0x9e3779b1) + Math.imul(seed, 0x85ebca77)) >>> 0;
    x = Math.imul(x ^ (x >>> 15), 0x2c1b3c6d);
    x = Math.imul(x ^ (x >>> 12), 0x297a2d39);
    x ^= x >>> 15;
    return (x >>> 8) / 2 ** 23 - 1;
  });
}

/** Norm and projection of a gradient, as the fixtures have them. */
export function summarise(gradient: ArrayLike<number>, index: number): [number, number] {
  const direction = uniform(DIRECTION_SEED + index, gradient.length);
  let [square, product] = [0, 0];
  for (let i = 0; i < gradient.length; i++) {
    square += gradient[i]! ** 2;
    product += gradient[i]! * direction[i]!;
  }
  return [Math.sqrt(square), product];
}

/** Frozen and trainable weights alike from one map, dropout off. */
export function scopeOf(model: Model, tensors: TensorMap): Scope {
  const biased = new Set(model.linears.filter(({ hasBias }) => hasBias).map(({ name }) => name));
  return plainScope({ weights: tensors, parameters: {} }, (name) => biased.has(name));
}

/** Every element within TOLERANCE of the largest expected magnitude, or of `floor` if that is larger. */
export function expectClose(
  actual: ArrayLike<number>,
  expected: readonly number[],
  what: string,
  floor = 0,
): void {
  expect(actual.length, what).toBe(expected.length);
  const allowed = TOLERANCE * Math.max(floor, ...expected.map(Math.abs));
  const worst = Math.max(...expected.map((value, i) => Math.abs(value - actual[i]!)));
  // Written so that a NaN fails.
  if (!(worst <= allowed)) expect.fail(`${what}: off by ${worst}, allowed ${allowed}`);
}
