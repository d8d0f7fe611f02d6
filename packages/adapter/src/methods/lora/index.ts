/** LoRA (Low-Rank Adaptation of Large Language Models, arXiv 2106.09685), with rsLoRA's scaling (arXiv 2312.03732). */
import type { LinearModule } from '@psoft/engine';
import type { AdapterLayers, AdapterMethod, InitialiseOptions, Target } from '../../method.ts';
import { stackLayers } from '../../stacked.ts';
import { withMagnitude } from '../dora/magnitude.ts';
import { principalPairs } from '../pissa/start.ts';
import { LORA_FIELDS, LoraConfig } from './config.ts';
import { loraRecipe } from './recipe.ts';

export const lora: AdapterMethod<LoraConfig> = {
  peftType: 'LORA',
  about: {
    title: 'Low-Rank Adaptation',
    equation: 'y = W x + s B A x, s = alpha / r, or alpha / sqrt(r) with useRslora',
    parameters: 'r (d + n)',
    source: "arXiv 2106.09685, section 4.1; rsLoRA arXiv 2312.03732; PEFT's LoRA",
    rank: 'r',
    alpha: 'loraAlpha',
  },
  fields: LORA_FIELDS,
  configure: (options) => new LoraConfig(options),
  parameterCount: loraCount,
  create: loraLayers,
};

export function loraCount({ name, inFeatures, outFeatures }: LinearModule, config: LoraConfig): number {
  return config.rankOf(name) * (inFeatures + outFeatures) + (config.useDora ? outFeatures : 0);
}

/** All that PEFT's LoraConfig describes: plain, from the principal part (PiSSA), with magnitudes (DoRA). */
export async function loraLayers(
  targets: readonly Target[],
  config: LoraConfig,
  options: InitialiseOptions,
): Promise<AdapterLayers> {
  const starts = config.isPissa ? await principalPairs(targets, config, options) : undefined;
  const plain = loraRecipe(config, starts);
  const recipe = config.useDora ? await withMagnitude(plain, targets, config, options.seed) : plain;
  return stackLayers(targets, recipe, options.seed);
}

export { LoraConfig, type LoraOptions } from './config.ts';
