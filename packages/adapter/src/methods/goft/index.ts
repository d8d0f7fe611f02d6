/**
 * GOFT (Parameter Efficient Quasi-Orthogonal Fine-Tuning via Givens Rotation, arXiv 2404.04316): n - 1 Givens rotations of
 * the input, in log2(n) parallel stages. The authors' released layer mixes adjacent entries in every stage, whatever the
 * stage's distance, so that from the second stage on it is not orthogonal; here each pair lies at its stage's distance,
 * as the paper has it. The order of the stages is that of the released forward pass; equation 4 of the paper has the
 * transpose, whose angles mean another rotation.
 */
import type { AdapterMethod } from '../../method.ts';
import { stackLayers } from '../../stacked.ts';
import { GOFT_FIELDS, GoftConfig } from './config.ts';
import { goftRecipe } from './recipe.ts';

export const goft: AdapterMethod<GoftConfig> = {
  peftType: 'GOFT',
  about: {
    title: 'Orthogonal Fine-Tuning via Givens Rotations',
    equation:
      'y = W G₀ G₁ ... x, stage Gₜ rotating the pairs (2k 2ᵗ, (2k+1) 2ᵗ), each by an angle pi tanh(v)',
    parameters: 'n - 1; n more with noScaling false',
    source: 'arXiv 2404.04316, section 4; its released code, v2, corrected',
  },
  fields: GOFT_FIELDS,
  configure: (options) => new GoftConfig(options),
  parameterCount: ({ inFeatures: n }, { strictOft, noScaling }) =>
    (n - 1) * (strictOft ? 1 : 4) + (noScaling ? 0 : n),
  create: async (targets, config, { seed }) => stackLayers(targets, goftRecipe(config), seed),
};

export { GoftConfig, type GoftOptions } from './config.ts';
