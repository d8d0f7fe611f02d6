/** Pre-norm encoder layers (Dosovitskiy et al. 2021, equations 2 to 4), from pixels to the last hidden states. */
import { layerNorm, type Scope, swiglu, type Tensor, tf } from '@psoft/engine';
import { ACTIVATIONS } from '../activations.ts';
import type { VitConfig } from './config.ts';
import { embed } from './embeddings.ts';
import { type LayerNames, layerNames, vitNames } from './parameters.ts';

/** Which tokens' last hidden states are wanted. */
export type Wanted = 'all tokens' | 'class token';

/** Images of a batch, and tokens of each. */
interface Extent {
  readonly batch: number;
  readonly length: number;
}

/**
 * @param pixels float32 [batch, channels, height, width]
 * @param wanted with 'class token' the last layer computes only keys and values for the others: nothing else reads them
 * @returns the last hidden states after the final layer norm: [batch, tokens, hidden], or [batch, hidden] of the class
 *   token
 */
export function encode(scope: Scope, config: VitConfig, pixels: Tensor, wanted: Wanted): Tensor {
  const tokens = embed(scope, config, pixels);
  const [batch, length, hidden] = tokens.shape as [number, number, number];
  let x: Tensor = tf.reshape(tokens, [batch * length, hidden]);
  for (let i = 0; i < config.layers; i++) {
    const rows = i === config.layers - 1 ? wanted : 'all tokens';
    x = layer(scope, config, x, layerNames(config, i), { batch, length }, rows);
  }
  const normal = normalise(scope, config, x, vitNames(config).finalNorm);
  return wanted === 'class token' ? normal : tf.reshape(normal, [batch, length, hidden]);
}

function normalise(scope: Scope, config: VitConfig, x: Tensor, name: string): Tensor {
  return layerNorm(x, scope.weight(`${name}.weight`), scope.weight(`${name}.bias`), config.layerNormEpsilon);
}

/** @returns [batch·length, hidden], or [batch, hidden] where only the class token is wanted */
function layer(
  scope: Scope,
  config: VitConfig,
  x: Tensor,
  names: LayerNames,
  extent: Extent,
  wanted: Wanted,
): Tensor {
  const take = (y: Tensor) => (wanted === 'class token' ? classTokens(y, extent) : y);
  const normal = normalise(scope, config, x, names.normBefore);
  const mixed = attend(scope, config, take(normal), normal, names, extent.batch);
  const attention = scope.linear(mixed, names.attentionOutput);
  const attended = tf.add(branch(scope, config, attention, names.attentionScale), take(x));
  const inner = scope.linear(normalise(scope, config, attended, names.normAfter), names.inner);
  const outer = scope.linear(activate(config, inner), names.outer);
  return tf.add(branch(scope, config, outer, names.outerScale), attended);
}

/** What becomes of a branch before it is added: dropout in ViT, a scale for each channel in DINOv2. */
function branch(scope: Scope, config: VitConfig, x: Tensor, scale: string): Tensor {
  return config.family === 'vit' ? scope.dropout(x, config.dropout.hidden) : tf.mul(x, scope.weight(scale));
}

function activate({ activation, gated, intermediateSize }: VitConfig, x: Tensor): Tensor {
  if (!gated) return ACTIVATIONS[activation](x);
  const half = (start: number) => tf.slice(x, [0, start], [x.shape[0]!, intermediateSize]);
  return swiglu(half(0), half(intermediateSize));
}

/**
 * Multi-head attention before its output projection.
 * @param queries [batch·n, hidden], the rows that look
 * @param x [batch·length, hidden], the rows looked at
 * @returns [batch·n, hidden]
 */
function attend(
  scope: Scope,
  config: VitConfig,
  queries: Tensor,
  x: Tensor,
  names: LayerNames,
  batch: number,
): Tensor {
  const { heads, headSize, hiddenSize, dropout } = config;
  // [batch·n, hidden] -> [batch·heads, n, head size]
  const split = (y: Tensor) => {
    const n = y.shape[0]! / batch;
    const byHead = tf.transpose(tf.reshape(y, [batch, n, heads, headSize]), [0, 2, 1, 3]);
    return tf.reshape(byHead, [batch * heads, n, headSize]);
  };
  const query = tf.mul(split(scope.linear(queries, names.query)), 1 / Math.sqrt(headSize));
  const key = split(scope.linear(x, names.key));
  const value = split(scope.linear(x, names.value));
  const scores = tf.matMul(query as never, key as never, false, true) as Tensor;
  const probabilities = scope.dropout(tf.softmax(scores), dropout.attention);
  const mixed = tf.matMul(probabilities as never, value as never) as Tensor;
  const byToken = tf.transpose(tf.reshape(mixed, [batch, heads, -1, headSize]), [0, 2, 1, 3]);
  return tf.reshape(byToken, [queries.shape[0]!, hiddenSize]);
}

/** [batch·length, hidden] -> [batch, hidden] */
function classTokens(x: Tensor, { batch, length }: Extent): Tensor {
  const hidden = x.shape[1]!;
  const rows = tf.slice(tf.reshape(x, [batch, length, hidden]), [0, 0, 0], [batch, 1, hidden]);
  return tf.reshape(rows, [batch, hidden]);
}
