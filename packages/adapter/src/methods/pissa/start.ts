/** What A and B of PiSSA start as. */
import type { WeightData } from '@psoft/engine';
import type { SvdOptions } from '../../math/svd.ts';
import type { InitialiseOptions, Target } from '../../method.ts';
import { checkRank, ofEachTarget, outlineFactors, weightTriples } from '../../principal.ts';
import type { LoraConfig } from '../lora/config.ts';

export interface PrincipalPair {
  /** (S / s)^½ Vᵀ, [rank, in] */
  readonly a: WeightData;
  /** U (S / s)^½, [out, rank] */
  readonly b: WeightData;
}

/**
 * A₀ and B₀ of every target, s B₀ A₀ its principal part. `pissa` is converged; `pissa_niter_N` takes N iterations from
 * a fixed start, the fast decomposition of the paper's section 5.4: a saved adapter holds A and B only, and has to find
 * the same A₀ and B₀ again under any seed. W itself stays as it is: the layer subtracts s B₀ A₀.
 */
export async function principalPairs(
  targets: readonly Target[],
  config: LoraConfig,
  { onProgress }: InitialiseOptions,
): Promise<Map<string, PrincipalPair>> {
  for (const target of targets) checkRank('pissa', target, config.rankOf(target.name));
  return ofEachTarget(targets, onProgress, (target) => principalPair(target, config, svdOptions(config)));
}

function svdOptions({ initLoraWeights }: LoraConfig): SvdOptions {
  const iterations = /^pissa_niter_(\d+)$/.exec(String(initLoraWeights))?.[1];
  return iterations === undefined
    ? { method: 'full' }
    : { method: 'lowrank', iterations: Number(iterations), seed: 0 };
}

async function principalPair(
  target: Target,
  config: LoraConfig,
  options: SvdOptions,
): Promise<PrincipalPair> {
  const rank = config.rankOf(target.name);
  const outline = outlineFactors(target, rank);
  if (outline !== undefined) return outline;
  const { u, s, vt } = await weightTriples('pissa', target, rank, options);
  const roots = s.map((value) => Math.sqrt(value / config.scalingOf(target.name)));
  const a = vt.map((value, i) => value * roots[Math.floor(i / target.inFeatures)]!);
  const b = u.map((value, i) => value * roots[i % rank]!);
  return {
    a: { kind: 'data', data: a, shape: [rank, target.inFeatures] },
    b: { kind: 'data', data: b, shape: [target.outFeatures, rank] },
  };
}
