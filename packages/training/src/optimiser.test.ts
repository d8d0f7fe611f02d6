import { describe, expect, test } from 'vitest';
import { AdamW, clipGradient, cosineSchedule, gradientNorm, linearSchedule } from './optimiser.ts';
import type { ParameterRange } from './parameters.ts';

const ranges: ParameterRange[] = [
  { name: 'a', shape: [2], group: 'adapter', offset: 0, size: 2 },
  { name: 'h', shape: [1], group: 'head', offset: 2, size: 1 },
];

describe('AdamW', () => {
  test('follows torch.optim.AdamW', () => {
    // torch 2.13: AdamW([{params: [0.5, -1], lr: 0.1}, {params: [2], lr: 0.01}], weight_decay=0.1), gradients below.
    const values = Float32Array.of(0.5, -1, 2);
    const adamw = new AdamW(3, { weightDecay: 0.1 });
    for (const gradient of TORCH.gradients)
      adamw.update(values, Float32Array.from(gradient), ranges, (group) => (group === 'head' ? 0.01 : 0.1));
    TORCH.values.forEach((want, i) => {
      expect(values[i]).toBeCloseTo(want, 6);
    });
  });

  test('continues from its state as if never interrupted', () => {
    const straight = Float32Array.of(1, 2, 3);
    const resumed = Float32Array.of(1, 2, 3);
    const gradients = [0, 1, 2, 3].map((k) => Float32Array.of(Math.sin(k), Math.cos(k), k - 1.5));
    const one = new AdamW(3);
    let two = new AdamW(3);
    gradients.forEach((gradient, k) => {
      one.update(straight, gradient, ranges, () => 0.05);
      two.update(resumed, gradient, ranges, () => 0.05);
      if (k === 1) {
        const { state } = two;
        two = new AdamW(3);
        two.restore(state);
      }
    });
    expect(resumed).toEqual(straight);
  });
});

describe('clipping', () => {
  test('scales to the bound and reports the norm before', () => {
    const gradient = Float32Array.of(3, 4);
    expect(clipGradient(gradient, 1)).toBeCloseTo(5);
    expect(gradientNorm(gradient)).toBeCloseTo(1, 5);
  });
  test('leaves a small gradient alone', () => {
    const gradient = Float32Array.of(0.3, 0.4);
    clipGradient(gradient, 1);
    expect(gradient).toEqual(Float32Array.of(0.3, 0.4));
  });
  test('shows a non-finite gradient', () => {
    expect(gradientNorm(Float32Array.of(1, Number.NaN))).toBeNaN();
  });
});

test('the linear schedule warms up from 0 and ends at 0', () => {
  expect([0, 1, 2, 6, 10].map((step) => linearSchedule(step, 2, 10))).toEqual([0, 0.5, 1, 0.5, 0]);
});

test('the cosine schedule is transformers’ get_cosine_schedule_with_warmup', () => {
  // Of 3 steps of warm-up and 14 in all.
  const expected = [
    0, 0.333333333, 0.666666667, 1, 0.979746487, 0.920626766, 0.827430367, 0.707707507, 0.571157419,
    0.428842581, 0.292292493, 0.172569633, 0.079373234, 0.020253513, 0,
  ];
  for (const [step, factor] of expected.entries()) expect(cosineSchedule(step, 3, 14)).toBeCloseTo(factor, 8);
});

const TORCH = {
  gradients: [
    [0.1, -0.2, 0.3],
    [-0.4, 0.5, 0.6],
    [0.7, 0.8, -0.9],
  ],
  values: [0.4094216, -0.9881523, 1.97505],
};
