/** VeRA (Vector-based Random Matrix Adaptation, arXiv 2310.11454). */
import type { AdapterMethod } from '../../method.ts';
import { stackLayers } from '../../stacked.ts';
import { VERA_FIELDS, VeraConfig } from './config.ts';
import { veraRecipe } from './recipe.ts';

export const vera: AdapterMethod<VeraConfig> = {
  peftType: 'VERA',
  about: {
    title: 'Vector-based Random Matrix Adaptation',
    equation: 'y = W x + b ∘ B (d ∘ A x), A [r, n] and B [d, r] random, frozen and shared by all layers',
    parameters: 'r + d',
    source: "arXiv 2310.11454, equation 2; PEFT's VeRA",
    rank: 'r',
  },
  fields: VERA_FIELDS,
  configure: (options) => new VeraConfig(options),
  parameterCount: ({ outFeatures }, { r }) => r + outFeatures,
  create: async (targets, config, { seed }) => stackLayers(targets, veraRecipe(targets, config), seed),
};

export { VeraConfig, type VeraOptions } from './config.ts';
