import type { LinearModule } from '@psoft/engine';
import { configClass } from '../../config.ts';
import { AdapterConfigError, AdapterError } from '../../errors.ts';
import {
  COMMON_FIELDS,
  dropoutRate,
  INIT_WEIGHTS,
  nonNegativeInteger,
  type Options,
  positiveInteger,
} from '../../fields.ts';

export const BOFT_FIELDS = {
  ...COMMON_FIELDS,
  ...INIT_WEIGHTS,
  /** Inputs a block. */
  boftBlockSize: nonNegativeInteger(4),
  /** Number of blocks, where boftBlockSize is 0. */
  boftBlockNum: nonNegativeInteger(0),
  /** How many block-diagonal factors, each behind a butterfly permutation. */
  boftNButterflyFactor: positiveInteger(1),
  /** Share of the blocks of one factor that are the identity, in training. */
  boftDropout: dropoutRate(),
} as const;

export type BoftOptions = Options<typeof BOFT_FIELDS>;

/**
 * Settings of BOFT: names, defaults and meaning as in PEFT 0.21 (camelCase).
 * @throws AdapterConfigError for unknown names, impossible values and contradictions
 */
export class BoftConfig extends configClass('BOFT', BOFT_FIELDS) {
  constructor(options: BoftOptions = {}) {
    // Whoever gives the number of blocks means it: the default block size steps back.
    super(
      options.boftBlockNum && options.boftBlockSize === undefined
        ? { ...options, boftBlockSize: 0 }
        : options,
    );
    if ((this.boftBlockSize === 0) === (this.boftBlockNum === 0))
      throw new AdapterConfigError(
        `boft: give boftBlockSize or boftBlockNum and set the other to 0, got ${this.boftBlockSize} and ${this.boftBlockNum}`,
      );
    Object.freeze(this);
  }

  /**
   * The blocks of one factor for a layer.
   * @throws AdapterError where size, number and factors do not fit its inputs: PEFT's conditions
   */
  blocksOf({ name, inFeatures }: LinearModule): { readonly count: number; readonly size: number } {
    const { boftBlockSize, boftBlockNum, boftNButterflyFactor: factors } = this;
    const given = boftBlockSize || boftBlockNum;
    const refuse = (problem: string): never => {
      throw new AdapterError(
        `boft "${name}": ${problem}; its inputs are ${inFeatures}, boftBlockSize ${boftBlockSize}, boftBlockNum ${boftBlockNum}, boftNButterflyFactor ${factors}`,
      );
    };
    if (inFeatures % given !== 0) refuse(`the inputs are no multiple of ${given}`);
    const [size, count] = boftBlockSize ? [given, inFeatures / given] : [inFeatures / given, given];
    if (factors > 1) {
      if (count % 2 ** (factors - 1) !== 0)
        refuse(`the number of blocks (${count}) must be a multiple of 2^${factors - 1}`);
      if (size % 2 !== 0) refuse(`the block size (${size}) must be even`);
    }
    return { count, size };
  }

  override toPeft(): Record<string, unknown> {
    return { ...super.toPeft(), bias: 'none' };
  }
}
