import { numpyLegacyShuffle } from '@psoft/engine';

/**
 * Cuts a validation set in two as the paper's released GLUE script does: indices shuffled by NumPy's legacy generator
 * seeded with `seed`, the first floor(n / 2) choose the checkpoint, the rest are reported (PSOFT, section 5.1).
 */
export function validationHalves<T>(examples: readonly T[], seed: number): { selection: T[]; report: T[] } {
  const order = numpyLegacyShuffle(examples.length, seed);
  const half = Math.floor(examples.length / 2);
  const take = (indices: Int32Array) => Array.from(indices, (i) => examples[i]!);
  return { selection: take(order.subarray(0, half)), report: take(order.subarray(half)) };
}
