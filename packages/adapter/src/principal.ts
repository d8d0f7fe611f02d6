/** Principal subspaces of target weights, for the methods that are initialised from them. */
import { isOutline, outlineWeight, readWeight, type WeightData } from '@psoft/engine';
import { AdapterError } from './errors.ts';
import { type SingularTriples, type SvdOptions, topSingularTriples } from './math/svd.ts';
import type { InitialiseOptions, Target } from './method.ts';

/** @throws AdapterError when the layer is too small for the rank */
export function checkRank(method: string, { name, inFeatures, outFeatures }: Target, rank: number): void {
  const limit = Math.min(inFeatures, outFeatures);
  if (rank > limit)
    throw new AdapterError(
      `${method} "${name}": rank must be at most min(in, out) = ${limit}, got ${rank}; lower r or add it to excludeModules`,
    );
}

/**
 * The top singular triples of a target's weight [out, in] = U S Vᵀ.
 * @throws AdapterError for a weight that is not finite or a decomposition that does not converge
 */
export async function weightTriples(
  method: string,
  target: Target,
  rank: number,
  options: SvdOptions,
): Promise<SingularTriples> {
  const data = await readWeight(target.weight);
  try {
    return await topSingularTriples(
      { rows: target.outFeatures, columns: target.inFeatures, data },
      rank,
      options,
    );
  } catch (cause) {
    throw new AdapterError(`${method} "${target.name}": ${(cause as Error).message}`, { cause });
  }
}

/** Two thin factors of a target's weight: a [rank, in], b [out, rank]. */
export interface ThinFactors {
  readonly a: WeightData;
  readonly b: WeightData;
}

/** Where only the shape of the weight is known, the shapes of its factors; otherwise undefined. */
export function outlineFactors(
  { weight, inFeatures, outFeatures }: Target,
  rank: number,
): ThinFactors | undefined {
  if (!isOutline(weight)) return undefined;
  return { a: outlineWeight([rank, inFeatures]), b: outlineWeight([outFeatures, rank]) };
}

/** What `compute` makes of each target, in turn, by module name. */
export async function ofEachTarget<T>(
  targets: readonly Target[],
  onProgress: InitialiseOptions['onProgress'],
  compute: (target: Target) => Promise<T>,
): Promise<Map<string, T>> {
  const all = new Map<string, T>();
  for (const target of targets) {
    all.set(target.name, await compute(target));
    onProgress?.({ done: all.size, total: targets.length, module: target.name });
  }
  return all;
}
