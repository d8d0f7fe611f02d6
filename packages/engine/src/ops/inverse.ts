import { type Tensor, tf } from '../tf.ts';
import { runComposite } from './composite.ts';

/**
 * Inverse of each matrix of a batch, exact (by elimination), for small well-conditioned matrices such as the I - Q of
 * a Cayley map. Gradient: dX = -X⁻ᵀ dY X⁻ᵀ (Giles 2008, section 2.2.3).
 * @param x [..., n, n] float32
 * @returns [..., n, n] float32
 * @throws when eager and a matrix is exactly singular; compiled programs then give non-finite values
 */
export function inverse(x: Tensor): Tensor {
  return tf.customGrad((input, save) => {
    const y = runComposite('MatrixInverse', { x: input as Tensor })[0]!;
    (save as (tensors: Tensor[]) => void)([y]);
    return {
      value: y,
      gradFunc: (dy, saved) => {
        const y = saved[0]!;
        return tf.neg(tf.matMul(tf.matMul(y, dy as Tensor, true, false), y, false, true));
      },
    };
  })(x);
}
