import { configClass } from '../../config.ts';
import { COMMON_FIELDS, flag, INIT_WEIGHTS, type Options } from '../../fields.ts';

export const GOFT_FIELDS = {
  ...COMMON_FIELDS,
  ...INIT_WEIGHTS,
  /** true: rotations by an angle (GOFT). false: free 2 x 2 matrices in their place (qGOFT). */
  strictOft: flag(true),
  /** false also trains a factor for each input. The PSOFT paper's counts have none, nor has the released qGOFT. */
  noScaling: flag(true),
} as const;

export type GoftOptions = Options<typeof GOFT_FIELDS>;

/**
 * Settings of GOFT and qGOFT, which PEFT lacks: names of the released code; its `no_scaling` is false by default.
 * @throws AdapterConfigError for unknown names and impossible values
 */
export class GoftConfig extends configClass('GOFT', GOFT_FIELDS) {
  constructor(options: GoftOptions = {}) {
    super(options);
    Object.freeze(this);
  }

  override get method(): string {
    return this.strictOft ? 'goft' : 'qgoft';
  }
}
