import { type Tensor, tf } from '../tf.ts';
import { runComposite } from './composite.ts';

/**
 * silu(gate) up = gate σ(gate) up (Shazeer 2020, "GLU variants", equation 6, without its products). Of the forward
 * pass only the two inputs are kept.
 * @param gate float32, any shape
 * @param up of the same shape
 */
export function swiglu(gate: Tensor, up: Tensor): Tensor {
  return tf.customGrad((a, b, save) => {
    const [gate, up] = [a, b] as Tensor[] as [Tensor, Tensor];
    (save as unknown as (tensors: Tensor[]) => void)([gate, up]);
    return {
      value: runComposite('Swiglu', { gate, up })[0]!,
      gradFunc: (dy: Tensor, saved: Tensor[]) => {
        const [gate, up] = saved as [Tensor, Tensor];
        return runComposite('SwigluGrad', { dy, gate, up });
      },
    };
  })(gate, up);
}
