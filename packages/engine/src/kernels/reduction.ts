/** Reductions over some axes. */
import type { Attributes, Dtype } from '../ir/graph.ts';
import { normaliseAxes, reduced } from '../ir/shapes.ts';
import { attr, type Kernel, type KernelTable } from './kernel.ts';

/** TensorFlow.js names the axes `axis`, for Max `reductionIndices`. */
function reductionAxes(attrs: Attributes, rank: number): number[] {
  return normaliseAxes(attrs.axis ?? attrs.reductionIndices, rank);
}

function reduction(op: string, dtype?: Dtype): Kernel {
  return {
    args: ['x'],
    infer: ([x], attrs) => {
      const axes = reductionAxes(attrs, x!.shape.length);
      return [{ shape: reduced(x!.shape, axes, attrs.keepDims === true), dtype: dtype ?? x!.dtype }];
    },
    lower: (node, onnx) => {
      const [x] = node.inputs;
      const axes = reductionAxes(node.attrs, x!.shape.length);
      const keepdims = node.attrs.keepDims === true ? 1 : 0;
      // ONNX reduces every axis when the list is empty; TensorFlow.js then reduces none.
      const y =
        axes.length === 0
          ? onnx.emit('Identity', [onnx.name(x!)])
          : onnx.emit(op, [onnx.name(x!), onnx.ints(axes)], { keepdims });
      onnx.bind(node.outputs[0]!, y);
    },
  };
}

/** Logical reduction: over bool, which ONNX reduces as numbers. */
function logical(op: string): Kernel {
  const kernel = reduction(op, 'bool');
  return {
    ...kernel,
    lower: (node, onnx) => {
      const [x] = node.inputs;
      const axes = reductionAxes(node.attrs, x!.shape.length);
      const keepdims = node.attrs.keepDims === true ? 1 : 0;
      const number = onnx.cast(onnx.name(x!), 'int32');
      onnx.bind(node.outputs[0]!, onnx.cast(onnx.emit(op, [number, onnx.ints(axes)], { keepdims }), 'bool'));
    },
  };
}

function argument(op: string): Kernel {
  return {
    args: ['x'],
    infer: ([x], attrs) => {
      const axes = reductionAxes(attrs, x!.shape.length);
      return [{ shape: reduced(x!.shape, axes, false), dtype: 'int32' }];
    },
    lower: (node, onnx) => {
      const axis = normaliseAxes(attr(node, 'axis'), node.inputs[0]!.shape.length)[0]!;
      const index = onnx.emit(op, [onnx.name(node.inputs[0]!)], { axis, keepdims: 0 });
      onnx.bind(node.outputs[0]!, onnx.cast(index, 'int32'));
    },
  };
}

export const reductions: KernelTable = {
  Sum: reduction('ReduceSum'),
  Mean: reduction('ReduceMean', 'float32'),
  Max: reduction('ReduceMax'),
  Min: reduction('ReduceMin'),
  Prod: reduction('ReduceProd'),
  All: logical('ReduceMin'),
  Any: logical('ReduceMax'),
  ArgMax: argument('ArgMax'),
  ArgMin: argument('ArgMin'),
  Cumsum: {
    args: ['x'],
    infer: ([x]) => [{ shape: x!.shape, dtype: x!.dtype }],
    lower: (node, onnx) => {
      const axis = normaliseAxes(attr(node, 'axis'), node.inputs[0]!.shape.length)[0]!;
      const flags = { exclusive: Number(attr(node, 'exclusive')), reverse: Number(attr(node, 'reverse')) };
      onnx.bind(
        node.outputs[0]!,
        onnx.emit('CumSum', [onnx.name(node.inputs[0]!), onnx.intScalar(axis)], flags),
      );
    },
  },
};
