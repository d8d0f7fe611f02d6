import { configClass, warnUnused } from '../../config.ts';
import {
  COMMON_FIELDS,
  choice,
  dropoutRate,
  INIT_WEIGHTS,
  nonNegativeInteger,
  number,
  type Options,
  positiveInteger,
  scale,
} from '../../fields.ts';

export const LORA_XS_FIELDS = {
  ...COMMON_FIELDS,
  ...INIT_WEIGHTS,
  /** Rank of the principal subspace: R is r x r. */
  r: positiveInteger(25),
  /** scaling = loraAlpha / r. */
  loraAlpha: scale(16),
  /** Dropout on the input of A, in training. */
  loraDropout: dropoutRate(),
  /** Deviation of R's entries at the start. */
  initStd: number(1e-5, 'at least 0', (value) => Number.isFinite(value) && value >= 0),
  /** full: converged to a residual tolerance. lowrank: svdNiter iterations from randomSeed, as the released code. */
  svd: choice('full', ['full', 'lowrank']),
  svdNiter: nonNegativeInteger(10),
  randomSeed: nonNegativeInteger(42),
} as const;

export type LoraXsOptions = Options<typeof LORA_XS_FIELDS>;

/**
 * Settings of LoRA-XS, which PEFT lacks: defaults of the released code, but a converged decomposition.
 * @throws AdapterConfigError for unknown names and impossible values; warns of settings without effect
 */
export class LoraXsConfig extends configClass('LORA_XS', LORA_XS_FIELDS) {
  constructor(options: LoraXsOptions = {}) {
    super(options);
    warnUnused(this, LORA_XS_FIELDS, [
      ['svdNiter', 'svd', 'lowrank'],
      ['randomSeed', 'svd', 'lowrank'],
      ['initStd', 'initWeights', true],
    ]);
    Object.freeze(this);
  }

  /** s in y = W x + s B R A x. */
  get scaling(): number {
    return this.loraAlpha / this.r;
  }
}
