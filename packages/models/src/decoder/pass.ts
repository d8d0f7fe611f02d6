/**
 * One forward pass of a decoder, as its inputs ask for it. All modes share the model's code:
 * - `inputIds` [batch, length], optionally `attentionMask` [batch, length]: whole sequences at once;
 * - with `step` and the cache of earlier tokens: one further token of each sequence.
 */
import { type Tensor, type TensorMap, tf, writeColumn } from '@psoft/engine';

/** What is added to the score of a place that must not be looked at. */
const HIDDEN = -1e9;

/** Where the keys and values of a layer lie, by the names of a program's tensors. */
export const cacheNames = (layer: number) => ({
  keys: `keys.${layer}`,
  values: `values.${layer}`,
  promptKeys: `promptKeys.${layer}`,
  promptValues: `promptValues.${layer}`,
});

/** Keys and values of some earlier places, and what is added to their scores. */
interface Segment {
  /** [batch·kvHeads, n, size] */
  readonly keys: Tensor;
  readonly values: Tensor;
  /** [batch or 1, 1, length or 1, n] */
  readonly bias: Tensor;
}

export interface AttentionInputs {
  readonly layer: number;
  /** [batch, heads, length, size], scaled already */
  readonly query: Tensor;
  /** [batch, kvHeads, length, size]; each group of heads / kvHeads queries looks at one of them */
  readonly key: Tensor;
  readonly value: Tensor;
  dropout(probabilities: Tensor): Tensor;
}

export class DecoderPass {
  readonly batch: number;
  readonly length: number;
  /** Keys and values of this pass, or the caches with them written in, by {@link cacheNames}. */
  readonly cache: TensorMap = {};
  readonly #inputs: TensorMap;
  readonly #causal: Tensor | undefined;

  constructor(inputs: TensorMap) {
    this.#inputs = inputs;
    [this.batch, this.length] = inputs.inputIds!.shape as [number, number];
    if (inputs.step === undefined) this.#causal = causalBias(this.length, inputs.attentionMask);
    else if (this.length !== 1)
      throw new Error(`a step takes one token of each sequence, got inputIds [${inputs.inputIds!.shape}]`);
  }

  /** Places that a sequence of this pass may have, new ones included. */
  get places(): number {
    const { step, attentionMask } = this.#inputs;
    if (step === undefined) return this.length;
    return attentionMask!.shape[1]! + this.#inputs[cacheNames(0).keys]!.shape[1]!;
  }

  /** Places of the tokens in their padded sequence, int32 [batch, length]. */
  columns(): Tensor {
    const { step, attentionMask } = this.#inputs;
    const shape = [this.batch, this.length];
    if (step === undefined) {
      const places = Int32Array.from({ length: this.batch * this.length }, (_, i) => i % this.length);
      return tf.tensor(places, shape, 'int32');
    }
    const before = tf.scalar(attentionMask!.shape[1]!, 'int32');
    return tf.add(tf.zeros(shape, 'int32'), tf.add(step, before));
  }

  /** Places of the tokens without padding before them, from 0; -1 at padding. int32 [batch, length]. */
  positions(): Tensor {
    const { step, attentionMask } = this.#inputs;
    if (attentionMask === undefined) return this.columns();
    if (step === undefined) {
      const mask = tf.cast(attentionMask, 'int32');
      return tf.sub(tf.mul(tf.cumsum(mask, 1), mask), tf.scalar(1, 'int32'));
    }
    const before = tf.sum(tf.cast(attentionMask, 'int32'), 1, true);
    return tf.add(before, step);
  }

  /** @returns [batch·length, heads·size]: what each token gathered, before the output projection */
  attend({ layer, query, key, value, dropout }: AttentionInputs): Tensor {
    const { batch, length } = this;
    const [, heads, , size] = query.shape as [number, number, number, number];
    const kvHeads = key.shape[1]!;
    // The queries of a group stand below one another: their keys need no copies.
    const rows = tf.reshape(query, [batch * kvHeads, (heads / kvHeads) * length, size]);
    const flat = (x: Tensor) => tf.reshape(x, [batch * kvHeads, length, size]);
    const segments = this.#segments(layer, flat(key), flat(value));
    const scores = segments.map(({ keys, bias }) => {
      const product = tf.matMul(rows as never, keys as never, false, true) as Tensor;
      return tf.add(tf.reshape(product, [batch, heads, length, -1]), bias);
    });
    const probabilities = dropout(tf.softmax(scores.length === 1 ? scores[0]! : tf.concat(scores, 3)));
    const parts =
      segments.length === 1
        ? [probabilities]
        : tf.split(
            probabilities,
            segments.map(({ keys }) => keys.shape[1]!),
            3,
          );
    const mixed = segments
      .map(({ values, keys }, i) => {
        const own = tf.reshape(parts[i]! as Tensor, [batch * kvHeads, rows.shape[1]!, keys.shape[1]!]);
        return tf.matMul(own as never, values as never) as Tensor;
      })
      .reduce((sum, part) => tf.add(sum, part));
    const byToken = tf.transpose(tf.reshape(mixed, [batch, heads, length, size]), [0, 2, 1, 3]);
    return tf.reshape(byToken, [batch * length, heads * size]);
  }

  #segments(layer: number, key: Tensor, value: Tensor): Segment[] {
    const { step, attentionMask } = this.#inputs;
    const names = cacheNames(layer);
    if (step === undefined) {
      this.cache[names.keys] = key;
      this.cache[names.values] = value;
      return [{ keys: key, values: value, bias: this.#causal! }];
    }
    const keys = writeColumn(this.#inputs[names.keys]!, key, step);
    const values = writeColumn(this.#inputs[names.values]!, value, step);
    this.cache[names.keys] = keys;
    this.cache[names.values] = values;
    const isLater = tf.greater(tf.range(0, keys.shape[1]!, 1, 'int32'), step);
    const later = tf.mul(tf.cast(isLater, 'float32'), HIDDEN);
    const written = { keys, values, bias: tf.reshape(later, [1, 1, 1, -1]) };
    const prompt = {
      keys: this.#inputs[names.promptKeys]!,
      values: this.#inputs[names.promptValues]!,
      bias: paddingBias(attentionMask!),
    };
    return [prompt, written];
  }
}

/** [batch or 1, 1, length, length]: no token looks at a later one, or at padding. */
function causalBias(length: number, attentionMask: Tensor | undefined): Tensor {
  const triangle = Float32Array.from({ length: length * length }, (_, i) =>
    i % length > Math.floor(i / length) ? HIDDEN : 0,
  );
  const causal = tf.tensor(triangle, [1, 1, length, length], 'float32');
  return attentionMask === undefined ? causal : tf.add(causal, paddingBias(attentionMask));
}

/** [batch, 1, 1, length] of a mask with 1 at tokens and 0 at padding. */
function paddingBias(attentionMask: Tensor): Tensor {
  const [batch, length] = attentionMask.shape as [number, number];
  return tf.reshape(tf.mul(tf.sub(1, attentionMask), HIDDEN), [batch, 1, 1, length]);
}
