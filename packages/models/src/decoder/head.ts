/** What a causal language model makes of its last hidden states: words, or a loss. */
import { frozenTokenLoss, linear, type Tensor, type TensorMap, tf, tokenLoss } from '@psoft/engine';

/** Elements of the largest piece of logits that a loss makes at once: 256 MB. */
const MAX_PIECE = 2 ** 26;
/** Rows of a tile of a matrix product on a GPU. */
const TILE = 128;

/** The product with the output embeddings. */
export interface WordHead {
  /** [vocabulary, hidden] */
  readonly weight: Tensor;
  /** If not, only the hidden states have a gradient. */
  readonly isTrained: boolean;
}

/**
 * With `labels` (int32 [batch, length]; negative ones do not count) and `lossScale` (scalar): `loss`, the scaled sum of
 * -log p of each label given what stands before it. Otherwise `logits` [batch, length, vocabulary], or of the
 * `columns` (int32 [n]) that are asked for, [batch, n, vocabulary].
 * @param hidden [batch·length, hidden], normalised
 */
export function wordOutputs(
  hidden: Tensor,
  inputs: TensorMap,
  head: WordHead,
  maxPiece = MAX_PIECE,
): TensorMap {
  const [batch, length] = inputs.inputIds!.shape as [number, number];
  if (inputs.labels !== undefined) return { loss: scaledLoss(hidden, inputs, head, maxPiece) };
  const logits = (rows: Tensor, count: number) =>
    tf.reshape(linear(rows, head.weight), [batch, count, head.weight.shape[0]!]);
  if (inputs.columns === undefined) return { logits: logits(hidden, length) };
  const wanted = tf.gather(tf.reshape(hidden, [batch, length, -1]), inputs.columns as never, 1) as Tensor;
  const count = inputs.columns.shape[0]!;
  return { logits: logits(tf.reshape(wanted, [batch * count, -1]), count) };
}

function scaledLoss(
  hidden: Tensor,
  { labels, lossScale }: TensorMap,
  head: WordHead,
  maxPiece: number,
): Tensor {
  const [batch, length] = labels!.shape as [number, number];
  // Each place predicts the next one's label; the last predicts nothing.
  const nothing = tf.fill([batch, 1], -1, 'int32');
  const next = tf.concat([tf.slice(labels!, [0, 1], [batch, length - 1]), nothing], 1);
  const flat = tf.reshape(next, [batch * length]);
  const sizes = pieceSizes(batch * length, Math.max(1, Math.floor(maxPiece / head.weight.shape[0]!)));
  const cut = (x: Tensor) => (sizes.length === 1 ? [x] : (tf.split(x, sizes) as Tensor[]));
  const targets = cut(flat);
  const losses = cut(hidden).map((x, i) => pieceLoss(x, targets[i]!, head));
  return tf.mul(losses.length === 1 ? losses[0]! : tf.addN(losses), tf.reshape(lossScale!, []));
}

/** Sizes of pieces of at most `most` rows; whole tiles of a matrix product where there are several. */
function pieceSizes(rows: number, most: number): number[] {
  if (rows <= most) return [rows];
  const size = most > TILE ? most - (most % TILE) : most;
  return Array.from({ length: Math.ceil(rows / size) }, (_, i) => Math.min(size, rows - i * size));
}

/** Sum of the rows' losses. */
function pieceLoss(hidden: Tensor, labels: Tensor, { weight, isTrained }: WordHead): Tensor {
  const counts = tf.cast(tf.greaterEqual(labels, tf.scalar(0, 'int32')), 'float32');
  const present = tf.maximum(labels, tf.scalar(0, 'int32'));
  if (!isTrained) return frozenTokenLoss(hidden, weight, present, counts);
  return tf.sum(tf.mul(tokenLoss(linear(hidden, weight), present), counts));
}
