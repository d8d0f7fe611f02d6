/**
 * SVFT (Parameter-Efficient Fine-Tuning with Singular Vectors, arXiv 2405.19597): a sparse M between all singular vectors
 * of W, its entries under one trained gate a layer, sigmoid(gate), which starts at one half.
 */
import type { AdapterMethod } from '../../method.ts';
import { SVFT_FIELDS, SvftConfig } from './config.ts';
import { svftLayers } from './layers.ts';

export const svft: AdapterMethod<SvftConfig> = {
  peftType: 'SVFT',
  about: {
    title: 'Fine-Tuning with Singular Vectors',
    equation: 'y = W x + sigmoid(g) U M Vᵀ x, U and V all singular vectors of W, M sparse',
    parameters: 'm + 1 plain, m (2k+1) - k (k+1) + 1 otherwise, m = min(d, n), k = offDiag',
    source: 'arXiv 2405.19597, section 3; its released code',
    rank: 'rank',
  },
  fields: SVFT_FIELDS,
  needsBasis: () => true,
  configure: (options) => new SvftConfig(options),
  parameterCount: (target, config) => config.entriesOf(config.triplesOf(target)) + 1,
  create: svftLayers,
};

export { SvftConfig, type SvftOptions } from './config.ts';
