/**
 * Kernels of our own, beside those of TensorFlow.js: operations that ONNX has as one node, or whose gradient is
 * cheaper by hand. Each runs eagerly on every tfjs backend (its `eager` form is built from ordinary tfjs operations)
 * and lowers to ONNX; `ops/` holds the differentiable functions that call them.
 */
import { inverseKernel } from '../cuda/inverseKernel.ts';
import { layerNormGradKernel, layerNormKernel } from '../cuda/normKernels.ts';
import { newtonInverse } from '../onnx/newtonInverse.ts';
import { tf } from '../tf.ts';
import { decoderKernels } from './decoder.ts';
import { dropoutKernels } from './dropout.ts';
import { gradientTypes, lowerAsKernel, normGradient } from './fused.ts';
import { gatingKernels } from './gating.ts';
import { attr, type CompositeKernel, type Kernel } from './kernel.ts';
import { passKernels } from './pass.ts';

const SQRT_HALF = Math.SQRT1_2;
/** 1 / sqrt(2 pi): the density of the standard normal at 0. */
const NORMAL_AT_ZERO = 0.3989422804014327;

const sameAsFirst: Kernel['infer'] = ([x]) => [{ shape: x!.shape, dtype: 'float32' }];

/** y = x Φ(x), Φ the standard normal distribution function (the exact GELU). */
const Gelu: CompositeKernel = {
  args: ['x'],
  infer: sameAsFirst,
  lower: (node, onnx) => onnx.bind(node.outputs[0]!, onnx.emit('Gelu', [onnx.name(node.inputs[0]!)])),
  eager: ({ x }) => [tf.mul(tf.mul(x!, 0.5), tf.add(tf.erf(tf.mul(x!, SQRT_HALF)), 1))],
};

/** dx = dy (Φ(x) + x φ(x)), φ the standard normal density. */
const GeluGrad: CompositeKernel = {
  args: ['dy', 'x'],
  infer: sameAsFirst,
  lower: (node, onnx) => {
    const [dy, x] = onnx.names(node.inputs);
    const f32 = (value: number) => onnx.scalar(value, 'float32');
    // Each node is a pass over the widest tensors of a model: as few of them, reading as little, as the operators allow.
    const scaled = onnx.emit('Mul', [x!, f32(SQRT_HALF)]);
    const half = { alpha: { float: 0.5 }, beta: { float: 0.5 } };
    const cdf = onnx.emit('HardSigmoid', [onnx.emit('Erf', [scaled])], half);
    // x exp(-x²/2); where the exponential overflows, the quotient is 0 as it should be.
    const bell = onnx.emit('Div', [x!, onnx.emit('Exp', [onnx.emit('Mul', [scaled, scaled])])]);
    const slope = onnx.emit('Add', [cdf, onnx.emit('Mul', [bell, f32(NORMAL_AT_ZERO)])]);
    onnx.bind(node.outputs[0]!, onnx.emit('Mul', [slope, dy!]));
  },
  eager: ({ dy, x }) => {
    const cdf = tf.add(tf.mul(tf.erf(tf.mul(x!, SQRT_HALF)), 0.5), 0.5);
    const density = tf.mul(tf.exp(tf.mul(tf.square(x!), -0.5)), NORMAL_AT_ZERO);
    return [tf.mul(tf.add(tf.mul(density, x!), cdf), dy!)];
  },
};

/** y = gamma (x - mean) invStd + beta over the last axis, with mean and invStd kept for the gradient. */
const LayerNorm: CompositeKernel = {
  args: ['x', 'gamma', 'beta'],
  infer: ([x, gamma, beta]) => {
    const width = x!.shape.at(-1)!;
    for (const one of [gamma!, beta!])
      if (one.shape.length !== 1 || one.shape[0] !== width)
        throw new Error(`gamma and beta must be [${width}], got [${one.shape}]`);
    const rows = [...x!.shape.slice(0, -1), 1];
    return [x!.shape, rows, rows].map((shape) => ({ shape, dtype: 'float32' as const }));
  },
  lower: (node, onnx) => {
    const epsilon = attr<number>(node, 'epsilon');
    if (onnx.target.hasKernels)
      return lowerAsKernel(node, onnx, layerNormKernel(node.inputs[0]!.shape, epsilon));
    const names = onnx.names(node.inputs);
    const attributes = { axis: -1, epsilon: { float: epsilon } };
    const outputs = onnx.emitMany('LayerNormalization', names, 3, attributes);
    node.outputs.forEach((value, i) => {
      onnx.bind(value, outputs[i]!);
    });
  },
  eager: ({ x, gamma, beta }, attrs) => {
    const mean = tf.mean(x!, -1, true);
    const centred = tf.sub(x!, mean);
    const variance = tf.mean(tf.square(centred), -1, true);
    const invStd = tf.rsqrt(tf.add(variance, attrs.epsilon as number));
    return [tf.add(tf.mul(tf.mul(centred, invStd), gamma!), beta!), mean, invStd];
  },
};

