/** One sequence a prompt: the most probable token, or one drawn at random. */
import { type Tensor, tf, writeColumn } from '@psoft/engine';
import type { ChoiceState, Choose } from './decode.ts';
import type { DecodingOptions, Strategy } from './strategy.ts';

/**
 * tokens int32 [rows, maxNewTokens], padding after the end; ended int32 [rows], 1 where an end was reached.
 * @param idle int32 [rows]: 1 for rows that only fill the batch
 */
export function startSingle(idle: Tensor, { maxNewTokens, padId }: DecodingOptions): ChoiceState {
  return { tokens: tf.fill([idle.shape[0]!, maxNewTokens], padId, 'int32'), ended: idle };
}

/** @param draws float32 [maxNewTokens, rows] in [0, 1), for sampling */
export function chooseSingle(options: DecodingOptions, draws: Tensor | undefined): Choose {
  const { padId } = options;
  return (state, logits, step) => {
    const { tokens, ended } = state;
    const chosen = tokenOf(options.strategy, logits, step, draws);
    const pad = tf.scalar(padId, 'int32');
    const token = tf.add(tf.mul(chosen, tf.sub(tf.scalar(1, 'int32'), ended!)), tf.mul(pad, ended!));
    const next = tf.maximum(ended!, isEnd(chosen, options.eosIds));
    return {
      state: { tokens: writeTokens(tokens!, token, step), ended: next },
      token,
      isDone: tf.equal(tf.min(next), tf.scalar(1, 'int32')),
    };
  };
}

/** int32, 1 where a token is an end. */
export function isEnd(tokens: Tensor, eosIds: readonly number[]): Tensor {
  const hits = eosIds.map((id) => tf.cast(tf.equal(tokens, tf.scalar(id, 'int32')), 'int32'));
  return hits.reduce((a, b) => tf.maximum(a, b));
}

/** Writes [rows] tokens into place `step` of [rows, n]. */
export function writeTokens(tokens: Tensor, chosen: Tensor, step: Tensor): Tensor {
  const [rows, places] = tokens.shape as [number, number];
  const column = tf.reshape(chosen, [rows, 1, 1]);
  return tf.reshape(writeColumn(tf.reshape(tokens, [rows, places, 1]), column, step), [rows, places]);
}

function tokenOf(strategy: Strategy, logits: Tensor, step: Tensor, draws: Tensor | undefined): Tensor {
  if (strategy.kind !== 'sample') return tf.argMax(logits, 1);
  const draw = tf.reshape(tf.gather(draws!, tf.reshape(step, [1]) as never) as Tensor, [-1, 1]);
  return drawToken(logits, draw, strategy);
}

/**
 * The token under which the cumulative probability passes `draw`, the tokens in falling order of probability.
 * @param logits [rows, vocabulary]
 * @param draw [rows, 1] in [0, 1)
 * @returns int32 [rows]
 */
export function drawToken(
  logits: Tensor,
  draw: Tensor,
  { temperature, topK, topP = 1 }: Extract<Strategy, { kind: 'sample' }>,
): Tensor {
  const vocabulary = logits.shape[1]!;
  const { values, indices } = tf.topk(tf.div(logits, temperature), Math.min(topK ?? vocabulary, vocabulary));
  const probabilities = tf.softmax(values);
  // A token stays while those before it have not reached topP: the first one always does.
  const before = tf.cumsum(probabilities, 1, true);
  const kept = topP < 1 ? tf.mul(probabilities, tf.cast(tf.less(before, topP), 'float32')) : probabilities;
  const share = tf.div(tf.cumsum(kept, 1), tf.sum(kept, 1, true));
  // Rounding may leave the last share below 1; a token of no probability must not be taken then.
  const passed = tf.cast(tf.lessEqual(share, draw), 'int32');
  const last = tf.sub(tf.sum(tf.cast(tf.greater(kept, 0), 'int32'), 1), tf.scalar(1, 'int32'));
  const place = tf.minimum(tf.sum(passed, 1), last);
  const places = tf.range(0, values.shape[1]!, 1, 'int32');
  const isPlace = tf.cast(tf.equal(places, tf.expandDims(place, 1)), 'int32');
  return tf.sum(tf.mul(indices, isPlace), 1);
}
