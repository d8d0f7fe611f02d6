import type { Tensor } from '../tf.ts';
import { runComposite } from './composite.ts';

/**
 * A copy of x whose entry `index` of the middle axis is `column`: how a key-value cache grows. No gradient.
 * @param x [a, n, b]
 * @param column [a, 1, b]
 * @param index int32 scalar, below n
 */
export function writeColumn(x: Tensor, column: Tensor, index: Tensor): Tensor {
  return runComposite('WriteColumn', { x, column, index })[0]!;
}
