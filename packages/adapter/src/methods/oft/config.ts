import type { LinearModule } from '@psoft/engine';
import { configClass, warnUnused } from '../../config.ts';
import { AdapterConfigError, shown, warn } from '../../errors.ts';
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

export const OFT_FIELDS = {
  ...COMMON_FIELDS,
  ...INIT_WEIGHTS,
  /** Number of blocks, where oftBlockSize is 0. */
  r: nonNegativeInteger(0),
  /** Inputs a block. Where it does not divide them, the nearest size that does. */
  oftBlockSize: nonNegativeInteger(32),
  /** Share of the blocks that are the identity, in training. */
  moduleDropout: dropoutRate(),
  /** Keeps every block near the identity: |Q| at most eps / sqrt(blocks). */
  coft: flag(false),
  eps: number(6e-5, 'a positive number', (value) => Number.isFinite(value) && value > 0),
  /** One rotation for all blocks. */
  blockShare: flag(false),
  /** A truncated Neumann series in place of the exact inverse. */
  useCayleyNeumann: flag(true),
  numCayleyNeumannTerms: positiveInteger(5),
  /** Also trains a factor for each output, as the paper's scaled OFT; ours alone, not in PEFT. */
  scaled: flag(false),
} as const;

export type OftOptions = Options<typeof OFT_FIELDS>;

/**
 * Settings of OFT: names, defaults and meaning as in PEFT 0.21 (camelCase), and `scaled`.
 * @throws AdapterConfigError for unknown names, impossible values and contradictions; warns of settings without effect
 */
export class OftConfig extends configClass('OFT', OFT_FIELDS) {
  constructor(options: OftOptions = {}) {
    // Whoever gives r means it: the default block size steps back.
    super(options.r && options.oftBlockSize === undefined ? { ...options, oftBlockSize: 0 } : options);
    if ((this.r === 0) === (this.oftBlockSize === 0))
      throw new AdapterConfigError(
        `oft: give the number of blocks r or their size oftBlockSize and set the other to 0, got r = ${this.r}, oftBlockSize = ${this.oftBlockSize}`,
      );
    warnUnused(this, OFT_FIELDS, [
      ['eps', 'coft', true],
      ['numCayleyNeumannTerms', 'useCayleyNeumann', true],
    ]);
    Object.freeze(this);
  }

  /** How many blocks of what size rotate `inFeatures` inputs: PEFT's choice where the setting does not divide them. */
  blocksOf(inFeatures: number): { readonly count: number; readonly size: number } {
    if (this.oftBlockSize === 0) {
      const count = nearestDivisor(inFeatures, this.r);
      return { count, size: inFeatures / count };
    }
    const size = nearestDivisor(inFeatures, this.oftBlockSize);
    return { count: inFeatures / size, size };
  }

  /** Warns, as PEFT does, of layers whose inputs the setting does not divide, once for each number of inputs. */
  warnOfAdjusted(targets: readonly LinearModule[]): void {
    const [name, given] = this.oftBlockSize ? ['oftBlockSize', this.oftBlockSize] : ['r', this.r];
    const seen = new Set<number>();
    for (const { name: module, inFeatures } of targets) {
      if (inFeatures % given === 0 || seen.has(inFeatures)) continue;
      seen.add(inFeatures);
      const { count, size } = this.blocksOf(inFeatures);
      warn(
        `oft: ${name} = ${given} does not divide the ${inFeatures} inputs of "${module}": ${count} blocks of ${size} are used there`,
      );
    }
  }

  override toPeft(): Record<string, unknown> {
    const { scaled, ...file } = super.toPeft();
    return { ...file, bias: 'none', ...(this.scaled ? { scaled } : {}) };
  }
}

/**
 * Says of a parsed adapter_config.json what PEFT says of it: its OFT has changed its meaning twice.
 * @throws AdapterConfigError for one from before 0.14, which had other parameters
 */
export function checkOftFile(json: Readonly<Record<string, unknown>>): void {
  const { oft_block_size: blockSize, use_cayley_neumann: series, peft_version: version } = json;
  if (blockSize === undefined)
    throw new AdapterConfigError(
      'adapter_config.json: oft_block_size is missing, as in files of PEFT before 0.14, whose OFT had other parameters: train the adapter anew',
    );
  // Releases before 0.18 do not write theirs. A commit may follow: "0.18.1.dev0@1234abcd".
  const [major, minor] = /^(\d+)\.(\d+)/
    .exec(String(version ?? '0.0'))
    ?.slice(1)
    .map(Number) ?? [0, 0];
  if (series === true && major === 0 && minor! < 18)
    warn(
      `oft: adapter_config.json is of a PEFT before 0.18 (peft_version ${shown(version ?? null)}), whose series was slightly different: outputs differ from those it was trained to; train it anew, or use that release`,
    );
}

/** The divisor of `total` nearest to `wanted`, the smaller of two equally near. */
export function nearestDivisor(total: number, wanted: number): number {
  if (wanted >= total) return total;
  for (let distance = 0; ; distance++)
    for (const candidate of [wanted - distance, wanted + distance])
      if (candidate >= 1 && total % candidate === 0) return candidate;
}
