/** Stacks of transformer layers with low-rank adapters, of the size of real models: what the memory benchmark runs. */
import {
  checkpoint,
  frozenTokenLoss,
  gelu,
  layerNorm,
  type ProgramFunction,
  rmsNorm,
  type Signature,
  type Tensor,
  tf,
  type WeightLookup,
  type WeightSource,
} from '../src/index.ts';

export interface StackShape {
  readonly kind: 'encoder' | 'decoder' | 'mlp';
  readonly layers: number;
  readonly width: number;
  readonly inner: number;
  readonly heads: number;
  readonly batch: number;
  readonly length: number;
  readonly rank: number;
  readonly vocabulary: number;
}

export const STACKS: Readonly<Record<string, StackShape>> = {
  /** Feed-forward blocks alone: nearly all weights. */
  mlp: {
    kind: 'mlp',
    layers: 24,
    width: 1024,
    inner: 4096,
    heads: 1,
    batch: 1,
    length: 64,
    rank: 8,
    vocabulary: 512,
  },
  vit: {
    kind: 'encoder',
    layers: 12,
    width: 768,
    inner: 3072,
    heads: 12,
    batch: 4,
    length: 197,
    rank: 46,
    vocabulary: 512,
  },
  decoder: {
    kind: 'decoder',
    layers: 8,
    width: 1024,
    inner: 2816,
    heads: 16,
    batch: 2,
    length: 256,
    rank: 64,
    vocabulary: 32000,
  },
};

/** Frozen weights by name with their shapes, [out, in]. */
export function stackWeights(shape: StackShape): Map<string, number[]> {
  const { kind, layers, width, inner, vocabulary } = shape;
  const weights = new Map<string, number[]>();
  for (let i = 0; i < layers; i++) {
    for (const name of ['norm1', 'norm2']) weights.set(`${i}.${name}`, [width]);
    weights.set(`${i}.up`, [inner, width]).set(`${i}.down`, [width, inner]);
    if (kind === 'decoder') weights.set(`${i}.gate`, [inner, width]);
    if (kind !== 'mlp') for (const name of ['q', 'k', 'v', 'o']) weights.set(`${i}.${name}`, [width, width]);
  }
  return weights.set('zero', [width]).set('norm', [width]).set('head', [vocabulary, width]);
}

/** Loss and gradient of all adapters. Inputs: `parameters` (flat), `x` [tokens, width], `labels` [tokens]. */
export function stackProgram(
  shape: StackShape,
  weights: ReadonlyMap<string, WeightSource>,
): { fn: ProgramFunction; signature: Signature } {
  const { kind, layers, width, batch, length, rank, vocabulary } = shape;
  const tokens = batch * length;
  const adapted = [...weights].filter(([name, { shape }]) => shape.length === 2 && name !== 'head');
  const sizes = adapted.flatMap(([, { shape }]) => [rank * shape[1]!, shape[0]! * rank]);
  const fn: ProgramFunction = (inputs, weight) => {
    const { value, grad } = tf.valueAndGrad((flat: Tensor) => {
      const parts = tf.split(flat, sizes) as Tensor[];
      const linear = linears(adapted, parts, rank, weight);
      let x = inputs.x!;
      for (let i = 0; i < layers; i++) x = layer(shape, checkpoint(x), i, linear, weight);
      x = normalise(shape, checkpoint(x), weight('norm'), weight);
      return frozenTokenLoss(x, weight('head'), inputs.labels!, tf.fill([tokens], 1 / tokens)) as never;
    })(inputs.parameters!);
    return { loss: value, gradient: grad };
  };
  const signature: Signature = {
    inputs: {
      parameters: { shape: [sizes.reduce((a, b) => a + b, 0)], dtype: 'float32' },
      x: { shape: [tokens, width], dtype: 'float32' },
      labels: { shape: [tokens], dtype: 'int32' },
    },
    parameters: ['parameters'],
    weights,
  };
  if (kind === 'mlp' && vocabulary > 1024) throw new Error('mlp: a small vocabulary, it measures the layers');
  return { fn, signature };
}

type Linear = (x: Tensor, name: string) => Tensor;

/** x Wᵀ + (x Aᵀ) Bᵀ */
function linears(
  adapted: readonly (readonly [string, WeightSource])[],
  parts: readonly Tensor[],
  rank: number,
  weight: WeightLookup,
): Linear {
  const index = new Map(adapted.map(([name], i) => [name, i]));
  const times = (x: Tensor, w: Tensor) => tf.matMul(x as never, w as never, false, true) as Tensor;
  return (x, name) => {
    const w = weight(name);
    const [out, into] = w.shape as [number, number];
    const i = index.get(name)!;
    const a = tf.reshape(parts[2 * i]!, [rank, into]);
    const b = tf.reshape(parts[2 * i + 1]!, [out, rank]);
    return tf.add(times(x, w), times(times(x, a), b));
  };
}

function normalise({ kind }: StackShape, x: Tensor, gamma: Tensor, weight: WeightLookup): Tensor {
  return kind === 'decoder' ? rmsNorm(x, gamma, 1e-5) : layerNorm(x, gamma, weight('zero'), 1e-5);
}

function layer(shape: StackShape, x: Tensor, i: number, linear: Linear, weight: WeightLookup): Tensor {
  const { kind, width, heads, batch, length } = shape;
  let y = x;
  if (kind !== 'mlp') {
    const normal = normalise(shape, x, weight(`${i}.norm1`), weight);
    const size = width / heads;
    const split = (name: string) =>
      tf.transpose(tf.reshape(linear(normal, `${i}.${name}`), [batch, length, heads, size]), [0, 2, 1, 3]);
    const scores = tf.matMul(tf.mul(split('q'), 1 / Math.sqrt(size)), split('k'), false, true);
    const later = tf.tensor(
      Float32Array.from({ length: length * length }, (_, at) =>
        at % length > Math.floor(at / length) ? -1e4 : 0,
      ),
      [1, 1, length, length],
    );
    const masked = kind === 'decoder' ? tf.add(scores, later) : scores;
    const mixed = tf.matMul(tf.softmax(masked as never) as Tensor, split('v'));
    y = tf.add(x, linear(tf.reshape(tf.transpose(mixed, [0, 2, 1, 3]), [batch * length, width]), `${i}.o`));
  }
  const inner = normalise(shape, y, weight(`${i}.norm2`), weight);
  const up = linear(inner, `${i}.up`);
  if (kind !== 'decoder') return tf.add(y, linear(gelu(up), `${i}.down`));
  const gate = linear(inner, `${i}.gate`);
  return tf.add(y, linear(tf.mul(tf.mul(gate, tf.sigmoid(gate)), up), `${i}.down`));
}