/** dx = invStd (g - mean(g) - x̂ mean(g x̂)), g = dy gamma, x̂ the normalised x, means over the last axis. */
const LayerNormGrad: CompositeKernel = {
  args: ['dy', 'x', 'gamma', 'mean', 'invStd'],
  infer: gradientTypes,
  lower: (node, onnx) => {
    if (onnx.target.hasKernels)
      return lowerAsKernel(node, onnx, layerNormGradKernel(node.outputs[0]!.shape, normGradient(node, 5)));
    const [dy, x, gamma, mean, invStd] = onnx.names(node.inputs);
    const last = onnx.ints([-1]);
    const rowMean = (y: string) => onnx.emit('ReduceMean', [y, last], { keepdims: 1 });
    const normal = onnx.emit('Mul', [onnx.emit('Sub', [x!, mean!]), invStd!]);
    const g = onnx.emit('Mul', [dy!, gamma!]);
    const along = onnx.emit('Mul', [normal, rowMean(onnx.emit('Mul', [g, normal]))]);
    const centred = onnx.emit('Sub', [onnx.emit('Sub', [g, rowMean(g)]), along]);
    onnx.bind(node.outputs[0]!, onnx.emit('Mul', [centred, invStd!]));
  },
  eager: ({ dy, x, gamma, mean, invStd }) => {
    const normal = tf.mul(tf.sub(x!, mean!), invStd!);
    const g = tf.mul(dy!, gamma!);
    const along = tf.mul(normal, tf.mean(tf.mul(g, normal), -1, true));
    return [tf.mul(tf.sub(tf.sub(g, tf.mean(g, -1, true)), along), invStd!)];
  },
};

/** Inverse of each matrix of a batch. */
const MatrixInverse: CompositeKernel = {
  args: ['x'],
  infer: ([x]) => {
    const [rows, columns] = x!.shape.slice(-2);
    if (x!.shape.length < 2 || rows !== columns)
      throw new Error(`matrices must be square, got [${x!.shape}]`);
    return [{ shape: x!.shape, dtype: 'float32' }];
  },
  lower: (node, onnx) => {
    if (onnx.target.hasKernels) return lowerAsKernel(node, onnx, inverseKernel(node.outputs[0]!.shape));
    const x = onnx.name(node.inputs[0]!);
    const y = onnx.target.lacks.has('Inverse')
      ? newtonInverse(x, node.inputs[0]!.shape, onnx)
      : onnx.emit('Inverse', [x], {}, 'com.microsoft');
    onnx.bind(node.outputs[0]!, y);
  },
  eager: ({ x }) => {
    const n = x!.shape.at(-1)!;
    return [tf.tensor(invertBatch(x!.dataSync() as Float32Array, n), x!.shape, 'float32')];
  },
};

export const composites = {
  Gelu,
  GeluGrad,
  LayerNorm,
  LayerNormGrad,
  MatrixInverse,
  ...decoderKernels,
  ...dropoutKernels,
  ...gatingKernels,
  ...passKernels,
} as const;

/** Gauss-Jordan elimination with partial pivoting, in double precision. @throws on an exactly singular matrix. */
export function invertBatch(data: Float32Array, n: number): Float32Array {
  const result = new Float32Array(data.length);
  const left = new Float64Array(n * n);
  const right = new Float64Array(n * n);
  for (let at = 0; at < data.length; at += n * n) {
    left.set(data.subarray(at, at + n * n));
    right.fill(0);
    for (let i = 0; i < n; i++) right[i * n + i] = 1;
    for (let column = 0; column < n; column++) {
      let pivot = column;
      for (let row = column + 1; row < n; row++)
        if (Math.abs(left[row * n + column]!) > Math.abs(left[pivot * n + column]!)) pivot = row;
      const head = left[pivot * n + column]!;
      if (head === 0) throw new Error(`matrix ${at / (n * n)} of the batch is singular: it has no inverse`);
      for (const matrix of [left, right]) {
        swapRows(matrix, n, pivot, column);
        for (let j = 0; j < n; j++) matrix[column * n + j]! /= head;
      }
      for (let row = 0; row < n; row++) {
        const factor = left[row * n + column]!;
        if (row === column || factor === 0) continue;
        for (let j = 0; j < n; j++) {
          left[row * n + j]! -= factor * left[column * n + j]!;
          right[row * n + j]! -= factor * right[column * n + j]!;
        }
      }
    }
    result.set(right, at);
  }
  return result;
}

function swapRows(matrix: Float64Array, n: number, a: number, b: number): void {
  if (a === b) return;
  const copy = matrix.slice(a * n, (a + 1) * n);
  matrix.copyWithin(a * n, b * n, (b + 1) * n);
  matrix.set(copy, b * n);
}
