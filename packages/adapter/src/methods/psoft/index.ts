/** PSOFT (Efficient Orthogonal Fine-Tuning with Principal Subspace Adaptation, arXiv 2505.11235). */
import { skewSize } from '../../math/skew.ts';
import type { AdapterMethod } from '../../method.ts';
import { PSOFT_FIELDS, PsoftConfig } from './config.ts';
import { psoftLayers } from './layers.ts';

export const psoft: AdapterMethod<PsoftConfig> = {
  peftType: 'PSOFT',
  about: {
    title: 'Principal Subspace Orthogonal Fine-Tuning',
    equation: 'y = W x + s B (diag(b) R diag(a) - I) A x, R = (I + Q)(I - Q)⁻¹, s B A the top r of W',
    parameters: 'r(r-1)/2 + 2r',
    source: "arXiv 2505.11235, section 4; PEFT's PSOFT",
    rank: 'r',
    alpha: 'psoftAlpha',
  },
  fields: PSOFT_FIELDS,
  needsBasis: () => true,
  configure: (options) => new PsoftConfig(options),
  parameterCount: (_, { r, psoftOrth, psoftMagA, psoftMagB }) =>
    (psoftOrth ? skewSize(r) : r * r) + (Number(psoftMagA) + Number(psoftMagB)) * r,
  create: psoftLayers,
};

export { PsoftConfig, type PsoftOptions } from './config.ts';
