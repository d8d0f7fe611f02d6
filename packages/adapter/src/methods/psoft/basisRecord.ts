/**
 * What says in which basis a saved R is meant. A and B are rebuilt from the base weights by a singular value
 * decomposition, which leaves signs open and, on another machine, the last bits; R means something else in each.
 */
import { createHash } from 'node:crypto';
import type { WeightData } from '@psoft/engine';
import { AdapterError, shown } from '../../errors.ts';

export interface ModuleBasis {
  /** SHA-256 of the float32 bytes of A, then B: the same bits need no comparison. */
  readonly sha256?: string;
  /** Base64 of float32 [PROBES, r]: products of the unit rows of A with fixed sign vectors. */
  readonly probes: string;
}

/** Two: that a row is nearly orthogonal to both, so that its sign is in doubt, is a matter of one in a million. */
const PROBES = 2;
/**
 * Largest difference of a probe between bases taken for the same. A probe is about 1; another LAPACK in float32 moves
 * it by up to 1e-3 where singular values are close, another vector altogether by about 1.
 */
const TOLERANCE = 0.01;

/** Entry `index` of sign vector `probe`: the top bit of a mixed counter, easy to compute anywhere. */
export function probeSign(probe: number, index: number): 1 | -1 {
  let h = Math.imul(PROBES * index + probe + 1, 0x9e3779b1);
  h = Math.imul(h ^ (h >>> 15), 0x85ebca77);
  h ^= h >>> 13;
  return h < 0 ? -1 : 1;
}

/** @param a [r, in] */
export function probesOf({ data, shape }: WeightData): Float32Array {
  const [rank, columns] = shape as [number, number];
  const probes = new Float32Array(PROBES * rank);
  for (let row = 0; row < rank; row++) {
    const values = data.subarray(row * columns, (row + 1) * columns);
    const length = Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
    for (let probe = 0; probe < PROBES; probe++) {
      const product = values.reduce((sum, value, j) => sum + probeSign(probe, j) * value, 0);
      probes[probe * rank + row] = length === 0 ? 0 : product / length;
    }
  }
  return probes;
}

export function recordBasis(a: WeightData, b: WeightData): Required<ModuleBasis> {
  const probes = probesOf(a);
  return { sha256: hashOf(a, b), probes: Buffer.from(probes.buffer).toString('base64') };
}

function hashOf(...parts: readonly WeightData[]): string {
  const hash = createHash('sha256');
  for (const { data } of parts) hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  return hash.digest('hex');
}

/**
 * Turns A and B, in place, into the recorded basis: the signs of its vectors.
 * @throws AdapterError when a vector differs by more than a sign
 */
export function adoptModuleBasis(
  module: string,
  a: WeightData,
  b: WeightData,
  recorded: unknown,
  origin: string,
): void {
  const rank = a.shape[0]!;
  const { sha256, probes } = (recorded ?? {}) as Partial<ModuleBasis>;
  const bytes = typeof probes === 'string' ? Buffer.from(probes, 'base64') : Buffer.alloc(0);
  if (bytes.length !== 4 * PROBES * rank)
    throw new AdapterError(
      `${origin}: the basis of "${module}" must have ${PROBES * rank} probes, got ${bytes.length / 4} from ${shown(probes)}`,
    );
  if (sha256 === hashOf(a, b)) return;
  const own = probesOf(a);
  for (let row = 0; row < rank; row++) {
    const pairs = Array.from({ length: PROBES }, (_, probe) => {
      const at = probe * rank + row;
      return [own[at]!, bytes.readFloatLE(4 * at)] as const;
    });
    const [same, flipped] = [1, -1].map((sign) =>
      Math.max(...pairs.map(([mine, theirs]) => Math.abs(mine - sign * theirs))),
    ) as [number, number];
    if (!(Math.min(same, flipped) <= TOLERANCE))
      throw new AdapterError(
        `${origin}: singular vector ${row} of "${module}" cannot be rebuilt here (off by ${Math.min(same, flipped).toExponential(1)}; ` +
          'its singular value is probably not separate from its neighbours): export the adapter as LoRA where it was trained',
      );
    if (flipped < same) flip(a, b, row);
  }
}

function flip(a: WeightData, b: WeightData, row: number): void {
  const [rank, columns] = a.shape as [number, number];
  for (let j = row * columns; j < (row + 1) * columns; j++) a.data[j] = -a.data[j]!;
  for (let i = row; i < b.data.length; i += rank) b.data[i] = -b.data[i]!;
}
