/** Embeddings and encoder layers, from token ids to the last hidden states. */
import { layerNorm, type Scope, type Tensor, type TensorMap, tf } from '@psoft/engine';
import { ACTIVATIONS } from '../activations.ts';
import { type AttentionContext, disentangledAttention, maskBias } from './attention.ts';
import type { DebertaConfig } from './config.ts';
import { EMBEDDINGS, ENCODER } from './parameters.ts';
import { distanceRows, rowsByDistance } from './positions.ts';

/** Which tokens' last hidden states are wanted. */
export type Wanted = 'all tokens' | 'first tokens';

/**
 * @param wanted with 'first tokens' the last layer computes what follows its attention for those rows only: nothing
 *   else reads the other rows
 * @param inputs `inputIds` int32 [batch, length], `attentionMask` [batch, length] with 1 for a token and 0 for padding,
 *   and optionally `tokenTypeIds` int32 [batch, length]
 * @returns [batch·length, hidden], or [batch, hidden] of the first tokens. Rows of padding hold nothing of meaning
 *   (transformers computes others there).
 */
export function encode(scope: Scope, config: DebertaConfig, inputs: TensorMap, wanted: Wanted): Tensor {
  const [batch, length] = checkedShape(config, inputs);
  const mask = tf.cast(inputs.attentionMask!, 'float32');
  let x = embed(scope, config, inputs, mask);
  const context: AttentionContext = {
    batch,
    length,
    maskBias: maskBias(mask),
    ...positions(scope, config, length),
  };
  for (let i = 0; i < config.layers; i++) {
    const rows = i === config.layers - 1 ? wanted : 'all tokens';
    x = layer(scope, config, x, `${ENCODER}.layer.${i}`, context, rows);
  }
  return x;
}

/** Layer normalisation with the parameters `${name}.weight` and `${name}.bias`. */
export function normalise(scope: Scope, config: DebertaConfig, x: Tensor, name: string): Tensor {
  return layerNorm(x, scope.weight(`${name}.weight`), scope.weight(`${name}.bias`), config.layerNormEpsilon);
}

function embed(scope: Scope, config: DebertaConfig, inputs: TensorMap, mask: Tensor): Tensor {
  const [batch, length] = mask.shape as [number, number];
  const lookUp = (table: string, ids: Tensor) =>
    tf.gather(scope.weight(`${EMBEDDINGS}.${table}.weight`), tf.reshape(ids, [batch * length]) as never);
  let x: Tensor = lookUp('word_embeddings', inputs.inputIds!);
  if (config.positionBiasedInput) {
    const table = scope.weight(`${EMBEDDINGS}.position_embeddings.weight`);
    const rows = tf.slice(table, [0, 0], [length, config.hiddenSize]);
    const sum = tf.add(tf.reshape(x, [batch, length, config.hiddenSize]), rows);
    x = tf.reshape(sum, [batch * length, config.hiddenSize]);
  }
  if (config.typeVocabSize > 0) {
    const types = inputs.tokenTypeIds ?? tf.zeros([batch, length], 'int32');
    x = tf.add(x, lookUp('token_type_embeddings', types));
  }
  const normal = normalise(scope, config, x, `${EMBEDDINGS}.LayerNorm`);
  return scope.dropout(tf.mul(normal, tf.reshape(mask, [batch * length, 1])), config.dropout.hidden);
}

function positions(scope: Scope, config: DebertaConfig, length: number): Pick<AttentionContext, 'positions'> {
  const { relative, hiddenSize } = config;
  if (relative === undefined || !(relative.contentToPosition || relative.positionToContent)) return {};
  const rows = distanceRows(relative, length);
  const table = scope.weight(`${ENCODER}.rel_embeddings.weight`);
  const needed = tf.slice(table, [rows.first, 0], [rows.count, hiddenSize]);
  const embeddings = relative.normalised ? normalise(scope, config, needed, `${ENCODER}.LayerNorm`) : needed;
  return { positions: { embeddings, byDistance: rowsByDistance(rows) } };
}

function layer(
  scope: Scope,
  config: DebertaConfig,
  x: Tensor,
  name: string,
  context: AttentionContext,
  wanted: Wanted,
): Tensor {
  const { hidden } = config.dropout;
  const take = (y: Tensor) => (wanted === 'first tokens' ? firstTokens(y, context) : y);
  const mixed = take(disentangledAttention(scope, config, x, `${name}.attention.self`, context));
  const projected = scope.dropout(scope.linear(mixed, `${name}.attention.output.dense`), hidden);
  const attended = normalise(scope, config, tf.add(projected, take(x)), `${name}.attention.output.LayerNorm`);
  const inner = ACTIVATIONS[config.activation](scope.linear(attended, `${name}.intermediate.dense`));
  const outer = scope.dropout(scope.linear(inner, `${name}.output.dense`), hidden);
  return normalise(scope, config, tf.add(outer, attended), `${name}.output.LayerNorm`);
}

/** [batch·length, hidden] -> [batch, hidden] */
function firstTokens(x: Tensor, { batch, length }: AttentionContext): Tensor {
  const hidden = x.shape[1]!;
  const rows = tf.slice(tf.reshape(x, [batch, length, hidden]), [0, 0, 0], [batch, 1, hidden]);
  return tf.reshape(rows, [batch, hidden]);
}

function checkedShape(config: DebertaConfig, inputs: TensorMap): [number, number] {
  const { inputIds, attentionMask, tokenTypeIds } = inputs;
  if (inputIds?.rank !== 2) throw new Error(`inputIds must be [batch, length], got ${shapeText(inputIds)}`);
  for (const [name, tensor] of Object.entries({ attentionMask, ...(tokenTypeIds && { tokenTypeIds }) })) {
    if (String(tensor?.shape) !== String(inputIds.shape))
      throw new Error(
        `${name} must have the shape of inputIds, ${shapeText(inputIds)}, got ${shapeText(tensor)}`,
      );
  }
  const [batch, length] = inputIds.shape as [number, number];
  if (config.positionBiasedInput && length > config.maxPositionEmbeddings) {
    throw new Error(
      `a sequence of ${length} tokens is longer than the model's max_position_embeddings ${config.maxPositionEmbeddings}`,
    );
  }
  return [batch, length];
}

function shapeText(tensor: Tensor | undefined): string {
  return tensor === undefined ? 'nothing' : `[${tensor.shape}]`;
}
