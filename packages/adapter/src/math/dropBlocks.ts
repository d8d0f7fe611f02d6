/** Multiplicative dropout of orthogonal methods: blocks that are the identity for a step. */
import { type Tensor, tf } from '@psoft/engine';

/**
 * Each block is kept, or with probability `rate` the identity. (PEFT draws which of a fixed number of blocks.)
 * @param blocks [stacks, blocks, b, b]
 * @param identity [b, b]
 * @param dropout inverted dropout, or the identity outside training
 */
export function keepBlocks(
  blocks: Tensor,
  identity: Tensor,
  rate: number,
  dropout: (x: Tensor, rate: number) => Tensor,
): Tensor {
  if (rate === 0) return blocks;
  const ones = tf.ones([...blocks.shape.slice(0, 2), 1, 1]);
  const drawn = dropout(ones, rate);
  if (drawn === ones) return blocks;
  const kept = tf.mul(drawn, 1 - rate);
  return tf.add(tf.mul(blocks, kept), tf.mul(identity, tf.sub(1, kept)));
}
