import { configClass, warnUnused } from '../../config.ts';
import { AdapterConfigError, warn } from '../../errors.ts';
import {
  COMMON_FIELDS,
  choice,
  dropoutRate,
  flag,
  INIT_WEIGHTS,
  nonNegativeInteger,
  number,
  type Options,
  optional,
  positiveInteger,
  scale,
} from '../../fields.ts';
import type { NeumannConvention } from '../../math/neumann.ts';

export const PSOFT_FIELDS = {
  ...COMMON_FIELDS,
  ...INIT_WEIGHTS,
  /** Rank of the principal subspace: R is r x r. */
  r: positiveInteger(32),
  /** scaling = psoftAlpha / r. */
  psoftAlpha: scale(32),
  /** Dropout on the input of A, in training. */
  psoftDropout: dropoutRate(),
  /**
   * psoft_init: A has orthonormal rows, all of S in B. pissa_init: the root of S in each. output_init: all of S in A,
   * B has orthonormal columns; ours alone, for Table 7.
   */
  abSvdInit: choice('psoft_init', ['psoft_init', 'pissa_init', 'output_init']),
  /** full: converged to a residual tolerance. lowrank: psoftSvdLowrankNiter iterations from randomSeed. */
  psoftSvd: choice('full', ['full', 'lowrank']),
  psoftSvdLowrankNiter: nonNegativeInteger(10),
  randomSeed: nonNegativeInteger(0),
  /** Orthogonal R by a Cayley map; false trains all of R freely. */
  psoftOrth: flag(true),
  /** gamma: adds gamma times the mean over layers of |RᵀR - I| to the training loss; ours alone, for Table 6. */
  orthogonalityPenalty: number(0, 'at least 0', (value) => Number.isFinite(value) && value >= 0),
  /** Trained scaling on the input side of R (PSOFT's alpha, `vector_a`) and on its output side (beta, `vector_b`). */
  psoftMagA: flag(true),
  psoftMagB: flag(true),
  /** A truncated Neumann series in place of the exact inverse. */
  useCayleyNeumann: flag(false),
  numCayleyNeumannTerms: positiveInteger(5),
  /** Bound on the Frobenius norm of Q for the series. */
  cayleyNeumannEps: optional<number>(
    'between 0 and 1, both excluded',
    (value) => typeof value === 'number' && value > 0 && value < 1,
  ),
  /** Whose way of counting numCayleyNeumannTerms means; ours alone, not in PEFT. */
  neumannConvention: choice<NeumannConvention>('peft', ['peft', 'paper']),
} as const;

export type PsoftOptions = Options<typeof PSOFT_FIELDS>;

const CONDITIONAL = [
  ['psoftSvdLowrankNiter', 'psoftSvd', 'lowrank'],
  ['randomSeed', 'psoftSvd', 'lowrank'],
  ['numCayleyNeumannTerms', 'useCayleyNeumann', true],
  ['cayleyNeumannEps', 'useCayleyNeumann', true],
  ['neumannConvention', 'useCayleyNeumann', true],
  ['useCayleyNeumann', 'psoftOrth', true],
  ['orthogonalityPenalty', 'psoftOrth', false],
] as const;

/**
 * Settings of PSOFT: names, defaults and meaning as in PEFT 0.21 (camelCase), and `neumannConvention`.
 * @throws AdapterConfigError for unknown names, impossible values and contradictions; warns of settings without effect
 */
export class PsoftConfig extends configClass('PSOFT', PSOFT_FIELDS) {
  constructor(options: PsoftOptions = {}) {
    super(options);
    warnUnused(this, PSOFT_FIELDS, CONDITIONAL);
    if (this.psoftOrth && this.r === 1 && !this.psoftMagA && !this.psoftMagB)
      throw new AdapterConfigError(
        'psoft: r = 1 without psoftMagA and psoftMagB trains nothing: a 1 x 1 rotation is the identity; raise r',
      );
    Object.freeze(this);
  }

  /** The paper's count is written as PEFT's, two higher; with one term PEFT has no such series, and the file says so. */
  override toPeft(): Record<string, unknown> {
    const { neumann_convention, orthogonality_penalty, ...rest } = super.toPeft();
    const file = this.orthogonalityPenalty > 0 ? { ...rest, orthogonality_penalty } : rest;
    if (neumann_convention === 'peft' || !this.useCayleyNeumann) return file;
    if (this.numCayleyNeumannTerms > 1)
      return { ...file, num_cayley_neumann_terms: this.numCayleyNeumannTerms + 2 };
    warn(
      'psoft: the series I + 2Q + Q² has no equal in PEFT, which will compute another one from this adapter',
    );
    return { ...file, neumann_convention };
  }

  /** s in y = W x + s B (diag(b) R diag(a) - I) A x. */
  get scaling(): number {
    return this.psoftAlpha / this.r;
  }
}
