import { type Tensor, tf } from '../tf.ts';
import { runComposite } from './composite.ts';

/**
 * Negative log-likelihood of one class a row under softmax(logits). What is kept for the gradient is one tensor of the
 * logits' size: with a vocabulary of a hundred thousand words each further copy counts.
 * @param logits [rows, classes] float32
 * @param labels [rows] int32 from 0, below classes
 * @returns [rows]
 */
export function tokenLoss(logits: Tensor, labels: Tensor): Tensor {
  return tf.customGrad((input, save) => {
    const [loss, logs] = runComposite('TokenLoss', { logits: input as Tensor, labels });
    (save as (tensors: Tensor[]) => void)([labels, logs!]);
    return {
      value: loss!,
      gradFunc: (dy, saved) => {
        const [labels, logs] = saved as Tensor[] as [Tensor, Tensor];
        const slope = runComposite('TokenLossGrad', { logs, labels })[0]!;
        return tf.mul(slope, tf.expandDims(dy as Tensor, 1));
      },
    };
  })(logits);
}

/**
 * Weighted sum of {@link tokenLoss} over the rows of x Wᵀ, for a W that is not trained: the gradient is computed along
 * with the loss, so that the logits need not wait for the backward pass.
 * @param x [rows, hidden] float32
 * @param weight [classes, hidden] float32; has no gradient
 * @param labels [rows] int32 from 0, below classes
 * @param rowWeights [rows] float32
 * @returns scalar
 */
export function frozenTokenLoss(x: Tensor, weight: Tensor, labels: Tensor, rowWeights: Tensor): Tensor {
  return tf.customGrad((input, save) => {
    const logits = tf.matMul(input as never, weight as never, false, true) as Tensor;
    const [losses, logs] = runComposite('TokenLoss', { logits, labels });
    const slope = runComposite('TokenLossGrad', { logs: logs!, labels })[0]!;
    // The weights scale rows of the hidden size, not of the vocabulary's.
    const gradient = tf.mul(tf.matMul(slope as never, weight as never), tf.expandDims(rowWeights, 1));
    (save as (tensors: Tensor[]) => void)([gradient as Tensor]);
    return {
      value: tf.sum(tf.mul(losses!, rowWeights)),
      gradFunc: (dy, saved) => tf.mul((saved as Tensor[])[0]!, dy as Tensor),
    };
  })(x);
}
