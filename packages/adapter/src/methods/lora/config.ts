import { configClass } from '../../config.ts';
import {
  COMMON_FIELDS,
  dropoutRate,
  type Field,
  flag,
  type Options,
  positiveInteger,
  scale,
} from '../../fields.ts';
import { matchesOf } from '../../pattern.ts';

/**
 * How A and B start. true: A uniform within 1 / sqrt(in), B zero. gaussian: A normal with deviation 1 / r, B zero.
 * pissa, pissa_niter_N: see methods/pissa. false: both random, so that the update is not zero (for tests).
 */
export type InitLoraWeights = boolean | 'gaussian' | 'pissa' | `pissa_niter_${number}`;

const initLoraWeights: Field<InitLoraWeights> = {
  initial: true,
  expects: 'true, false, gaussian, pissa or pissa_niter_N',
  accepts: (value) =>
    typeof value === 'boolean' ||
    (typeof value === 'string' && /^(gaussian|pissa|pissa_niter_[1-9]\d*)$/.test(value)),
};

/** Numbers by module name or regular expression for its end. */
const pattern = (
  expects: string,
  isValue: (value: number) => boolean,
): Field<Readonly<Record<string, number>>> => ({
  initial: {},
  expects,
  accepts: (value) =>
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    Object.values(value).every((one) => typeof one === 'number' && isValue(one)),
});

export const LORA_FIELDS = {
  ...COMMON_FIELDS,
  /** Rank of the update. */
  r: positiveInteger(8),
  /** scaling = loraAlpha / r. */
  loraAlpha: scale(8),
  /** Dropout on the input of A, in training. */
  loraDropout: dropoutRate(),
  /** Rank-stabilised scaling loraAlpha / sqrt(r), arXiv 2312.03732. */
  useRslora: flag(false),
  /** Magnitude and direction apart: methods/dora. */
  useDora: flag(false),
  initLoraWeights,
  /** Ranks and alphas of single modules, by PEFT's rule: a name, or an expression that matches the end of the path. */
  rankPattern: pattern(
    'an object of ranks by module name',
    (value) => Number.isSafeInteger(value) && value > 0,
  ),
  alphaPattern: pattern('an object of alphas by module name', (value) => Number.isFinite(value) && value > 0),
} as const;

export type LoraOptions = Options<typeof LORA_FIELDS>;

/**
 * Settings of LoRA and of what PEFT builds on it (rsLoRA, DoRA, PiSSA): names, defaults and meaning as in PEFT 0.21.
 * @throws AdapterConfigError for unknown names and impossible values
 */
export class LoraConfig extends configClass('LORA', LORA_FIELDS) {
  constructor(options: LoraOptions = {}) {
    super(options);
    Object.freeze(this);
  }

  override get method(): string {
    if (this.useDora) return 'dora';
    return this.isPissa ? 'pissa' : 'lora';
  }

  get isPissa(): boolean {
    return typeof this.initLoraWeights === 'string' && this.initLoraWeights.startsWith('pissa');
  }

  rankOf(module: string): number {
    return matching(this.rankPattern, module) ?? this.r;
  }

  /** s in y = W x + s B A x. */
  scalingOf(module: string): number {
    const rank = this.rankOf(module);
    const alpha = matching(this.alphaPattern, module) ?? this.loraAlpha;
    return alpha / (this.useRslora ? Math.sqrt(rank) : rank);
  }

  /** PEFT's readers want these keys spelt out. */
  override toPeft(): Record<string, unknown> {
    return { ...super.toPeft(), bias: 'none' };
  }
}

/** The value of the first key that is the module's path or a whole ending of it. */
function matching(pattern: Readonly<Record<string, number>>, module: string): number | undefined {
  const found = Object.keys(pattern).find(
    (key) =>
      matchesOf({ setting: 'rankPattern and alphaPattern', given: key, source: `^((?:.*\\.)?(?:${key}))$` }, [
        module,
      ]).size > 0,
  );
  return found === undefined ? undefined : pattern[found];
}
