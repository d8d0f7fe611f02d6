/** Composite kernels that decoders add to those of `composite.ts`. */

import { rmsNormGradKernel, rmsNormKernel } from '../cuda/normKernels.ts';
import { type RotaryKernel, rotaryKernel } from '../cuda/rotaryKernel.ts';
import type { Value } from '../ir/graph.ts';
import { OnnxType } from '../onnx/proto.ts';
import { type Tensor, tf } from '../tf.ts';
import { firstType, gradientTypes, lowerAsKernel, normGradient } from './fused.ts';
import { attr, type CompositeKernel, type Kernel } from './kernel.ts';

const sameAs =
  (index: number): Kernel['infer'] =>
  (inputs) => [{ shape: inputs[index]!.shape, dtype: 'float32' }];

/** y = gamma x invRms over the last axis (Zhang and Sennrich 2019), with invRms kept for the gradient. */
const RmsNorm: CompositeKernel = {
  args: ['x', 'gamma'],
  infer: ([x, gamma]) => {
    const width = x!.shape.at(-1)!;
    if (gamma!.shape.length !== 1 || gamma!.shape[0] !== width)
      throw new Error(`gamma must be [${width}], got [${gamma!.shape}]`);
    return [x!.shape, [...x!.shape.slice(0, -1), 1]].map((shape) => ({ shape, dtype: 'float32' as const }));
  },
  lower: (node, onnx) => {
    const epsilon = attr<number>(node, 'epsilon');
    if (onnx.target.hasKernels)
      return lowerAsKernel(node, onnx, rmsNormKernel(node.inputs[0]!.shape, epsilon, firstType(node)));
    const attributes = { axis: -1, epsilon: { float: epsilon } };
    const outputs = onnx.emitMany('SimplifiedLayerNormalization', onnx.names(node.inputs), 2, attributes);
    node.outputs.forEach((value, i) => {
      onnx.bind(value, outputs[i]!);
    });
  },
  eager: ({ x, gamma }, attrs) => {
    const invRms = tf.rsqrt(tf.add(tf.mean(tf.square(x!), -1, true), attrs.epsilon as number));
    return [tf.mul(tf.mul(x!, invRms), gamma!), invRms];
  },
};

/** dx = invRms (g - x̂ mean(g x̂)), g = dy gamma, x̂ = x invRms, the mean over the last axis. */
const RmsNormGrad: CompositeKernel = {
  args: ['dy', 'x', 'gamma', 'invRms'],
  infer: gradientTypes,
  lower: (node, onnx) => {
    if (onnx.target.hasKernels)
      return lowerAsKernel(node, onnx, rmsNormGradKernel(node.outputs[0]!.shape, normGradient(node, 4)));
    const [dy, x, gamma, invRms] = onnx.names(node.inputs);
    const normal = onnx.emit('Mul', [x!, invRms!]);
    const g = onnx.emit('Mul', [dy!, gamma!]);
    const mean = onnx.emit('ReduceMean', [onnx.emit('Mul', [g, normal]), onnx.ints([-1])], { keepdims: 1 });
    const centred = onnx.emit('Sub', [g, onnx.emit('Mul', [normal, mean])]);
    onnx.bind(node.outputs[0]!, onnx.emit('Mul', [centred, invRms!]));
  },
  eager: ({ dy, x, gamma, invRms }) => {
    const normal = tf.mul(x!, invRms!);
    const g = tf.mul(dy!, gamma!);
    return [tf.mul(tf.sub(g, tf.mul(normal, tf.mean(tf.mul(g, normal), -1, true))), invRms!)];
  },
};

/**
 * Rotary position embedding (Su et al. 2021) in the layout of Llama: component i of a head turns with component
 * i + size/2, by the angle whose cosine and sine stand in row `positions` of the tables.
 */
const RotaryEmbedding: CompositeKernel = {
  args: ['x', 'positions', 'cos', 'sin'],
  infer: ([x, positions, cos, sin]) => {
    const [batch, , length, size] = x!.shape;
    if (x!.shape.length !== 4 || String(positions!.shape) !== String([batch, length]))
      throw new Error(`x must be [batch, heads, length, size] and positions [batch, length]`);
    for (const table of [cos!, sin!])
      if (table.shape.length !== 2 || 2 * table.shape[1]! !== size)
        throw new Error(`the tables must be [positions, ${size! / 2}], got [${table.shape}]`);
    return [{ shape: x!.shape, dtype: 'float32' }];
  },
  lower: (node, onnx) => {
    if (onnx.target.hasKernels) {
      const [tensor, , table] = node.inputs as [Value, Value, Value];
      const type = onnx.half(tensor)?.type ?? OnnxType.FLOAT;
      const rotated = tensor.shape as RotaryKernel['rotated'];
      const kernel = rotaryKernel({ rotated, angles: table.shape[0]! }, type, firstType(node));
      return lowerAsKernel(node, onnx, kernel);
    }
    const [x, positions, cos, sin] = onnx.names(node.inputs) as [string, string, string, string];
    const inputs = [x, onnx.castToInt64(positions), cos, sin];
    onnx.bind(node.outputs[0]!, onnx.emit('RotaryEmbedding', inputs, {}, 'com.microsoft'));
  },
  eager: ({ x, positions, cos, sin }) => {
    const half = x!.shape[3]! / 2;
    const rows = (table: Tensor) => tf.expandDims(tf.gather(table, positions as never) as Tensor, 1);
    const [c, s] = [rows(cos!), rows(sin!)];
    const [first, second] = tf.split(x!, [half, half], 3) as [Tensor, Tensor];
    const turned = [tf.sub(tf.mul(first, c), tf.mul(second, s)), tf.add(tf.mul(second, c), tf.mul(first, s))];
    return [tf.concat(turned, 3)];
  },
};

