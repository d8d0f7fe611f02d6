import { readFileSync } from 'node:fs';
import { instructionSpec } from '@psoft/datasets';
import { outlineModel } from '@psoft/models';
import { describe, expect, test } from 'vitest';
import { countParameters } from '../trainable.ts';
import { availableMemory } from './available.ts';
import type { RunConfig } from './config.ts';
import { checkFits, type MemoryPrediction, predictMemory, type WeightStorage } from './memory.ts';
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
    // 3.21 billion weights of two bytes; A and B of r = 352 are 2.1 GB, in a file of their own.
    expect(plain.weights / 1e9).toBeCloseTo(6.43, 1);
    expect(plain.adapter / 1e9).toBeCloseTo(2.14, 1);
    const { total, ...parts } = plain;
    expect(total).toBe(Object.values(parts).reduce((a, b) => a + b, 0));
    expect((await predict({}, 'F32')).weights).toBe(2 * plain.weights);
    expect((await predict({ recompute: true })).activations).toBeLessThan(plain.activations / 3);
    expect((await predict({}, 'BF16', 1)).activations).toBeLessThan(plain.activations / 2);
  });

  test('of an 8B model in 4 bits is under 12 GB, A and B and all', async () => {
    const architecture = {
      model_type: 'llama',
      hidden_size: 4096,
      num_hidden_layers: 32,
      intermediate_size: 14336,
      num_attention_heads: 32,
      num_key_value_heads: 8,
      vocab_size: 128256,
    };
    const adapter = { r: 424, targetModules: ['q_proj', 'k_proj', 'v_proj', 'up_proj', 'down_proj'] };
    const predictOf = (stored: WeightStorage, training: object) =>
      predictMemory({
        modelTask: 'causal-lm',
        raw: architecture,
        stored,
        config: { method: 'psoft', adapter, training } as unknown as RunConfig,
        spec: instructionSpec(2, 512),
        loss: (outputs) => outputs.loss!,
        options: { recompute: true },
      });
    const exact = await predictOf('4-bit', {});
    // 6.98 billion values in 4.625 bits, two tables of 128,256 words in 16.
    expect(exact.weights).toBe((6_979_321_856 * 4.625) / 8 + 2 * (2 * 128256 * 4096 + 65 * 4096));
    // r (in + out) of the adapted layers, float32.
    expect(exact.adapter).toBe(4 * 32 * 424 * (8192 + 2 * 5120 + 2 * 18432));
    expect(exact.copies).toBe(0);
    expect(exact.total).toBeLessThan(12e9);
    const rounded = await predictOf('4-bit', { adapterStorage: 'bf16' });
    expect(rounded.adapter).toBe(exact.adapter / 2);
    expect(rounded.total).toBeLessThan(10.5e9);
    expect((await predictOf('BF16', {})).total).toBeGreaterThan(20e9);
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
