import { type Tensor, tf } from '../tf.ts';
import { runComposite } from './composite.ts';

/**
 * Root mean square normalisation over the last axis (Zhang and Sennrich 2019): gamma x / sqrt(mean(x²) + epsilon).
 * @param x [..., dim] float32
 * @param gamma [dim]
 */
export function rmsNorm(x: Tensor, gamma: Tensor, epsilon: number): Tensor {
  const rows = x.shape.slice(0, -1).map((_, i) => i);
  return tf.customGrad((a, b, save) => {
    const [x, gamma] = [a, b] as Tensor[] as [Tensor, Tensor];
    const [y, invRms] = runComposite('RmsNorm', { x, gamma }, { epsilon });
    (save as unknown as (tensors: Tensor[]) => void)([x, gamma, invRms!]);
    return {
      value: y!,
      gradFunc: (dy: Tensor, saved: Tensor[]) => {
        const [x, gamma, invRms] = saved as [Tensor, Tensor, Tensor];
        return [
          runComposite('RmsNormGrad', { dy, x, gamma, invRms })[0]!,
          tf.sum(tf.mul(dy, tf.mul(x, invRms)), rows),
        ];
      },
    };
  })(x, gamma);
}
