/** DoRA (Weight-Decomposed Low-Rank Adaptation, arXiv 2402.09353): LoRA on the direction, a trained magnitude per output. */
import type { AdapterMethod } from '../../method.ts';
import { LoraConfig } from '../lora/config.ts';
import { lora, loraCount } from '../lora/index.ts';

export const dora: AdapterMethod<LoraConfig> = {
  ...lora,
  about: {
    title: 'Weight-Decomposed Low-Rank Adaptation',
    equation: 'y = m / |W + s B A| (W + s B A) x, norms by row, taken as constants in the gradient',
    parameters: 'r (d + n) + d',
    source: "arXiv 2402.09353, equations 5 and 11; PEFT's LoRA with use_dora",
    rank: 'r',
    alpha: 'loraAlpha',
  },
  configure: (options) => new LoraConfig({ useDora: true, ...options }),
  parameterCount: loraCount,
};
