/** A small stack of layers with everything that passes over whole models have to cope with. */
import {
  checkpoint,
  createDropout,
  DROPOUT_STEP,
  dropoutStep,
  gelu,
  inverse,
  layerNorm,
  type ProgramFunction,
  RandomStream,
  type Signature,
  type Tensor,
  type TypedArray,
  tf,
  type WeightData,
} from '@psoft/engine';

export interface StackSize {
  readonly layers: number;
  readonly tokens: number;
  readonly width: number;
  readonly rank: number;
}

/**
 * Layers with dropout, a mask that all of them read, attention, and adapters with a Cayley map computed for all layers
 * at once. Gives the loss and the gradient of the flat vector of parameters.
 */
export function stack({ layers, tokens, width, rank }: StackSize): {
  fn: ProgramFunction;
  signature: Signature & { weights: Map<string, WeightData> };
  feeds: Record<string, TypedArray>;
} {
  const rng = RandomStream.from(7, 'stack');
  const random = (shape: number[], scale = 1 / Math.sqrt(shape.at(-1)!)): WeightData => ({
    kind: 'data',
    shape,
    data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => scale * rng.normal()),
  });
  const weights = new Map<string, WeightData>([
    ['one', random([width])],
    ['zero', random([width])],
  ]);
  for (let i = 0; i < layers; i++) {
    for (const name of ['mix', 'out']) weights.set(`${i}.${name}`, random([width, width]));
    weights.set(`${i}.up`, random([4 * width, width])).set(`${i}.down`, random([width, 4 * width]));
    weights.set(`${i}.a`, random([rank, width])).set(`${i}.b`, random([4 * width, rank]));
  }
  const size = layers * rank * rank;
  const times = (x: Tensor, w: Tensor) => tf.matMul(x as never, w as never, false, true) as Tensor;
  const fn: ProgramFunction = ({ parameters, x: first, visible, step }, weight) => {
    const { value, grad } = tf.valueAndGrad((flat: Tensor) => {
      const dropout = createDropout(step!);
      const square = tf.reshape(flat, [layers, rank, rank]);
      const skew = tf.sub(square, tf.transpose(square, [0, 2, 1]));
      const eye = tf.eye(rank) as Tensor;
      const turns = tf.unstack(tf.matMul(tf.add(eye, skew), inverse(tf.sub(eye, skew))));
      const mask = tf.mul(tf.sub(1, tf.cast(visible!, 'float32')), -1e4);
      let x = first!;
      for (let i = 0; i < layers; i++) {
        x = checkpoint(x);
        const mixed = tf.mul(times(x, weight(`${i}.mix`)), 1 / Math.sqrt(width));
        const scores = tf.add(tf.matMul(mixed, x, false, true), mask);
        const probabilities = dropout(tf.softmax(scores as never), 0.1);
        const attended = tf.add(x, times(tf.matMul(probabilities, x), weight(`${i}.out`)));
        const normal = layerNorm(attended, weight('one'), weight('zero'), 1e-5);
        const turned = tf.matMul(times(normal, weight(`${i}.a`)), turns[i]!);
        const up = tf.add(times(normal, weight(`${i}.up`)), times(turned, weight(`${i}.b`)));
        x = tf.add(attended, dropout(times(gelu(up), weight(`${i}.down`)), 0.2));
      }
      return tf.div(tf.sum(tf.square(checkpoint(x))), tokens) as never;
    })(parameters!);
    return { loss: value, gradient: grad };
  };
  const signature = {
    inputs: {
      parameters: { shape: [size], dtype: 'float32' as const },
      x: { shape: [tokens, width], dtype: 'float32' as const },
      visible: { shape: [tokens, tokens], dtype: 'bool' as const },
      step: DROPOUT_STEP,
    },
    parameters: ['parameters'],
    weights,
  };
  const feeds = {
    parameters: random([size], 0.1).data,
    x: random([tokens, width], 1).data,
    visible: Uint8Array.from({ length: tokens * tokens }, (_, i) => Number(i % tokens <= i / tokens)),
    step: dropoutStep(3, 5),
  };
  return { fn, signature, feeds };
}
