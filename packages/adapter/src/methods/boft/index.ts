/** BOFT (Parameter-Efficient Orthogonal Finetuning via Butterfly Factorization, arXiv 2311.06243). */
import type { AdapterMethod } from '../../method.ts';
import { stackLayers } from '../../stacked.ts';
import { BOFT_FIELDS, BoftConfig } from './config.ts';
import { boftRecipe } from './recipe.ts';

export const boft: AdapterMethod<BoftConfig> = {
  peftType: 'BOFT',
  about: {
    title: 'Orthogonal Finetuning by Butterfly Factorization',
    equation:
      'y = s ∘ (W R₀ᵀ ... Rₘ₋₁ᵀ x), each Rₖ block-diagonal and orthogonal between butterfly permutations',
    parameters: 'm n b + d',
    source: "arXiv 2311.06243, section 4; PEFT's BOFT",
  },
  fields: BOFT_FIELDS,
  configure: (options) => new BoftConfig(options),
  parameterCount: (target, config) => {
    const { count, size } = config.blocksOf(target);
    return config.boftNButterflyFactor * count * size * size + target.outFeatures;
  },
  create: async (targets, config, { seed }) => stackLayers(targets, boftRecipe(config), seed),
};

export { BoftConfig, type BoftOptions } from './config.ts';
