/** The frozen A and B of PSOFT: the principal subspace of a weight. */
import { readWeight, type WeightData } from '@psoft/engine';
import { AdapterError } from '../../errors.ts';
import { type SingularTriples, topSingularTriples } from '../../math/svd.ts';
import type { Target } from '../../method.ts';
import type { PsoftConfig } from './config.ts';

export interface PrincipalSubspace {
  /** [r, in] */
  readonly a: WeightData;
  /** [out, r] */
  readonly b: WeightData;
  /** How far the triples are from singular: see {@link SingularTriples.residual}. */
  readonly residual: number;
  readonly products: number;
}

/** @throws AdapterError when the layer is too small for the rank */
export function checkRank({ name, inFeatures, outFeatures }: Target, rank: number): void {
  const limit = Math.min(inFeatures, outFeatures);
  if (rank > limit)
    throw new AdapterError(
      `psoft "${name}": rank must be at most min(in, out) = ${limit}, got ${rank}; lower r or add it to excludeModules`,
    );
}

/**
 * W [out, in] ~ U S Vᵀ, r triples. psoft_init: A = Vᵀ, B = U S / s. pissa_init: A = (S/s)^½ Vᵀ, B = U (S/s)^½.
 * s B A is the principal part of W either way.
 * @throws AdapterError for a weight that is not finite or a decomposition that does not converge
 */
export async function principalSubspace(target: Target, config: PsoftConfig): Promise<PrincipalSubspace> {
  const { r: rank, scaling, psoftSvd, psoftSvdLowrankNiter, randomSeed } = config;
  const data = await readWeight(target.weight);
  let triples: SingularTriples;
  try {
    triples = await topSingularTriples(
      { rows: target.outFeatures, columns: target.inFeatures, data },
      rank,
      psoftSvd === 'full'
        ? { method: 'full' }
        : { method: 'lowrank', iterations: psoftSvdLowrankNiter, seed: randomSeed },
    );
  } catch (cause) {
    throw new AdapterError(`psoft "${target.name}": ${(cause as Error).message}`, { cause });
  }
  const { u, s, vt, residual, products } = triples;
  const onA = s.map((value) => (config.abSvdInit === 'pissa_init' ? Math.sqrt(value / scaling) : 1));
  const onB = s.map((value, i) => value / scaling / onA[i]!);
  const a = vt.map((value, i) => value * onA[Math.floor(i / target.inFeatures)]!);
  // A vanishing singular value leaves 0 / 0 above; its column of B is zero.
  const b = u.map((value, i) => (s[i % rank] === 0 ? 0 : value * onB[i % rank]!));
  return {
    a: { kind: 'data', data: a, shape: [rank, target.inFeatures] },
    b: { kind: 'data', data: b, shape: [target.outFeatures, rank] },
    residual,
    products,
  };
}
