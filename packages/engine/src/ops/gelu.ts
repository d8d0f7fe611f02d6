import { type Tensor, tf } from '../tf.ts';
import { runComposite } from './composite.ts';

/**
 * Gaussian error linear unit, exact: x Φ(x) with Φ the standard normal distribution function
 * (Hendrycks and Gimpel 2016; `gelu` of transformers).
 * @param x float32, any shape
 */
export function gelu(x: Tensor): Tensor {
  return tf.customGrad((input, save) => {
    const x = input as Tensor;
    (save as (tensors: Tensor[]) => void)([x]);
    return {
      value: runComposite('Gelu', { x })[0]!,
      gradFunc: (dy, saved) => runComposite('GeluGrad', { dy: dy as Tensor, x: saved[0]! })[0]!,
    };
  })(x);
}
