/** Kernels that compute nothing new: marks and roundings that passes put in or read. */
import type { Value } from '../ir/graph.ts';
import { bindNarrow } from '../onnx/narrow.ts';
import { HALF_TYPE } from '../onnx/proto.ts';
import { tf } from '../tf.ts';
import { narrowBf16, narrowF16, widenBf16, widenF16 } from '../weights/half.ts';
import { attr, type CompositeKernel, type Kernel } from './kernel.ts';

const sameAsFirst: Kernel['infer'] = ([x]) => [{ shape: x!.shape, dtype: 'float32' }];

/** The identity, as the mark of number `mark`; `isGradient` on the way back. See `checkpoint` of `ops/checkpoint.ts`. */
const Checkpoint: CompositeKernel = {
  args: ['x'],
  infer: sameAsFirst,
  lower: (node, onnx) => onnx.bind(node.outputs[0]!, onnx.name(node.inputs[0]!)),
  eager: ({ x }) => [tf.clone(x!)],
};

/** x rounded to the nearest value of the 16-bit type `to` ("bf16" or "f16"), as float32. */
const RoundTo: CompositeKernel = {
  args: ['x'],
  infer: sameAsFirst,
  lower: (node, onnx) => {
    const [x] = node.inputs as [Value];
    const [y] = node.outputs as [Value];
    const roundTo = attr<'bf16' | 'f16'>(node, 'to');
    const weight = onnx.narrow(x);
    // Each reader of a narrow weight makes its float32 values, and rounds them then.
    if (weight !== undefined) return bindNarrow(y, { ...weight, roundTo }, onnx);
    const to = HALF_TYPE[roundTo];
    const before = onnx.half(x);
    if (before?.type === to) return onnx.bindHalf(y, before);
    const half = onnx.emit('Cast', [onnx.name(x)], { to });
    if (onnx.target.multipliesHalves) onnx.bindHalf(y, { name: half, type: to });
    else onnx.bind(y, onnx.cast(half, 'float32'));
  },
  eager: ({ x }, attrs) => {
    const data = x!.dataSync() as Float32Array;
    const rounded = attrs.to === 'bf16' ? widenBf16(narrowBf16(data)) : widenF16(narrowF16(data));
    return [tf.tensor(rounded, x!.shape, 'float32')];
  },
};

export const passKernels = { Checkpoint, RoundTo } as const;
