import { type Tensor, tf } from '../tf.ts';
import { runComposite } from './composite.ts';

/**
 * Negative log-likelihood of one class a row under softmax(logits). What is kept for the gradient is the logits
 * alone: with a vocabulary of a hundred thousand words each further copy counts.
 * @param logits [rows, classes] float32
 * @param labels [rows] int32 from 0, below classes
 * @returns [rows]
 */
export function tokenLoss(logits: Tensor, labels: Tensor): Tensor {
  return tf.customGrad((input, save) => {
    const [loss, total] = runComposite('TokenLoss', { logits: input as Tensor, labels });
    (save as (tensors: Tensor[]) => void)([input as Tensor, labels, total!]);
    return {
      value: loss!,
      gradFunc: (dy, saved) => {
        const [logits, labels, total] = saved as Tensor[] as [Tensor, Tensor, Tensor];
        return runComposite('TokenLossGrad', { dy: dy as Tensor, logits, labels, total })[0]!;
      },
    };
  })(logits);
}
