/** The forward computation of PSOFT: all adapters' cores as one batch, then a thin product in each layer. */
import { type Tensor, tf } from '@psoft/engine';
import { cayley, identityMatrix } from '../../math/cayley.ts';
import { neumannCoefficients, neumannSeries } from '../../math/neumann.ts';
import { skewMatrix } from '../../math/skew.ts';
import type { PsoftConfig } from './config.ts';

/** Trained tensors of L adapters of one rank, stacked. */
export interface PsoftTensors {
  /** [L, r(r-1)/2], or [L, r, r] when R is not constrained; absent when r = 1 and R is orthogonal. */
  readonly weight?: Tensor | undefined;
  /** [L, r] each, where the configuration trains them. */
  readonly inputMagnitude?: Tensor | undefined;
  readonly outputMagnitude?: Tensor | undefined;
}

/**
 * The L matrices R: orthogonal by the Cayley map or nearly so by its series, or free.
 * @returns [L, r, r], or [r, r] when there is nothing to rotate
 */
export function rotations(weight: Tensor | undefined, config: PsoftConfig): Tensor {
  const { r } = config;
  const identity = identityMatrix(r);
  if (weight === undefined) return identity;
  if (!config.psoftOrth) return weight;
  if (!config.useCayleyNeumann) return cayley(skewMatrix(weight, r), identity);
  const q = skewMatrix(bounded(weight, config.cayleyNeumannEps), r);
  return neumannSeries(
    q,
    identity,
    neumannCoefficients(config.numCayleyNeumannTerms, config.neumannConvention),
  );
}

/**
 * Scales the rows of v so that |Q|_F is at most `bound`; |Q|_F² = 2 |v|². Within the bound the factor is exactly 1 and
 * passes no gradient, also at Q = 0, where the norm itself has none.
 */
function bounded(v: Tensor, bound: number | undefined): Tensor {
  if (bound === undefined) return v;
  const relative = tf.mul(tf.sum(tf.square(v), 1, true), 2 / bound ** 2);
  return tf.mul(v, tf.rsqrt(tf.maximum(relative, 1)));
}

/**
 * The cores C = s (diag(b) R diag(a) - I) of all adapters; zero at the start.
 * @returns [L, r, r]
 */
export function cores(tensors: PsoftTensors, count: number, config: PsoftConfig): Tensor {
  const { r, scaling } = config;
  let r1 = rotations(tensors.weight, config);
  if (tensors.outputMagnitude) r1 = tf.mul(tf.reshape(tensors.outputMagnitude, [count, r, 1]), r1);
  if (tensors.inputMagnitude) r1 = tf.mul(r1, tf.reshape(tensors.inputMagnitude, [count, 1, r]));
  const change = tf.sub(r1, identityMatrix(r));
  return scaling === 1 ? change : tf.mul(change, scaling);
}

/**
 * y = base + ((x Aᵀ) Cᵀ) Bᵀ, C the adapter's core.
 * @param x [..., in] after the adapter's dropout
 * @param base [..., out]
 * @param a [r, in]
 * @param b [out, r]
 * @param core [r, r]
 */
export function addRotated(x: Tensor, base: Tensor, a: Tensor, b: Tensor, core: Tensor): Tensor {
  const rows = x.rank === 2 ? x : tf.reshape(x, [-1, x.shape.at(-1)!]);
  const principal = tf.matMul(rows, a, false, true);
  const change = tf.matMul(tf.matMul(principal, core, false, true), b, false, true);
  return tf.add(base, x.rank === 2 ? change : tf.reshape(change, base.shape));
}
