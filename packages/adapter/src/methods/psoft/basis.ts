/** The frozen A and B of PSOFT: the principal subspace of a weight. */
import type { WeightData } from '@psoft/engine';
import type { Target } from '../../method.ts';
import { outlineFactors, weightTriples } from '../../principal.ts';
import type { PsoftConfig } from './config.ts';

export interface PrincipalSubspace {
  /** [r, in] */
  readonly a: WeightData;
  /** [out, r] */
  readonly b: WeightData;
  /** How far the triples are from singular: see `residual` of the singular triples. */
  readonly residual: number;
  readonly products: number;
}

/**
 * W [out, in] ~ U S Vᵀ, r triples. psoft_init: A = Vᵀ, B = U S / s. pissa_init: A = (S/s)^½ Vᵀ, B = U (S/s)^½.
 * output_init: A = (S/s) Vᵀ, B = U.
 * s B A is the principal part of W either way.
 * @throws AdapterError for a weight that is not finite or a decomposition that does not converge
 */
export async function principalSubspace(target: Target, config: PsoftConfig): Promise<PrincipalSubspace> {
  const { r: rank, scaling, psoftSvd, psoftSvdLowrankNiter, randomSeed, abSvdInit } = config;
  const outline = outlineFactors(target, rank);
  if (outline !== undefined) return { ...outline, residual: 0, products: 0 };
  const { u, s, vt, residual, products } = await weightTriples(
    'psoft',
    target,
    rank,
    psoftSvd === 'full'
      ? { method: 'full' }
      : { method: 'lowrank', iterations: psoftSvdLowrankNiter, seed: randomSeed },
  );
  const share = { psoft_init: 0, pissa_init: 0.5, output_init: 1 }[abSvdInit];
  const onA = s.map((value) => (value / scaling) ** share);
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
