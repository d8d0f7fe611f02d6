/** PSOFT (Efficient Orthogonal Fine-Tuning with Principal Subspace Adaptation, arXiv 2505.11235). */
import { skewSize } from '../../math/skew.ts';
import type { AdapterMethod } from '../../method.ts';
import { PsoftConfig } from './config.ts';
import { PsoftLayers } from './layers.ts';

export const psoft: AdapterMethod<PsoftConfig> = {
  peftType: 'PSOFT',
  needsBasis: true,
  configure: (options) => new PsoftConfig(options),
  parameterCount: (_, { r, psoftOrth, psoftMagA, psoftMagB }) =>
    (psoftOrth ? skewSize(r) : r * r) + (Number(psoftMagA) + Number(psoftMagB)) * r,
  create: (targets, config, options) => PsoftLayers.create(targets, config, options),
};

export { PsoftConfig, type PsoftOptions } from './config.ts';
