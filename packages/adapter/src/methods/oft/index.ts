/**
 * OFT (Orthogonal Finetuning, arXiv 2306.07280) in its input-centric form with the Cayley-Neumann series (OFTv2,
 * arXiv 2506.19847): blocks of the input are rotated before the frozen layer.
 */
import type { AdapterMethod } from '../../method.ts';
import { stackLayers } from '../../stacked.ts';
import { checkOftFile, OFT_FIELDS, OftConfig } from './config.ts';
import { oftCount, oftRecipe } from './recipe.ts';

export const oft: AdapterMethod<OftConfig> = {
  peftType: 'OFT',
  about: {
    title: 'Orthogonal Finetuning',
    equation: 'y = W (R x), R block-diagonal, each block the Cayley map of a skew-symmetric Q or its series',
    parameters: 'n (b-1) / 2, or b (b-1) / 2 with blockShare; d more with scaled',
    source: "arXiv 2306.07280, arXiv 2506.19847; PEFT's OFT",
  },
  fields: OFT_FIELDS,
  checkFile: checkOftFile,
  configure: (options) => new OftConfig(options),
  parameterCount: oftCount,
  create: async (targets, config, { seed }) => {
    config.warnOfAdjusted(targets);
    return stackLayers(targets, oftRecipe(config), seed);
  },
};

export { OftConfig, type OftOptions } from './config.ts';
