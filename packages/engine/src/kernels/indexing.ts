/** Kernels that read or write by index. */
import { normaliseAxes } from '../ir/shapes.ts';
import { pickedRows } from '../onnx/narrow.ts';
import { attr, type KernelTable } from './kernel.ts';

export const indexing: KernelTable = {
  GatherV2: {
    args: ['x', 'indices'],
    infer: ([x, indices], attrs) => {
      if (((attrs.batchDims as number | undefined) ?? 0) !== 0)
        throw new Error(
          `batchDims=${attrs.batchDims} has no gradient in TensorFlow.js; flatten the batch axes`,
        );
      const axis = normaliseAxes(attrs.axis ?? 0, x!.shape.length)[0]!;
      return [
        {
          shape: [...x!.shape.slice(0, axis), ...indices!.shape, ...x!.shape.slice(axis + 1)],
          dtype: x!.dtype,
        },
      ];
    },
    lower: (node, onnx) => {
      const [x, indices] = node.inputs;
      const axis = normaliseAxes(node.attrs.axis ?? 0, x!.shape.length)[0]!;
      const at = onnx.name(indices!);
      const y = pickedRows(x!, at, axis, onnx) ?? onnx.emit('Gather', [onnx.name(x!), at], { axis });
      onnx.bind(node.outputs[0]!, y);
    },
  },
  /** Rows of x added up by segment: the gradient of a gather along the first axis. */
  UnsortedSegmentSum: {
    args: ['x', 'segmentIds'],
    infer: ([x, ids], attrs) => {
      if (ids!.shape.length !== 1)
        throw new Error(`segment ids must be one-dimensional, got [${ids!.shape}]`);
      return [{ shape: [attrs.numSegments as number, ...x!.shape.slice(1)], dtype: x!.dtype }];
    },
    lower: (node, onnx) => {
      const [x, ids] = node.inputs;
      const y = node.outputs[0]!;
      const zeros = onnx.emit('Expand', [onnx.scalar(0, y.dtype), onnx.ints(y.shape)]);
      // Of int32: WebGPU moves no int64.
      const column = onnx.castToInt64(onnx.emit('Unsqueeze', [onnx.name(ids!), onnx.ints([1])]));
      onnx.bind(y, onnx.emit('ScatterND', [zeros, column, onnx.name(x!)], { reduction: 'add' }));
    },
  },
  OneHot: {
    args: ['indices'],
    infer: ([indices], attrs) => [
      {
        shape: [...indices!.shape, attrs.depth as number],
        dtype: (attrs.dtype as 'float32' | 'int32' | undefined) ?? 'float32',
      },
    ],
    lower: (node, onnx) => {
      const y = node.outputs[0]!;
      const classes = Int32Array.from({ length: attr<number>(node, 'depth') }, (_, i) => i);
      const column = onnx.emit('Unsqueeze', [onnx.name(node.inputs[0]!), onnx.ints([-1])]);
      const isHot = onnx.emit('Equal', [column, onnx.constant(classes, [classes.length])]);
      const [on, off] = ['onValue', 'offValue'].map((key) => onnx.scalar(attr<number>(node, key), y.dtype));
      // ONNX's OneHot wants int64 on CPU, gives float32 only, and WebGPU has none.
      onnx.bind(y, onnx.emit('Where', [isHot, on!, off!]));
    },
  },
  GatherNd: { reason: 'TensorFlow.js has no gradient for it; gather along one axis of a reshaped tensor' },
  StridedSlice: { reason: 'TensorFlow.js has no gradient for it; use slice' },
  Where: { reason: 'its output shape depends on the data; compute a mask instead' },
  /** The k largest of the last axis and where they stand, the largest first, of equals the first. No gradient. */
  TopK: {
    args: ['x'],
    infer: ([x], attrs) => {
      const [k, size] = [attrs.k as number, x!.shape.at(-1)!];
      if (!(k >= 1 && k <= size)) throw new Error(`k must be from 1 to ${size}, got ${k}`);
      const shape = [...x!.shape.slice(0, -1), k];
      return [
        { shape, dtype: x!.dtype },
        { shape, dtype: 'int32' },
      ];
    },
    lower: (node, onnx) => {
      const inputs = [onnx.name(node.inputs[0]!), onnx.ints([attr<number>(node, 'k')])];
      const [values, indices] = onnx.emitMany('TopK', inputs, 2, { axis: -1 });
      onnx.bind(node.outputs[0]!, values!);
      onnx.bind(node.outputs[1]!, onnx.cast(indices!, 'int32'));
    },
  },
};
