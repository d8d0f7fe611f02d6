/** PiSSA (Principal Singular Values and Singular Vectors Adaptation, arXiv 2404.02948): LoRA that starts as the top of W. */
import type { AdapterMethod } from '../../method.ts';
import { LoraConfig } from '../lora/config.ts';
import { lora } from '../lora/index.ts';

export const pissa: AdapterMethod<LoraConfig> = {
  ...lora,
  about: {
    title: 'Principal Singular Values and Singular Vectors Adaptation',
    equation: 'y = (W - s B₀ A₀) x + s B A x, A and B starting as A₀ and B₀ with s B₀ A₀ the top r of W',
    parameters: 'r (d + n)',
    source: "arXiv 2404.02948, equations 2 to 4; PEFT's LoRA with init_lora_weights pissa or pissa_niter_N",
    rank: 'r',
    alpha: 'loraAlpha',
  },
  configure: (options) => new LoraConfig({ initLoraWeights: 'pissa', ...options }),
};
