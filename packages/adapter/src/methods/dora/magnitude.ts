/** The magnitudes of DoRA on top of a low-rank update. */
import {
  isOutline,
  outlineWeight,
  readWeight,
  type Tensor,
  type TensorMap,
  tf,
  type WeightData,
} from '@psoft/engine';
import type { Target } from '../../method.ts';
import { type Group, type Recipe, stackLayers, unstack, unstackAll } from '../../stacked.ts';
import type { LoraConfig } from '../lora/config.ts';
import { LORA_A, LORA_B, loraChange } from '../lora/recipe.ts';

export const MAGNITUDE = 'lora_magnitude_vector';

/**
 * y = c (W x + s B A x) + bias with c = m / |W + s B A| by row: arXiv 2402.09353, equation 5; the norm counts as a
 * constant in the gradient (its section 4.3). With dropout the frozen part of c - 1 sees the dropped x, as in PEFT.
 */
export async function withMagnitude(
  plain: Recipe,
  targets: readonly Target[],
  config: LoraConfig,
  seed: number,
): Promise<Recipe> {
  const squares = new Map<string, WeightData>();
  for (const target of targets) squares.set(target.name, await squaredNorms(target));
  const starts = await initialNorms(plain, targets, seed);
  return {
    trained: (target) => [
      ...plain.trained(target),
      {
        key: MAGNITUDE,
        shape: [target.outFeatures],
        initialise: (data) => data.set(starts.get(target.name)!),
      },
    ],
    frozen: new Map(
      targets.map(({ name }) => [name, { ...plain.frozen?.get(name), dora_squares: squares.get(name)! }]),
    ),
    variant: plain.variant!,
    prepare: (trained, group) => {
      const { modules } = group;
      const scale = tf.div(trained[MAGNITUDE]!, norms(trained, group, config));
      return unstackAll({ ...trained, scale, ...offsets(modules, scale) }, modules.length);
    },
    apply: (x, base, module) => {
      const { scale, offset } = module.own;
      const dropped = module.dropout(x, config.loraDropout);
      const change = loraChange(dropped, module, config);
      if (dropped === x) {
        const y = tf.mul(tf.add(base(x), change), scale!);
        return offset ? tf.add(y, offset) : y;
      }
      const bias = module.bias();
      const direct = bias ? tf.sub(base(dropped), bias) : base(dropped);
      return tf.add(base(x), tf.add(tf.mul(direct, tf.sub(scale!, 1)), tf.mul(change, scale!)));
    },
    merged: (weight, module) => {
      const { a, b } = plain.lowRank!(module);
      const direction = tf.add(weight, tf.matMul(b, a));
      const norm = tf.norm(direction, 'euclidean', 1, true);
      return tf.mul(direction, tf.div(tf.reshape(module.own[MAGNITUDE]!, [-1, 1]), norm));
    },
  };
}

/** What base(x) scaled has too much or too little of the bias: bias (1 - c), [modules, out]. */
function offsets(modules: Group['modules'], scale: Tensor): { offset?: Tensor } {
  const biases = modules.map(({ bias }) => bias());
  if (biases.every((bias) => bias === undefined)) return {};
  const zeros = tf.zeros(scale.shape.slice(1));
  return { offset: tf.mul(tf.stack(biases.map((bias) => bias ?? zeros)), tf.sub(1, scale)) };
}

/**
 * |W + B A| by row, without forming it: |W|² + 2 B·(W Aᵀ) + B·(B A Aᵀ). No gradient passes.
 * @returns [modules, out]
 */
function norms(trained: TensorMap, { modules }: Group, config: LoraConfig): Tensor {
  const squares = tf.stack(modules.map(({ frozen }) => frozen.dora_squares!));
  const scalings = tf.tensor3d(
    modules.map(({ target }) => config.scalingOf(target.name)),
    [modules.length, 1, 1],
  );
  const constant = tf.customGrad((...given) => {
    let [a, b] = given.slice(0, 2) as [Tensor, Tensor];
    b = tf.mul(b, scalings);
    if (modules[0]!.frozen.pissa_A) {
      a = tf.concat([a, tf.stack(modules.map(({ frozen }) => frozen.pissa_A!))], 1);
      const starts = tf.stack(modules.map(({ frozen }) => frozen.pissa_B!));
      b = tf.concat([b, tf.neg(tf.mul(starts, scalings))], 2);
    }
    const each = unstack(a, modules.length);
    const crossed = tf.stack(modules.map(({ weight }, i) => tf.matMul(weight(), each[i]!, false, true)));
    const gram = tf.matMul(a, a, false, true);
    const added = tf.sum(tf.mul(b, tf.add(tf.mul(crossed, 2), tf.matMul(b, gram))), 2);
    return {
      value: tf.sqrt(tf.add(squares, added)),
      gradFunc: () => [tf.zerosLike(given[0] as Tensor), tf.zerosLike(given[1] as Tensor)],
    };
  });
  return constant(trained[LORA_A]!, trained[LORA_B]!);
}

/** Row norms of W + s B A at the start, so that training starts from the base model. */
async function initialNorms(
  plain: Recipe,
  targets: readonly Target[],
  seed: number,
): Promise<Map<string, Float32Array>> {
  const start = stackLayers(targets, plain, seed);
  const all = new Map<string, Float32Array>();
  // Where only shapes are known, nothing is to be computed from them.
  const known = targets.filter(({ weight }) => !isOutline(weight)).map(({ name }) => name);
  for (const { name, outFeatures } of targets)
    if (!known.includes(name)) all.set(name, outlineWeight([outFeatures]).data);
  const weightOf = async (module: string) => {
    const { weight } = targets.find(({ name }) => name === module)!;
    return Float32Array.from(await readWeight(weight));
  };
  for await (const [name, merged] of start.mergedWeights(weightOf, known)) {
    const { inFeatures, outFeatures } = targets.find((target) => target.name === name)!;
    all.set(name, rowNorms(merged, outFeatures, inFeatures).map(Math.sqrt));
  }
  return all;
}

async function squaredNorms({ weight, inFeatures, outFeatures }: Target): Promise<WeightData> {
  if (isOutline(weight)) return outlineWeight([outFeatures]);
  const data = rowNorms(await readWeight(weight), outFeatures, inFeatures);
  return { kind: 'data', data, shape: [outFeatures] };
}

/** Squared norms of rows, summed in double precision. */
function rowNorms(data: Float32Array, rows: number, columns: number): Float32Array {
  return Float32Array.from({ length: rows }, (_, row) => {
    let sum = 0;
    for (let i = row * columns; i < (row + 1) * columns; i++) sum += data[i]! * data[i]!;
    return sum;
  });
}
