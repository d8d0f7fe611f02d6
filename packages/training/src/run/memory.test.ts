import { readFileSync } from 'node:fs';
import { instructionSpec } from '@psoft/datasets';
import { outlineModel } from '@psoft/models';
import { describe, expect, test } from 'vitest';
import { countParameters } from '../trainable.ts';
import type { RunConfig } from './config.ts';
import { availableMemory, checkFits, type MemoryPrediction, predictMemory } from './memory.ts';
import { prepareMethod } from './method.ts';

const experiment = JSON.parse(
  readFileSync(new URL('../../../../experiments/math/experiment.json', import.meta.url), 'utf8'),
);
const raw: Record<string, unknown> = experiment.profiles.paper.model.architecture;

function configOf(name: string): RunConfig {
  const entry = experiment.methods[name];
  return { method: entry.method ?? name, adapter: entry.paper.adapter ?? {} } as RunConfig;
}

describe('trained values of the paper profile on the shapes of Llama-3.2-3B', () => {
  // Millions, as Tables 4, 6 and 13 print them; LoRA-XS 248 x 248 x 196 = 12.05.
  test.each([
    ['psoft', 12.246],
    ['psoft-strict', 12.108],
    ['lora', 12.156],
    ['pissa', 12.156],
    ['dora', 12.931],
    ['lora-xs', 12.055],
    ['oft', 11.555],
    ['full', 3212.75],
  ])('%s: %f M', async (name, millions) => {
    const { model } = await prepareMethod(outlineModel('causal-lm', raw), configOf(name), 'causal-lm', 1);
    expect(countParameters(model) / 1e6).toBeCloseTo(millions, 2);
  });
});

describe('predicted memory', () => {
  const predict = (options: object, stored: 'F32' | 'BF16' = 'BF16', rows = 4) =>
    predictMemory({
      modelTask: 'causal-lm',
      raw,
      stored,
      config: configOf('psoft'),
      spec: instructionSpec(rows, 512),
      loss: (outputs) => outputs.loss!,
      options,
    });

  test('of the paper’s model, in seconds and without its weights', async () => {
    const before = process.memoryUsage().rss;
    const plain = await predict({});
    expect(process.memoryUsage().rss - before).toBeLessThan(1e9);
    // 3.21 billion weights of two bytes; A and B of r = 352 are 2.1 GB, and held twice.
    expect(plain.weights / 1e9).toBeCloseTo(6.43, 1);
    expect(plain.adapter / 1e9).toBeCloseTo(4.3, 1);
    const { total, ...parts } = plain;
    expect(total).toBe(Object.values(parts).reduce((a, b) => a + b, 0));
    expect((await predict({}, 'F32')).weights).toBe(2 * plain.weights);
    expect((await predict({ recompute: true })).activations).toBeLessThan(plain.activations / 3);
    expect((await predict({}, 'BF16', 1)).activations).toBeLessThan(plain.activations / 2);
  });

  test('is compared with what is free', async () => {
    const free = await availableMemory();
    expect(free).toBeGreaterThan(1e8);
    const need: MemoryPrediction = {
      weights: 6e9,
      copies: 0,
      adapter: 2e9,
      state: 3e8,
      activations: 9e9,
      base: 3e8,
      total: 17.6e9,
    };
    checkFits(need, 18e9);
    expect(() => checkFits(need, 8e9)).toThrow(
      'the run needs about 17.6 GB, 8.0 GB are free: activations 9.0 GB, weights 6.0 GB, adapter 2.0 GB, state 300 MB, base 300 MB; take',
    );
  });
});
