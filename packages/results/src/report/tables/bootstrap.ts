/** Whether two methods differ: a paired bootstrap over what both were measured on. */

export const RESAMPLES = 10_000;
export const SIGNIFICANCE = 0.05;
/** Fewer pairs carry no deviation worth the name. */
export const LEAST_PAIRS = 3;
const SEED = 20_250_511;

export type BootstrapResult =
  | { readonly n: number; readonly difference: number; readonly p: number }
  | { readonly notTested: string };

/**
 * Two-sided p of "the mean difference is 0", by the studentised bootstrap (Efron and Tibshirani 1993, section 16.4): of
 * each resample the distance of its mean from the observed mean over its own standard error, compared with the observed
 * mean over its. Not the percentiles of resampled means: with three seeds these call a quarter of all equal methods
 * different, this none (docs/tables.md). A resample of one value repeated has no deviation and counts as beyond.
 * @param differences one a seed or an example: this method's value minus the other's
 * @param seed the same differences give the same p
 */
export function pairedBootstrap(
  differences: readonly number[],
  { resamples = RESAMPLES, seed = SEED }: { readonly resamples?: number; readonly seed?: number } = {},
): BootstrapResult {
  const n = differences.length;
  if (n < LEAST_PAIRS) return { notTested: `${n} in common, at least ${LEAST_PAIRS} are needed` };
  const mean = differences.reduce((sum, one) => sum + one, 0) / n;
  const centred = Float64Array.from(differences, (one) => one - mean);
  const squares = centred.reduce((sum, one) => sum + one * one, 0);
  const scale = Math.max(...differences.map(Math.abs));
  if (scale === 0) return { n, difference: 0, p: 1 };
  // Rounding of percentages is no variation.
  const least = (1e-9 * scale) ** 2 * n;
  if (squares <= least) return { notTested: `all ${n} differences are equal` };
  const observed = (mean * mean) / squares;
  const next = randomIndices(n, seed);
  let beyond = 0;
  for (let k = 0; k < resamples; k++) {
    let sum = 0;
    let sumOfSquares = 0;
    for (let i = 0; i < n; i++) {
      const value = centred[next()]!;
      sum += value;
      sumOfSquares += value * value;
    }
    const spread = sumOfSquares - (sum * sum) / n;
    const distance = (sum / n) ** 2;
    // t*^2 >= t^2, without the factors that both have; ties count.
    const isBeyond = spread <= least ? distance * n > least : distance >= observed * spread * (1 - 1e-9);
    if (isBeyond) beyond++;
  }
  return { n, difference: mean, p: (beyond + 1) / (resamples + 1) };
}

/** Uniform over 0 to n - 1: a 32-bit counter mixed by multiplication. */
function randomIndices(n: number, seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let z = state ^ (state >>> 16);
    z = Math.imul(z, 0x21f0aaad);
    z ^= z >>> 15;
    z = Math.imul(z, 0x735a2d97);
    z ^= z >>> 15;
    return Math.floor(((z >>> 0) / 2 ** 32) * n);
  };
}
