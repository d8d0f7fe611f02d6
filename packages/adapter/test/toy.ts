/** A small network for tests: two layers of two linear modules, a pooler and a classifier. */
import {
  type Model,
  plainScope,
  RandomStream,
  readWeightSync,
  type Tensor,
  type TensorMap,
  type TrainableModel,
  tf,
  type WeightData,
  type WeightSource,
} from '@psoft/engine';

export interface ToyOptions {
  readonly layers?: number;
  readonly width?: number;
  readonly inner?: number;
  readonly seed?: number;
  /** Weights by name in place of random ones. */
  readonly given?: ReadonlyMap<string, WeightSource>;
}

export const random = (seed: number, name: string, shape: readonly number[], spread = 1): WeightData => {
  const stream = RandomStream.from(seed, name);
  const size = shape.reduce((product, length) => product * length, 1);
  return { kind: 'data', data: Float32Array.from({ length: size }, () => spread * stream.normal()), shape };
};

/** x [batch, width] -> logits [batch, 2]. Module names look like a transformer's: `toy.encoder.layer.0.query_proj`. */
export function toyModel({ layers = 2, width = 12, inner = 20, seed = 7, given }: ToyOptions = {}): Model {
  const weights = new Map<string, WeightSource>();
  const linears: { name: string; inFeatures: number; outFeatures: number; hasBias: boolean }[] = [];
  const add = (name: string, inFeatures: number, outFeatures: number, hasBias = true): void => {
    linears.push({ name, inFeatures, outFeatures, hasBias });
    weights.set(`${name}.weight`, random(seed, `${name}.weight`, [outFeatures, inFeatures], 0.4));
    if (hasBias) weights.set(`${name}.bias`, random(seed, `${name}.bias`, [outFeatures], 0.1));
  };
  for (let i = 0; i < layers; i++) {
    add(`toy.encoder.layer.${i}.query_proj`, width, width, false);
    add(`toy.encoder.layer.${i}.intermediate.dense`, width, inner);
    add(`toy.encoder.layer.${i}.output.dense`, inner, width);
  }
  add('pooler.dense', width, width);
  add('classifier', width, 2);
  for (const [name, source] of given ?? []) weights.set(name, source);
  return {
    architecture: 'ToyForSequenceClassification',
    config: { model_type: 'toy' },
    weights,
    linears,
    headModules: ['pooler', 'classifier'],
    forward(scope, { x }) {
      let hidden = x!;
      for (let i = 0; i < layers; i++) {
        const name = `toy.encoder.layer.${i}`;
        const mixed = tf.tanh(scope.linear(hidden, `${name}.query_proj`));
        const wide = tf.tanh(scope.linear(mixed, `${name}.intermediate.dense`));
        hidden = tf.add(hidden, scope.linear(scope.dropout(wide, 0.1), `${name}.output.dense`));
      }
      return { logits: scope.linear(tf.tanh(scope.linear(hidden, 'pooler.dense')), 'classifier') };
    },
  };
}

export function tensorOf({ shape, data }: { shape: readonly number[]; data: Float32Array }): Tensor {
  return tf.tensor(data, [...shape], 'float32');
}

/** Frozen weights and parameters as eager tensors. */
export function bindingsOf(model: TrainableModel): { weights: TensorMap; parameters: TensorMap } {
  const weights: TensorMap = {};
  for (const [name, source] of model.weights)
    weights[name] = tensorOf({ shape: source.shape, data: readWeightSync(source) });
  const parameters = Object.fromEntries(model.parameters.map((one) => [one.name, tensorOf(one)]));
  return { weights, parameters };
}

/** Logits of an adapted model, computed eagerly. */
export function logitsOf(model: TrainableModel, x: Tensor): Float32Array {
  return tf.tidy(() => model.forward(bindingsOf(model), { x }).logits!.dataSync() as Float32Array);
}

/** Logits of a plain model. */
export function plainLogits(model: Model, x: Tensor): Float32Array {
  return tf.tidy(() => {
    const weights: TensorMap = {};
    for (const [name, source] of model.weights)
      weights[name] = tensorOf({ shape: source.shape, data: readWeightSync(source) });
    const scope = plainScope(
      { weights, parameters: {} },
      (module) => model.linears.find(({ name }) => name === module)!.hasBias,
    );
    return model.forward(scope, { x }).logits!.dataSync() as Float32Array;
  });
}

export const toyInput = (seed = 1, width = 12): Tensor => tensorOf(random(seed, 'x', [5, width]));

/** Gives every trainable value a random push, so that nothing is tested at the start only. */
export function perturb(model: TrainableModel, seed = 3, spread = 0.1): void {
  for (const { name, data } of model.parameters) {
    const stream = RandomStream.from(seed, name);
    for (let i = 0; i < data.length; i++) data[i]! += spread * stream.normal();
  }
}

export function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let worst = a.length === b.length ? 0 : Number.POSITIVE_INFINITY;
  for (let i = 0; i < a.length; i++) worst = Math.max(worst, Math.abs(a[i]! - b[i]!));
  return worst;
}

/** A model of one linear layer, called "layer": x [rows, in] -> y [rows, out]. */
export function oneLayer(
  inFeatures: number,
  outFeatures: number,
  weight: ArrayLike<number>,
  bias: ArrayLike<number> | null,
): Model {
  const data = (values: ArrayLike<number>, shape: number[]): WeightData => ({
    kind: 'data',
    data: Float32Array.from(values),
    shape,
  });
  const weights = new Map([['layer.weight', data(weight, [outFeatures, inFeatures])]]);
  if (bias) weights.set('layer.bias', data(bias, [outFeatures]));
  return {
    architecture: 'OneLayer',
    config: {},
    weights,
    linears: [{ name: 'layer', inFeatures, outFeatures, hasBias: bias !== null }],
    headModules: [],
    forward: (scope, { x }) => ({ y: scope.linear(x!, 'layer') }),
  };
}
