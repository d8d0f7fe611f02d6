/** Products with block-diagonal matrices that are never formed. */
import { type Tensor, tf } from '@psoft/engine';

/**
 * x R for a block-diagonal R.
 * @param x [..., n]
 * @param blocks [n / b, b, b], or [1, b, b] for one block on the whole diagonal
 * @returns [..., n]
 */
export function rotateBlocks(x: Tensor, blocks: Tensor): Tensor {
  const [count, size] = blocks.shape as [number, number, number];
  const n = x.shape.at(-1)!;
  if (count === 1) {
    const rows = tf.reshape(x, [-1, size]);
    return tf.reshape(tf.matMul(rows, tf.reshape(blocks, [size, size])), x.shape);
  }
  const byBlock = tf.transpose(tf.reshape(x, [-1, n / size, size]), [1, 0, 2]);
  return tf.reshape(tf.transpose(tf.matMul(byBlock, blocks), [1, 0, 2]), x.shape);
}

/** s (y - bias) + bias for y = W x + bias: the outputs' magnitudes, not the bias's. @param scale [d] */
export function scaleOutput(y: Tensor, scale: Tensor, bias: Tensor | undefined): Tensor {
  const product = tf.mul(y, scale);
  return bias ? tf.add(product, tf.mul(bias, tf.sub(1, scale))) : product;
}
