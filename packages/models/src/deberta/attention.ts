/** Disentangled self-attention (He et al. 2021, "DeBERTa", equations 1 to 4; its v2 and v3 of transformers). */
import { type Scope, type Tensor, tf } from '@psoft/engine';
import type { DebertaConfig } from './config.ts';
import { byKey, type RowsByDistance } from './positions.ts';

/** What all layers of one forward pass share. */
export interface AttentionContext {
  readonly batch: number;
  readonly length: number;
  /** [1, batch, 1, length]: 0 where there is a token, hugely negative at padding. */
  readonly maskBias: Tensor;
  /** Absent in models without relative attention. */
  readonly positions?: {
    /** The needed rows of the relative embeddings [count, hidden]. */
    readonly embeddings: Tensor;
    readonly byDistance: RowsByDistance;
  };
}

/**
 * Added to the scores of padding. Large enough that its probability is exactly 0; and a sequence of nothing but padding
 * gets equal scores, as when transformers fills them in.
 */
const MASKED = -1e30;

/** @param attentionMask [batch, length], 1 for a token, 0 for padding, float32 */
export function maskBias(attentionMask: Tensor): Tensor {
  const [batch, length] = attentionMask.shape as [number, number];
  return tf.reshape(tf.mul(tf.sub(1, attentionMask), MASKED), [1, batch, 1, length]);
}

/**
 * Heads come before the batch throughout: then a head's products with its positions, which all sequences share, are
 * one product over all rows, and the gradient of the positions needs no sum over the batch.
 * @param x [batch·length, hidden]
 * @param name module path ("deberta.encoder.layer.0.attention.self")
 * @returns [batch·length, hidden], before the output projection
 */
export function disentangledAttention(
  scope: Scope,
  config: DebertaConfig,
  x: Tensor,
  name: string,
  context: AttentionContext,
): Tensor {
  const { heads, headSize, hiddenSize } = config;
  const { batch, length } = context;
  const groups = heads * batch;
  // [batch·length, hidden] -> [heads, batch·length, headSize]
  const split = (y: Tensor) => splitHeads(y, heads);
  const scale = 1 / Math.sqrt(headSize * config.attentionScaleFactor);
  const query = tf.mul(split(scope.linear(x, `${name}.query_proj`)), scale);
  const key = split(scope.linear(x, `${name}.key_proj`));
  const value = split(scope.linear(x, `${name}.value_proj`));
  const perSequence = (y: Tensor) => tf.reshape(y, [groups, length, headSize]);

  let scores = tf.matMul(perSequence(query), perSequence(key), false, true);
  if (context.positions) scores = addPositions(scope, config, scores, { query, key, scale }, name, context);
  const masked = tf.add(tf.reshape(scores, [heads, batch, length, length]), context.maskBias);
  const probabilities = scope.dropout(tf.softmax(masked), config.dropout.attention);
  const mixed = tf.matMul(tf.reshape(probabilities, [groups, length, length]), perSequence(value));
  const byToken = tf.transpose(tf.reshape(mixed, [heads, batch * length, headSize]), [1, 0, 2]);
  return tf.reshape(byToken, [batch * length, hiddenSize]);
}

/**
 * Adds the terms content to position, q_i · k'(i - j), and position to content, k_j · q'(i - j), with k' and q' the
 * projected embedding of a distance. Each is a product with all 2·length distances, shifted into place.
 */
function addPositions(
  scope: Scope,
  config: DebertaConfig,
  scores: Tensor,
  content: { query: Tensor; key: Tensor; scale: number },
  name: string,
  { batch, length, positions }: AttentionContext,
): Tensor {
  const { sharedProjections, contentToPosition, positionToContent } = config.relative!;
  const { byDistance } = positions!;
  const embeddings = scope.dropout(positions!.embeddings, config.dropout.hidden);
  const byRow = (rows: Tensor, distances: Tensor) =>
    tf.reshape(tf.matMul(rows, splitHeads(distances, config.heads), false, true), [
      config.heads * batch,
      length,
      2 * length,
    ]);
  let sum = scores;
  if (contentToPosition) {
    const keys = scope.linear(embeddings, `${name}.${sharedProjections ? 'key_proj' : 'pos_key_proj'}`);
    sum = tf.add(sum, byKey(byRow(content.query, byDistance.descending(keys)), length - 1));
  }
  if (positionToContent) {
    const queries = scope.linear(
      embeddings,
      `${name}.${sharedProjections ? 'query_proj' : 'pos_query_proj'}`,
    );
    const scaled = tf.mul(queries, content.scale);
    const keyByQuery = byKey(byRow(content.key, byDistance.ascending(scaled)), length);
    sum = tf.add(sum, tf.transpose(keyByQuery, [0, 2, 1]));
  }
  return sum;
}

/** [rows, hidden] -> [heads, rows, headSize] */
function splitHeads(x: Tensor, heads: number): Tensor {
  const [rows, hidden] = x.shape as [number, number];
  return tf.transpose(tf.reshape(x, [rows, heads, hidden / heads]), [1, 0, 2]);
}
