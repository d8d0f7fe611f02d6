import { describe, expect, test } from 'vitest';
import { type BootstrapResult, pairedBootstrap } from './bootstrap.ts';

/** Every resample of n values out of n, each once: what infinitely many random ones come to. */
function exactP(values: readonly number[]): number {
  const n = values.length;
  const mean = (list: readonly number[]) => list.reduce((sum, one) => sum + one, 0) / list.length;
  const standardError = (list: readonly number[]) => {
    const centre = mean(list);
    return Math.sqrt(list.reduce((sum, one) => sum + (one - centre) ** 2, 0) / (n - 1) / n);
  };
  const t = Math.abs(mean(values)) / standardError(values);
  let beyond = 0;
  for (let code = 0; code < n ** n; code++) {
    const resample = values.map((_, i) => values[Math.floor(code / n ** i) % n]!);
    const error = standardError(resample);
    const distance = Math.abs(mean(resample) - mean(values));
    const resampled = error < 1e-9 ? (distance > 1e-9 ? Number.POSITIVE_INFINITY : 0) : distance / error;
    if (resampled >= t - 1e-9) beyond++;
  }
  return beyond / n ** n;
}

const pOf = (result: BootstrapResult) => ('p' in result ? result.p : Number.NaN);

/** Normal, by the twelve-uniforms rule, from a generator that has nothing to do with the bootstrap's. */
function normals(count: number, seed: number): number[] {
  let state = seed;
  const uniform = () => {
    state = (state * 16_807) % 2_147_483_647;
    return state / 2_147_483_647;
  };
  return Array.from({ length: count }, () => Array.from({ length: 12 }, uniform).reduce((a, b) => a + b, -6));
}

describe('pairedBootstrap', () => {
  test.each([
    [[1.2, 0.4, 2.1]],
    [[1.2, -0.4, 2.1, 0.9]],
    [[3.1, 2.9, 3.4, 3.3, 2.6]],
    [[0.2, -1.1, 0.7, 0.1, -0.4]],
    [[5, 0, 0, 0, 0]],
  ])('%j as by all resamples', (values) => {
    const exact = exactP(values);
    // Four standard errors of 10,000 draws.
    const tolerance = 4 * Math.sqrt((exact * (1 - exact)) / 10_000) + 2e-4;
    expect(Math.abs(pOf(pairedBootstrap(values)) - exact)).toBeLessThan(tolerance);
  });

  test('many differences as by the normal distribution', () => {
    const values = normals(400, 7).map((one) => one + 0.05);
    const mean = values.reduce((sum, one) => sum + one, 0) / 400;
    const deviation = Math.sqrt(values.reduce((sum, one) => sum + (one - mean) ** 2, 0) / 399);
    const z = Math.abs(mean) / (deviation / 20);
    // Abramowitz and Stegun 26.2.17: the normal tail to 7e-8.
    const k = 1 / (1 + 0.231_641_9 * z);
    const polynomial = [0.31938153, -0.356563782, 1.781477937, -1.821255978, 1.330274429]
      .map((b, i) => b * k ** (i + 1))
      .reduce((a, b) => a + b);
    const p = (2 * Math.exp((-z * z) / 2) * polynomial) / Math.sqrt(2 * Math.PI);
    expect(p).toBeGreaterThan(0.01);
    expect(p).toBeLessThan(0.9);
    expect(Math.abs(pOf(pairedBootstrap(values)) - p)).toBeLessThan(0.03);
  });

  test('equal methods are called different no more often than promised', () => {
    for (const n of [3, 4, 5, 10]) {
      const all = normals(400 * n, 11 + n);
      const found = Array.from({ length: 400 }, (_, i) => all.slice(i * n, (i + 1) * n)).filter(
        (values) => pOf(pairedBootstrap(values, { resamples: 400 })) < 0.05,
      );
      // 5 % of 400 and two standard errors.
      expect(found.length).toBeLessThan(29);
    }
  });

  test('three seeds never reach it, five clear ones do', () => {
    // Two of the 27 resamples repeat an outer value, whatever the values are.
    expect(pOf(pairedBootstrap([9.9, 10, 10.1]))).toBeGreaterThan(0.06);
    expect(pOf(pairedBootstrap([9.9, 10, 10.1, 10.05, 9.97]))).toBeLessThan(0.01);
  });

  test('says why it does not test', () => {
    expect(pairedBootstrap([])).toEqual({ notTested: '0 in common, at least 3 are needed' });
    expect(pairedBootstrap([1, 2])).toEqual({ notTested: '2 in common, at least 3 are needed' });
    expect(pairedBootstrap([0.5, 0.5, 0.5])).toEqual({ notTested: 'all 3 differences are equal' });
    expect(pairedBootstrap([0.1 + 0.2, 0.3, 0.3])).toEqual({ notTested: 'all 3 differences are equal' });
    expect(pairedBootstrap([0, 0, 0])).toEqual({ n: 3, difference: 0, p: 1 });
  });

  test('the same numbers give the same p, another seed nearly', () => {
    const values = [1.2, -0.4, 2.1, 0.9];
    expect(pairedBootstrap(values)).toEqual(pairedBootstrap(values));
    const [one, other] = [pOf(pairedBootstrap(values)), pOf(pairedBootstrap(values, { seed: 3 }))];
    expect(one).not.toBe(other);
    expect(one).toBeCloseTo(other, 1);
  });
});
