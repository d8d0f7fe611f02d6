/**
 * LoRA-XS (Low-Rank Adaptation with Extremely Small Number of Parameters, arXiv 2405.17604): only an r x r matrix between
 * frozen principal factors is trained. It starts at 1e-5 times noise, so that the first outputs are the base model's to
 * about that.
 */
import type { AdapterMethod } from '../../method.ts';
import { LORA_XS_FIELDS, LoraXsConfig } from './config.ts';
import { loraXsLayers } from './layers.ts';

export const loraXs: AdapterMethod<LoraXsConfig> = {
  peftType: 'LORA_XS',
  about: {
    title: 'Low-Rank Adaptation with Extremely Small Number of Parameters',
    equation: 'y = W x + s B R A x, A = S Vᵀ and B = U the top r of W, frozen, R trained',
    parameters: 'r²',
    source: 'arXiv 2405.17604, section 3; its released code',
    rank: 'r',
    alpha: 'loraAlpha',
  },
  fields: LORA_XS_FIELDS,
  needsBasis: () => true,
  configure: (options) => new LoraXsConfig(options),
  parameterCount: (_, { r }) => r * r,
  create: loraXsLayers,
};

export { LoraXsConfig, type LoraXsOptions } from './config.ts';
