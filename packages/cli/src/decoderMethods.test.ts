/** The methods of the experiments with language models on the models that they are for, known by their shapes alone. */
import { outlineModel } from '@psoft/models';
import { countParameters } from '@psoft/training';
import { prepareMethod } from '@psoft/training/methods';
import { describe, expect, test } from 'vitest';
import { rankSettings } from './methodFlags.ts';
import { resolveRun } from './resolve.ts';
import { findExperiments } from './workspace.ts';

const experiments = findExperiments();
const paperModel = (experiment: string) =>
  experiments.get(experiment)!.profiles.paper!.model.architecture as Record<string, unknown>;
/** As packages/tiny-models/src/llamaTiny.ts has it. */
const LLAMA_TINY = {
  ...paperModel('math'),
  vocab_size: 1024,
  hidden_size: 128,
  intermediate_size: 384,
  num_hidden_layers: 4,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  head_dim: 32,
};

async function trained(
  experiment: string,
  method: string,
  profile: string,
  config: Record<string, unknown>,
): Promise<number> {
  const options = { profile, method, seed: 1, set: [], modelDir: 'm' };
  const run = resolveRun(experiments, `${experiment}/train`, options, rankSettings, {});
  const { model } = await prepareMethod(outlineModel('causal-lm', config), run, 'causal-lm', 1);
  return countParameters(model);
}

/**
 * In millions, as the paper prints them; SVFT, which decomposes every weight whole, is counted with the adapters. Of
 * mathematics, rank 168 is printed 1.20 and is 1.207 by the paper's own formula. Of commonsense, OFT is printed 14.3 and
 * is 15.24 by the formula that gives its other rows.
 */
describe('the paper profile trains as many values as the paper prints', () => {
  test.each([
    ['math', 'goft', 0.75],
    ['math', 'qgoft', 2.98],
    ['math', 'boft', 3.76],
    ['math', 'oft', 11.6],
    ['math', 'lora', 12.2],
    ['math', 'pissa', 12.2],
    ['math', 'dora', 12.9],
    ['math', 'lora-xs', 12.1],
    ['math', 'psoft', 12.2],
    ['math', 'psoft-gamma-0.1', 12.1],
    ['math', 'psoft-strict-r248', 6.0],
    ['math', 'psoft-strict', 12.1],
    ['math', 'goft-qkv', 0.26],
    ['math', 'qgoft-qkv', 1.03],
    ['math', 'boft-qkv', 1.18],
    ['math', 'psoft-qkv', 1.21],
    ['math', 'lora-qkv', 0.4],
    ['math', 'lora-xs-r48', 0.45],
    ['math', 'psoft-r72', 0.53],
    ['math', 'lora-r1', 1.52],
    ['math', 'pissa-r1', 1.52],
    ['math', 'lora-xs-r88', 1.52],
    ['math', 'psoft-r124', 1.54],
    ['math', 'dora-r1', 2.29],
    ['math', 'psoft-r152', 2.31],
    // The released script's modules: see docs/math.md.
    ['math', 'psoft-as-released', 3.5],
    // PEFT's own figure for r = 256 on q and v.
    ['math', 'psoft-peft', 1.86],
    ['math', 'lora-peft', 9.2],
    ['math', 'oft-peft', 8.2],
    ['math', 'vera-peft', 0.13],
    ['commonsense', 'goft', 0.98],
    ['commonsense', 'qgoft', 3.93],
    ['commonsense', 'boft', 4.72],
    ['commonsense', 'oft', 15.2],
    ['commonsense', 'lora', 14.2],
    ['commonsense', 'pissa', 14.2],
    ['commonsense', 'dora', 14.9],
    ['commonsense', 'lora-xs', 14.2],
    ['commonsense', 'psoft', 14.5],
    ['commonsense', 'goft-qv', 0.26],
    ['commonsense', 'qgoft-qv', 1.05],
    ['commonsense', 'boft-qv', 1.21],
    ['commonsense', 'psoft-qv-r194', 1.22],
    ['commonsense', 'lora-qkv-r1', 0.59],
    ['commonsense', 'lora-xs-r48', 0.37],
    ['commonsense', 'psoft-r72', 0.43],
    ['commonsense', 'lora-r1', 1.77],
    ['commonsense', 'pissa-r1', 1.77],
    ['commonsense', 'lora-xs-r104', 1.73],
    ['commonsense', 'psoft-r146', 1.74],
    ['commonsense', 'dora-r1', 2.56],
    ['commonsense', 'psoft-r176', 2.52],
    ['commonsense', 'psoft-as-released', 5.79],
  ])(
    '%s, %s: %f million',
    async (experiment, method, millions) => {
      const digits = millions < 3 ? 2 : 1;
      const count = (await trained(experiment, method, 'paper', paperModel(experiment))) / 1e6;
      expect(Math.abs(count - millions), `${count}`).toBeLessThan(0.75 * 10 ** -digits);
    },
    60_000,
  );
});

describe.each(['math', 'commonsense'])('%s: every method fits the tiny Llama', (experiment) => {
  const names = Object.keys(experiments.get(experiment)!.methods);
  test.each(names.filter((name) => !['base', 'svft'].includes(name)))('%s', async (method) => {
    expect(await trained(experiment, method, 'tiny', LLAMA_TINY)).toBeGreaterThan(0);
  });
});
