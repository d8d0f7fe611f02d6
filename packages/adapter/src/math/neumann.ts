/** Truncated Neumann series of the Cayley map, in the two published ways of counting terms. */
import { type Tensor, tf } from '@psoft/engine';

/**
 * - `peft`: T terms. T = 1: I; T = 2: I + 2Q; T = 3: I + 2Q + 2Q² + Q³; T >= 4: I + 2Q + ... + 2Q^(T-2) + Q^(T-1),
 *   so 3 and 4 are the same polynomial.
 * - `paper` (the authors' code): K terms give I + 2Q + ... + 2Q^K + Q^(K+1); K >= 2 is PEFT's T = K + 2.
 */
export type NeumannConvention = 'peft' | 'paper';

/** Coefficients of I, Q, Q², ... of the series with that many terms. */
export function neumannCoefficients(terms: number, convention: NeumannConvention): number[] {
  if (convention === 'peft' && terms <= 2) return terms === 1 ? [1] : [1, 2];
  const power = convention === 'peft' ? Math.max(3, terms - 1) : terms + 1;
  return Array.from({ length: power + 1 }, (_, k) => (k === 0 || k === power ? 1 : 2));
}

/**
 * Approximates (I + Q)(I - Q)⁻¹ = I + 2Q + 2Q² + ... by a polynomial, evaluated by Horner's rule.
 * With top power m the result misses orthogonality by about |Q|^2m for odd m, 2|Q|^m for even m.
 * @param q [batch, r, r] float32, skew-symmetric
 * @param identity [r, r]
 * @returns [batch, r, r]
 */
export function neumannSeries(q: Tensor, identity: Tensor, coefficients: readonly number[]): Tensor {
  const times = (factor: number): Tensor => (factor === 1 ? identity : tf.mul(identity, factor));
  const top = coefficients.length - 1;
  if (top === 0) return tf.add(tf.mul(q, 0), identity);
  // The first product of Horner's rule is with a multiple of the identity.
  let sum = tf.add(
    coefficients[top] === 1 ? q : tf.mul(q, coefficients[top]!),
    times(coefficients[top - 1]!),
  );
  for (let power = top - 2; power >= 0; power--) sum = tf.add(tf.matMul(sum, q), times(coefficients[power]!));
  return sum;
}
