/** Products with butterfly factors, one after the other: no n x n matrix. */
import { type Tensor, tf } from '@psoft/engine';
import { rotateBlocks } from '../../math/blocks.ts';

/**
 * x Fₘ₋₁ ... F₁ F₀, or x F₀ F₁ ... Fₘ₋₁ when `reversed`. Fₖ = Pₖ Dₖ Pₖᵀ with Dₖ block-diagonal: Pₖ brings half-blocks
 * that lie 2ᵏ apart together in a block (arXiv 2311.06243, section 4; the order of PEFT's block_butterfly_perm).
 *
 * In bits of a half-block's index, bit k is the place in the block under factor k and the rest number the block. So
 * two neighbouring factors differ in which of two bits that is, and Pₖᵀ Pₖ₋₁ is one transposition.
 * @param x [..., n]
 * @param factors [n / b, b, b] each, from D₀ on; b is even and n / b a multiple of 2^(m-1) where there are several
 * @returns [..., n]
 */
export function rotateButterfly(x: Tensor, factors: readonly Tensor[], reversed = false): Tensor {
  if (factors.length === 1) return rotateBlocks(x, factors[0]!);
  const [blocks, size] = factors[0]!.shape as [number, number, number];
  const half = size / 2;
  const n = blocks * size;
  const order = factors.map((_, k) => k);
  if (!reversed) order.reverse();

  const first = 2 ** order[0]!;
  let value = tf.transpose(tf.reshape(x, [-1, blocks / first, 2, first, half]), [1, 3, 0, 2, 4]);
  order.forEach((k, at) => {
    if (at > 0) {
      // Bits k and k - 1, or k + 1 and k: the upper of the two orders the spans, the lower the half-blocks below.
      const below = 2 ** Math.min(k, order[at - 1]!);
      value = tf.transpose(
        tf.reshape(value, [blocks / (2 * below), 2, below, -1, 2, half]),
        [0, 4, 2, 3, 1, 5],
      );
    }
    value = tf.matMul(tf.reshape(value, [blocks, -1, size]), factors[k]!);
  });
  const last = 2 ** order.at(-1)!;
  const natural = tf.transpose(tf.reshape(value, [blocks / last, last, -1, 2, half]), [2, 0, 3, 1, 4]);
  return tf.reshape(natural, [...x.shape.slice(0, -1), n]);
}
