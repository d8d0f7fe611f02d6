/** Group 3: training moves the adapter and the head, all of them and nothing else, alike on every executor. */
import { fingerprintWeights } from '@psoft/engine';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { PeftModel } from '../../src/index.ts';
import { largestDifference, perturb } from '../toy.ts';
import { TESTED } from './executors.ts';
import { adapted, inputsOf, ROWS, titled } from './rows.ts';
import { descend, scaleOf, type Trainer, trainerOf } from './run.ts';

/** Largest difference of a gradient between executors, relative to its largest entry. */
const BETWEEN_EXECUTORS = 1e-4;

describe.each(titled(ROWS))('%s', (_, row) => {
  let model: PeftModel;
  let trainers: Trainer[];
  beforeAll(async () => {
    model = await adapted(row, 'initial');
    trainers = [];
    for (const executor of TESTED) trainers.push(await trainerOf(model, inputsOf(row), executor));
  });
  afterAll(async () => {
    for (const trainer of trainers) await trainer.dispose();
  });

  // The order counts: the second test goes on from where the first one has trained to.
  test('steps move every trained tensor of every module and the head, and nothing else', async () => {
    const base = await fingerprintWeights(model.base.weights);
    const frozen = await fingerprintWeights(model.layers.weights);
    const valuesOf = () =>
      new Map<string, { readonly data: Float32Array }>([
        ...[...model.layers.state()].filter(([, { data }]) => data.length > 0),
        ...model.heads.map((head) => [head.name, head] as const),
      ]);
    const before = new Map([...valuesOf()].map(([name, { data }]) => [name, data.slice()]));
    const losses = await descend(model, trainers[0]!, 4, 0.05);
    expect(losses.every(Number.isFinite), String(losses)).toBe(true);
    expect(losses.at(-1)).toBeLessThan(losses[0]!);
    for (const [name, { data }] of valuesOf())
      expect(largestDifference(data, before.get(name)!), name).toBeGreaterThan(1e-7);
    expect(before.size).toBeGreaterThan(model.heads.length);
    expect(await fingerprintWeights(model.base.weights)).toBe(base);
    expect(await fingerprintWeights(model.layers.weights)).toBe(frozen);
  });

  test.each(['a few steps', 'random steps'])(
    'every executor has the same gradient after %s',
    async (where) => {
      if (where === 'random steps') perturb(model);
      const [first, ...others] = await Promise.all(trainers.map((trainer) => trainer.gradient()));
      for (const [i, other] of others.entries()) {
        const executor = TESTED[i + 1]!;
        expect(Math.abs(other.loss - first!.loss), executor).toBeLessThan(1e-5 * scaleOf([first!.loss]));
        for (const [name, expected] of first!.gradients) {
          const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
          expect(largest, name).toBeGreaterThan(0);
          const apart = largestDifference(other.gradients.get(name)!, expected);
          expect(apart, `${executor}, ${name}`).toBeLessThan(BETWEEN_EXECUTORS * Math.max(largest, 1e-3));
        }
      }
    },
  );
});
