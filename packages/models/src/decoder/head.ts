/** What a causal language model makes of its last hidden states: words, or a loss. */
import { type Tensor, type TensorMap, tf, tokenLoss } from '@psoft/engine';

/** Elements of the largest piece of logits that a loss makes at once: 256 MB. */
const MAX_PIECE = 2 ** 26;

/** The product with the output embeddings. */
export interface WordHead {
  /** @param hidden [rows, hidden] -> [rows, vocabulary] */
  logits(hidden: Tensor): Tensor;
  /** Whether anything of it is trained; if not, only the hidden states have a gradient. */
  readonly isTrained: boolean;
  readonly vocabulary: number;
}

/**
 * With `labels` (int32 [batch, length]; negative ones do not count) and `lossScale` (scalar): `loss`, the scaled sum of
 * -log p of each label given what stands before it. Otherwise `logits` [batch, length, vocabulary], or of the
 * `columns` (int32 [n]) that are asked for, [batch, n, vocabulary].
 * @param hidden [batch·length, hidden], normalised
 */
export function wordOutputs(hidden: Tensor, inputs: TensorMap, head: WordHead): TensorMap {
  const [batch, length] = inputs.inputIds!.shape as [number, number];
  if (inputs.labels !== undefined) return { loss: scaledLoss(hidden, inputs, head) };
  if (inputs.columns === undefined)
    return { logits: tf.reshape(head.logits(hidden), [batch, length, head.vocabulary]) };
  const wanted = tf.gather(tf.reshape(hidden, [batch, length, -1]), inputs.columns as never, 1);
  const count = inputs.columns.shape[0]!;
  const logits = head.logits(tf.reshape(wanted as Tensor, [batch * count, -1]));
  return { logits: tf.reshape(logits, [batch, count, head.vocabulary]) };
}

function scaledLoss(hidden: Tensor, { labels, lossScale }: TensorMap, head: WordHead): Tensor {
  const [batch, length] = labels!.shape as [number, number];
  // Each place predicts the next one's label; the last predicts nothing.
  const nothing = tf.fill([batch, 1], -1, 'int32');
  const next = tf.concat([tf.slice(labels!, [0, 1], [batch, length - 1]), nothing], 1);
  const flat = tf.reshape(next, [batch * length]);
  const rows = Math.max(1, Math.floor(MAX_PIECE / head.vocabulary));
  const losses: Tensor[] = [];
  for (let start = 0; start < batch * length; start += rows) {
    const count = Math.min(rows, batch * length - start);
    const x = tf.slice(hidden, [start, 0], [count, hidden.shape[1]!]);
    losses.push(pieceLoss(x, tf.slice(flat, [start], [count]), head));
  }
  return tf.mul(losses.length === 1 ? losses[0]! : tf.addN(losses), tf.reshape(lossScale!, []));
}

/** Sum of the rows' losses. */
function pieceLoss(hidden: Tensor, labels: Tensor, head: WordHead): Tensor {
  const counts = tf.cast(tf.greaterEqual(labels, tf.scalar(0, 'int32')), 'float32');
  const present = tf.maximum(labels, tf.scalar(0, 'int32'));
  const lossOf = (x: Tensor) => tf.sum(tf.mul(tokenLoss(head.logits(x), present), counts));
  if (head.isTrained) return lossOf(hidden);
  // The gradient is computed along with the loss, so that no piece's logits wait for the backward pass.
  return tf.customGrad((input, save) => {
    const { value, grad } = tf.valueAndGrad((x: Tensor) => lossOf(x) as never)(input as Tensor);
    (save as (tensors: Tensor[]) => void)([grad]);
    return { value, gradFunc: (dy, saved) => tf.mul((saved as Tensor[])[0]!, dy as Tensor) };
  })(hidden);
}
