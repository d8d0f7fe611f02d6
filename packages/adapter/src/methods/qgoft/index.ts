/** qGOFT: GOFT whose rotations are free 2 x 2 matrices, the identity at the start (arXiv 2404.04316, section 4.2). */
import type { AdapterMethod } from '../../method.ts';
import { GoftConfig } from '../goft/config.ts';
import { goft } from '../goft/index.ts';

export const qgoft: AdapterMethod<GoftConfig> = {
  ...goft,
  about: {
    title: 'Quasi-Orthogonal Fine-Tuning via Givens Rotations',
    equation: 'y = W G₀ G₁ ... x, stage Gₜ mixing the pairs (2k 2ᵗ, (2k+1) 2ᵗ), each by a free 2 x 2 matrix',
    parameters: '4 (n - 1); n more with noScaling false',
    source: 'arXiv 2404.04316, section 4; its released code, v2, corrected',
  },
  configure: (options) => new GoftConfig({ strictOft: false, ...options }),
};
