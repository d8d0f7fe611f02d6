import { configClass, warnUnused } from '../../config.ts';
import {
  COMMON_FIELDS,
  choice,
  INIT_WEIGHTS,
  nonNegativeInteger,
  type Options,
  optional,
  positiveInteger,
} from '../../fields.ts';

export const SVFT_FIELDS = {
  ...COMMON_FIELDS,
  ...INIT_WEIGHTS,
  /** Which entries of M are trained: see methods/svft/pattern.ts. */
  pattern: choice('plain', ['plain', 'banded', 'random', 'top_k']),
  /** Diagonals on each side of the main one, for banded; random and top_k train as many entries. */
  offDiag: positiveInteger(1),
  /** How many singular triples M acts on; all by default. */
  rank: optional<number>(
    'a positive integer',
    (value) => Number.isSafeInteger(value) && (value as number) > 0,
  ),
  /** zero: the base model at first, as in the paper. kaiming: normal noise, as in the released code. */
  mInit: choice('zero', ['zero', 'kaiming']),
  /** Decides the positions of the random pattern. */
  randomSeed: nonNegativeInteger(0),
} as const;

export type SvftOptions = Options<typeof SVFT_FIELDS>;

/**
 * Settings of SVFT, which PEFT lacks.
 * @throws AdapterConfigError for unknown names and impossible values; warns of settings without effect
 */
export class SvftConfig extends configClass('SVFT', SVFT_FIELDS) {
  constructor(options: SvftOptions = {}) {
    super(options);
    warnUnused(this, SVFT_FIELDS, [
      ['randomSeed', 'pattern', 'random'],
      ['mInit', 'initWeights', true],
    ]);
    Object.freeze(this);
  }

  /** Singular triples of a layer that M acts on. */
  triplesOf({ inFeatures, outFeatures }: { inFeatures: number; outFeatures: number }): number {
    return Math.min(inFeatures, outFeatures, this.rank ?? Number.POSITIVE_INFINITY);
  }

  /** Trained entries of M, n x n: n (2k + 1) - k (k + 1) for k diagonals on each side. */
  entriesOf(n: number): number {
    const k = this.pattern === 'plain' ? 0 : Math.min(this.offDiag, n - 1);
    return n * (2 * k + 1) - k * (k + 1);
  }
}
