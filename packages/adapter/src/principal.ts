/** Principal subspaces of target weights, for the methods that are initialised from them. */
import { readWeight } from '@psoft/engine';
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
