/** What Tables 19 and 20 train: one linear layer, and one transformer block, on activations made in the graph. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import {
  gelu,
  type LinearModule,
  layerNorm,
  type Model,
  readSafetensorsHeader,
  type Scope,
  type Tensor,
  type TensorMap,
  tf,
} from '@psoft/engine';
import type { BatchSpec, LossFunction } from '@psoft/training';
import { type Extent, writeRandom } from './shapes.ts';

export const LAYERS = ['linear', 'block'] as const;
export type LayerName = (typeof LAYERS)[number];

export interface LayerExtent extends Extent {
  readonly hidden: number;
}

/** Of the block, as the paper has it. */
const HEADS = 8;

/** A row of activations a token, trained along: so that the layer's input has a gradient, as inside a network. */
const INPUT = 'input';

function modulesOf(layer: LayerName, hidden: number): LinearModule[] {
  const one = (name: string, inFeatures: number, outFeatures: number): LinearModule => ({
    ...{ name, inFeatures, outFeatures },
    hasBias: false,
  });
  if (layer === 'linear') return [one('layer', hidden, hidden)];
  return [
    ...['query', 'key', 'value', 'output'].map((name) => one(name, hidden, hidden)),
    one('up', hidden, 4 * hidden),
    one('down', 4 * hidden, hidden),
  ];
}

/** The model, with random weights in a file that is written once. */
export async function layerModel(
  layer: LayerName,
  { batch, length, hidden }: LayerExtent,
  dtype: 'F32' | 'BF16',
  folder: string,
): Promise<Model> {
  const linears = modulesOf(layer, hidden);
  const shapes = new Map<string, { readonly shape: readonly number[] }>([
    [INPUT, { shape: [length, hidden] }],
    ...linears.map(
      ({ name, inFeatures, outFeatures }) =>
        [`${name}.weight`, { shape: [outFeatures, inFeatures] }] as const,
    ),
    ...(layer === 'block' ? ['norm1', 'norm2'] : []).flatMap((name) =>
      ['weight', 'bias'].map((part) => [`${name}.${part}`, { shape: [hidden] }] as const),
    ),
  ]);
  const file = path.join(folder, `${layer}-${hidden}-${length}-${dtype}.safetensors`);
  if (!existsSync(file)) await writeRandom(shapes, dtype, file);
  return {
    architecture: layer === 'linear' ? 'LinearLayer' : 'TransformerBlock',
    config: { model_type: layer, hidden_size: hidden },
    weights: (await readSafetensorsHeader(file)).tensors,
    linears,
    headModules: [INPUT],
    forward: (scope, inputs) => {
      const rows = activations(scope, inputs, { batch, length, hidden });
      const y =
        layer === 'linear' ? scope.linear(rows, 'layer') : block(scope, rows, { batch, length, hidden });
      return { loss: tf.mean(tf.square(y)) };
    },
  };
}

/** [batch · length, hidden], all different, of which only a number an example crosses the bus. */
function activations(scope: Scope, { scale }: TensorMap, { batch, length, hidden }: LayerExtent): Tensor {
  const input = tf.reshape(scope.weight(INPUT), [1, length, hidden]);
  return tf.reshape(tf.mul(input, tf.reshape(scale!, [batch, 1, 1])), [batch * length, hidden]);
}

/** Pre-norm, GELU, no biases: the layer that the paper's ACT_base counts the activations of. */
function block(scope: Scope, x: Tensor, { batch, length, hidden }: LayerExtent): Tensor {
  const norm = (rows: Tensor, name: string) =>
    layerNorm(rows, scope.weight(`${name}.weight`), scope.weight(`${name}.bias`), 1e-5);
  const size = hidden / HEADS;
  const split = (y: Tensor) =>
    tf.reshape(tf.transpose(tf.reshape(y, [batch, length, HEADS, size]), [0, 2, 1, 3]), [
      batch * HEADS,
      length,
      size,
    ]);
  const h = norm(x, 'norm1');
  const [query, key, value] = ['query', 'key', 'value'].map((name) => split(scope.linear(h, name)));
  const scores = tf.matMul(tf.mul(query!, 1 / Math.sqrt(size)) as never, key as never, false, true) as Tensor;
  const mixed = tf.matMul(tf.softmax(scores) as never, value as never) as Tensor;
  const joined = tf.reshape(tf.transpose(tf.reshape(mixed, [batch, HEADS, length, size]), [0, 2, 1, 3]), [
    batch * length,
    hidden,
  ]);
  const attended = tf.add(x, scope.linear(joined, 'output'));
  const up = gelu(scope.linear(norm(attended, 'norm2'), 'up'));
  return tf.add(attended, scope.linear(up, 'down'));
}

export const layerSpec = ({ batch }: Extent): BatchSpec => ({ scale: { shape: [batch], dtype: 'float32' } });

export const layerInputs = ({ batch }: Extent) => ({
  scale: Float32Array.from({ length: batch }, (_, i) => 1 + i / batch),
});

export const layerLoss: LossFunction = (outputs) => outputs.loss!;
