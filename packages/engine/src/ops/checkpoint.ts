import { type Tensor, tf } from '../tf.ts';
import { runComposite } from './composite.ts';

/** Tells a mark's gradient which mark it is of. */
let marks = 0;

/**
 * The identity, as a mark between two parts of a model, such as at the input of each layer and behind the last one.
 * Compiled with `recompute`, a program keeps the marked values alone from the forward pass and computes the parts in
 * between again when their gradients are due (Chen et al. 2016). Without that option, and eagerly, it does nothing.
 * @param x float32
 */
export function checkpoint(x: Tensor): Tensor {
  const mark = marks++;
  return tf.customGrad((input) => ({
    value: runComposite('Checkpoint', { x: input as Tensor }, { mark })[0]!,
    gradFunc: (dy) => runComposite('Checkpoint', { x: dy as Tensor }, { mark, isGradient: true })[0]!,
  }))(x);
}
