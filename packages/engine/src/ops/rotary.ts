import { type Tensor, tf } from '../tf.ts';
import { runComposite } from './composite.ts';

/**
 * Rotary position embedding (Su et al. 2021) with the halves of a head as partners, as Llama has it. Its gradient is
 * the turn back.
 * @param x [batch, heads, length, size] float32
 * @param positions [batch, length] int32, rows of the tables
 * @param cos [positions, size / 2] float32
 * @param sin [positions, size / 2] float32
 */
export function rotaryEmbedding(x: Tensor, positions: Tensor, cos: Tensor, sin: Tensor): Tensor {
  return tf.customGrad((input, save) => {
    // Saved, not closed over: a tensor made in between would be gone by then.
    (save as (tensors: Tensor[]) => void)([positions, cos, sin]);
    return {
      value: runComposite('RotaryEmbedding', { x: input as Tensor, positions, cos, sin })[0]!,
      gradFunc: (dy, saved) => {
        const [positions, cos, sin] = saved as Tensor[] as [Tensor, Tensor, Tensor];
        return runComposite('RotaryEmbedding', { x: dy as Tensor, positions, cos, sin: tf.neg(sin) })[0]!;
      },
    };
  })(x);
}
