/**
 * What says in which basis a saved R is meant. A and B are rebuilt from the base weights by a singular value
 * decomposition, which leaves signs open and, on another machine, the last bits; R means something else in each.
 */
import { createHash } from 'node:crypto';
import type { WeightData } from '@psoft/engine';
import { AdapterError, shown } from './errors.ts';

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

/** 1 or -1 for each row of A: which vectors the recorded basis has the other way round. */
export type Signs = Int8Array;

/**
 * How the recorded basis of a module differs from A and B: by the signs of its vectors.
 * @param a [r, in]
 * @param b [out, r]
 * @param recorded a {@link ModuleBasis}, as read
 * @param origin the file it stands in, for messages
 * @throws AdapterError when a vector differs by more than a sign
 */
export function signsToward(
  module: string,
  a: WeightData,
  b: WeightData,
  recorded: unknown,
  origin: string,
): Signs {
  const rank = a.shape[0]!;
  const { sha256, probes } = (recorded ?? {}) as Partial<ModuleBasis>;
  const bytes = typeof probes === 'string' ? Buffer.from(probes, 'base64') : Buffer.alloc(0);
  if (bytes.length !== 4 * PROBES * rank)
    throw new AdapterError(
      `${origin}: the basis of "${module}" must have ${PROBES * rank} probes, got ${bytes.length / 4} from ${shown(probes)}`,
    );
  const signs = new Int8Array(rank).fill(1);
  if (sha256 === hashOf(a, b)) return signs;
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
    if (flipped < same) signs[row] = -1;
  }
  return signs;
}

/** Turns A and B, in place, into the recorded basis. @throws AdapterError as {@link signsToward} */
export function adoptModuleBasis(
  module: string,
  a: WeightData,
  b: WeightData,
  recorded: unknown,
  origin: string,
): void {
  applySigns(a, b, signsToward(module, a, b, recorded, origin));
}

/** Flips rows of A [r, in] and columns of B [out, r], in place. */
export function applySigns(a: WeightData, b: WeightData, signs: Signs): void {
  signs.forEach((sign, row) => {
    if (sign < 0) flip(a, b, row);
  });
}

function flip(a: WeightData, b: WeightData, row: number): void {
  const [rank, columns] = a.shape as [number, number];
  for (let j = row * columns; j < (row + 1) * columns; j++) a.data[j] = -a.data[j]!;
  for (let i = row; i < b.data.length; i += rank) b.data[i] = -b.data[i]!;
}

/** Frozen A [r, in] and B [out, r] of a module. */
export interface BasisPair {
  readonly a: WeightData;
  readonly b: WeightData;
}

/** Trained values in another basis: the same update in other terms. */
export interface Rebased {
  values(module: string, key: string, data: Float32Array): Float32Array;
  /** The record of that basis. */
  readonly record: Record<string, ModuleBasis>;
}

/** What a method whose values refer to a rebuilt basis says of it: members of its recipe. */
export interface BasisMembers {
  basis(): Record<string, ModuleBasis>;
  adoptBasis(modules: object, origin: string): void;
  rebased(modules: object, origin: string): Rebased;
}

/**
 * @param pairs by module
 * @param withSigns a tensor's values once rows of A and columns of B have changed their signs, so that the update stays
 */
export function basisMembers(
  pairs: ReadonlyMap<string, BasisPair>,
  withSigns: (key: string, data: Float32Array, signs: Signs, module: string) => Float32Array,
): BasisMembers {
  const recordOf = (modules: object, name: string): unknown => (modules as Record<string, unknown>)[name];
  return {
    basis: () => Object.fromEntries([...pairs].map(([name, { a, b }]) => [name, recordBasis(a, b)])),
    adoptBasis(modules, origin) {
      for (const [name, { a, b }] of pairs) adoptModuleBasis(name, a, b, recordOf(modules, name), origin);
    },
    rebased(modules, origin) {
      const signs = new Map<string, Signs>();
      const record: Record<string, ModuleBasis> = {};
      for (const [name, { a, b }] of pairs) {
        const own = signsToward(name, a, b, recordOf(modules, name), origin);
        signs.set(name, own);
        const copies = [a, b].map((one) => ({ ...one, data: one.data.slice() })) as [WeightData, WeightData];
        applySigns(...copies, own);
        record[name] = recordBasis(...copies);
      }
      return { values: (module, key, data) => withSigns(key, data, signs.get(module)!, module), record };
    },
  };
}
