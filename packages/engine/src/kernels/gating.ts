/** Kernels of gated feed-forward layers. */
import { tf } from '../tf.ts';
import type { CompositeKernel, Kernel } from './kernel.ts';

const sameShapes =
  (outputs: number): Kernel['infer'] =>
  (inputs) => {
    const [first] = inputs;
    for (const one of inputs)
      if (String(one.shape) !== String(first!.shape))
        throw new Error(`gate and up must have one shape, got [${first!.shape}] and [${one.shape}]`);
    return Array.from({ length: outputs }, () => ({ shape: first!.shape, dtype: 'float32' as const }));
  };

/** y = gate σ(gate) up, σ the logistic function. */
const Swiglu: CompositeKernel = {
  args: ['gate', 'up'],
  infer: sameShapes(1),
  lower: (node, onnx) => {
    const [gate, up] = onnx.names(node.inputs) as [string, string];
    // x σ(alpha x), one pass.
    const silu = onnx.emit('QuickGelu', [gate], { alpha: { float: 1 } }, 'com.microsoft');
    onnx.bind(node.outputs[0]!, onnx.emit('Mul', [silu, up]));
  },
  eager: ({ gate, up }) => [tf.mul(tf.mul(gate!, tf.sigmoid(gate!)), up!)],
};

/** dgate = dy up σ (1 + gate - gate σ), dup = dy gate σ. */
const SwigluGrad: CompositeKernel = {
  args: ['dy', 'gate', 'up'],
  infer: sameShapes(2),
  lower: (node, onnx) => {
    const [dy, gate, up] = onnx.names(node.inputs) as [string, string, string];
    const [dgate, dup] = node.outputs;
    const sigma = onnx.emit('Sigmoid', [gate]);
    const silu = onnx.emit('Mul', [gate, sigma]);
    onnx.bind(dup!, onnx.emit('Mul', [dy, silu]));
    const rest = onnx.emit('Add', [onnx.emit('Sub', [gate, silu]), onnx.scalar(1, 'float32')]);
    const slope = onnx.emit('Mul', [sigma, rest]);
    onnx.bind(dgate!, onnx.emit('Mul', [onnx.emit('Mul', [dy, up]), slope]));
  },
  eager: ({ dy, gate, up }) => {
    const sigma = tf.sigmoid(gate!);
    const silu = tf.mul(gate!, sigma);
    const slope = tf.mul(sigma, tf.add(tf.sub(gate!, silu), 1));
    return [tf.mul(tf.mul(dy!, up!), slope), tf.mul(dy!, silu)];
  },
};

export const gatingKernels = { Swiglu, SwigluGrad } as const;
