/** Losses of the task heads: scalars, in operations that can be traced. */
import { type Tensor, tf } from '@psoft/engine';

/**
 * Mean negative log-likelihood of the labels under softmax(logits). Rows with a negative label do not count: batches
 * of one shape may hold fewer labels. Without any label the loss is 0.
 *
 * By hand: loss = mean(log sum exp(x - max x) + max x - x_label), dx = (softmax(x) - one-hot) / count.
 * @param logits [rows, classes] float32
 * @param labels [rows] int32, below classes
 */
export function crossEntropy(logits: Tensor, labels: Tensor): Tensor {
  const [rows, classes] = logits.shape as [number, number];
  if (logits.rank !== 2 || String(labels.shape) !== String([rows]))
    throw new Error(
      `crossEntropy wants logits [n, classes] and labels [n], got [${logits.shape}] and [${labels.shape}]`,
    );
  const counts = tf.cast(tf.greaterEqual(labels, tf.scalar(0, 'int32')), 'float32');
  const weights = tf.div(counts, tf.maximum(tf.sum(counts), 1));
  const present = tf.maximum(labels, tf.scalar(0, 'int32'));
  // Cast afterwards: tfjs-wasm writes integer bits whatever dtype is asked for.
  const oneHot = tf.cast(tf.oneHot(present, classes), 'float32');
  return tf.customGrad((input, save) => {
    const x = input as Tensor;
    const shifted = tf.sub(x, tf.max(x, -1, true));
    const exponentials = tf.exp(shifted);
    const sums = tf.sum(exponentials, -1, true);
    const ofLabel = tf.sum(tf.mul(shifted, oneHot), -1);
    const perRow = tf.sub(tf.log(tf.reshape(sums, [rows])), ofLabel);
    (save as (tensors: Tensor[]) => void)([exponentials, sums, oneHot, weights]);
    return {
      value: tf.sum(tf.mul(perRow, weights)),
      gradFunc: (dy, saved) => {
        const [exponentials, sums, oneHot, weights] = saved as Tensor[] as [Tensor, Tensor, Tensor, Tensor];
        const difference = tf.sub(tf.div(exponentials, sums), oneHot);
        return tf.mul(difference, tf.reshape(tf.mul(weights, dy as Tensor), [rows, 1]));
      },
    };
  })(logits);
}

/**
 * Mean of (prediction - target)² over the rows that count.
 * @param predictions [rows] or [rows, 1] float32
 * @param targets [rows] float32
 * @param present [rows] float32: 1 for rows that count, 0 for filling; without it all do
 */
export function meanSquaredError(predictions: Tensor, targets: Tensor, present?: Tensor): Tensor {
  if (targets.rank !== 1 || predictions.size !== targets.size || predictions.shape[0] !== targets.shape[0]) {
    throw new Error(
      `meanSquaredError wants predictions [n] or [n, 1] and targets [n], got [${predictions.shape}] and [${targets.shape}]`,
    );
  }
  const squares = tf.square(tf.sub(tf.reshape(predictions, targets.shape), targets));
  if (present === undefined) return tf.mean(squares);
  return tf.div(tf.sum(tf.mul(squares, present)), tf.maximum(tf.sum(present), 1));
}