/** Negative log-likelihood of one class a row under softmax(logits), and the logarithm of that softmax. */
const TokenLoss: CompositeKernel = {
  args: ['logits', 'labels'],
  infer: ([logits, labels]) => {
    const [rows] = logits!.shape as [number];
    if (logits!.shape.length !== 2 || String(labels!.shape) !== String([rows]))
      throw new Error(
        `logits must be [n, classes] and labels [n], got [${logits!.shape}] and [${labels!.shape}]`,
      );
    return [[rows], logits!.shape].map((shape) => ({ shape, dtype: 'float32' as const }));
  },
  lower: (node, onnx) => {
    const [logits, labels] = onnx.names(node.inputs) as [string, string];
    // One pass on every device; CUDA reduces a row of a vocabulary's length a hundred times slower.
    const logs = onnx.emit('LogSoftmax', [logits], { axis: 1 });
    const column = onnx.emit('Unsqueeze', [labels, onnx.ints([1])]);
    const chosen = onnx.emit('GatherElements', [logs, column], { axis: 1 });
    onnx.bind(node.outputs[0]!, onnx.emit('Squeeze', [onnx.emit('Neg', [chosen]), onnx.ints([1])]));
    onnx.bind(node.outputs[1]!, logs);
  },
  eager: ({ logits, labels }) => {
    const oneHot = tf.cast(tf.oneHot(labels as never, logits!.shape[1]!), 'float32');
    const logs = tf.logSoftmax(logits!);
    return [tf.neg(tf.sum(tf.mul(logs, oneHot), 1)), logs];
  },
};

/** softmax(logits) - one-hot(labels), from the logarithm of the softmax. */
const TokenLossGrad: CompositeKernel = {
  args: ['logs', 'labels'],
  infer: sameAs(0),
  lower: (node, onnx) => {
    const [logs, labels] = onnx.names(node.inputs) as [string, string];
    const probabilities = onnx.emit('Exp', [logs]);
    const column = onnx.emit('Unsqueeze', [labels, onnx.ints([1])]);
    const minusOne = onnx.emit('Expand', [
      onnx.scalar(-1, 'float32'),
      onnx.ints([node.inputs[0]!.shape[0]!, 1]),
    ]);
    const inputs = [probabilities, column, minusOne];
    onnx.bind(node.outputs[0]!, onnx.emit('ScatterElements', inputs, { axis: 1, reduction: 'add' }));
  },
  eager: ({ logs, labels }) => {
    const oneHot = tf.cast(tf.oneHot(labels as never, logs!.shape[1]!), 'float32');
    return [tf.sub(tf.exp(logs!), oneHot)];
  },
};

/** x [a, n, b] with its entry `index` of the middle axis replaced by `column` [a, 1, b]. */
const WriteColumn: CompositeKernel = {
  args: ['x', 'column', 'index'],
  infer: ([x, column, index]) => {
    const [a, , b] = x!.shape;
    if (x!.shape.length !== 3 || String(column!.shape) !== String([a, 1, b]) || index!.shape.length !== 0)
      throw new Error(`x must be [a, n, b], column [a, 1, b] and index a scalar`);
    return [{ shape: x!.shape, dtype: x!.dtype }];
  },
  lower: (node, onnx) => {
    const [x, column, index] = onnx.names(node.inputs) as [string, string, string];
    const where = onnx.emit('Expand', [index, onnx.ints(node.inputs[1]!.shape)]);
    onnx.bind(node.outputs[0]!, onnx.emit('ScatterElements', [x, where, column], { axis: 1 }));
  },
  eager: ({ x, column, index }) => {
    const isHere = tf.equal(tf.range(0, x!.shape[1]!, 1, 'int32'), index!);
    const mask = tf.logicalOr(tf.reshape(isHere, [1, -1, 1]), tf.zeros(x!.shape, 'bool'));
    return [tf.where(mask, tf.tile(column!, [1, x!.shape[1]!, 1]), x!)];
  },
};

export const decoderKernels = {
  RmsNorm,
  RmsNormGrad,
  RotaryEmbedding,
  TokenLoss,
  TokenLossGrad,
  WriteColumn,
} as const;
