import { type Tensor, tf } from '../tf.ts';
import { runComposite } from './composite.ts';

/**
 * Layer normalisation over the last axis (Ba et al. 2016): gamma (x - mean) / sqrt(variance + epsilon) + beta, with
 * the biased variance.
 * @param x [..., dim] float32
 * @param gamma [dim]
 * @param beta [dim]
 */
export function layerNorm(x: Tensor, gamma: Tensor, beta: Tensor, epsilon: number): Tensor {
  const rows = x.shape.slice(0, -1).map((_, i) => i);
  return tf.customGrad((a, b, c, save) => {
    const [x, gamma, beta] = [a, b, c] as Tensor[] as [Tensor, Tensor, Tensor];
    const [y, mean, invStd] = runComposite('LayerNorm', { x, gamma, beta }, { epsilon });
    (save as unknown as (tensors: Tensor[]) => void)([x, gamma, mean!, invStd!]);
    return {
      value: y!,
      gradFunc: (dy: Tensor, saved: Tensor[]) => {
        const [x, gamma, mean, invStd] = saved as [Tensor, Tensor, Tensor, Tensor];
        // All three are built; a compiled graph drops those that nothing reads.
        const normal = tf.mul(tf.sub(x, mean), invStd);
        return [
          runComposite('LayerNormGrad', { dy, x, gamma, mean, invStd })[0]!,
          tf.sum(tf.mul(dy, normal), rows),
          tf.sum(dy, rows),
        ];
      },
    };
  })(x, gamma, beta);
}
