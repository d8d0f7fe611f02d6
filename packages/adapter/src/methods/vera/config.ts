import { configClass, warnUnused } from '../../config.ts';
import {
  COMMON_FIELDS,
  dropoutRate,
  flag,
  INIT_WEIGHTS,
  nonNegativeInteger,
  number,
  type Options,
  positiveInteger,
} from '../../fields.ts';

export const VERA_FIELDS = {
  ...COMMON_FIELDS,
  ...INIT_WEIGHTS,
  /** Rank of the random projections. */
  r: positiveInteger(256),
  /** Decides the projections: the same numbers as PEFT's for the same key. */
  projectionPrngKey: nonNegativeInteger(0),
  /** Whether the projections are part of saved adapters. */
  saveProjection: flag(true),
  /** Dropout on the input of A, in training. */
  veraDropout: dropoutRate(),
  /** Where lambda_d starts. */
  dInitial: number(0.1, 'a finite number', Number.isFinite),
} as const;

export type VeraOptions = Options<typeof VERA_FIELDS>;

/**
 * Settings of VeRA: names, defaults and meaning as in PEFT 0.21 (camelCase).
 * @throws AdapterConfigError for unknown names and impossible values; warns of settings without effect
 */
export class VeraConfig extends configClass('VERA', VERA_FIELDS) {
  constructor(options: VeraOptions = {}) {
    super(options);
    warnUnused(this, VERA_FIELDS, [['dInitial', 'initWeights', true]]);
    Object.freeze(this);
  }

  override toPeft(): Record<string, unknown> {
    return { ...super.toPeft(), bias: 'none' };
  }
}
