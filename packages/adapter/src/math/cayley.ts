/** The Cayley map from skew-symmetric to orthogonal matrices. */
import { inverse, type Tensor, tf } from '@psoft/engine';

/**
 * R = (I + Q)(I - Q)⁻¹ = 2 (I - Q)⁻¹ - I, for W [out, in]: PEFT's orientation. The PSOFT paper writes W [in, out] and
 * R = (I - Q)(I + Q)⁻¹, the transpose for the same Q.
 * @param q [batch, r, r] float32 with q = -qᵀ
 * @param identity [r, r]
 * @returns [batch, r, r], orthogonal to float32 accuracy; I - Q is never singular and its condition at most sqrt(1 + |Q|²)
 */
export function cayley(q: Tensor, identity: Tensor): Tensor {
  return tf.sub(tf.mul(inverse(tf.sub(identity, q)), 2), identity);
}

/** The r x r identity. */
export function identityMatrix(rank: number): Tensor {
  const data = new Float32Array(rank * rank);
  for (let i = 0; i < rank; i++) data[i * rank + i] = 1;
  return tf.tensor2d(data, [rank, rank], 'float32');
}
