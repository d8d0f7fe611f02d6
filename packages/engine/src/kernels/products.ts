/** Matrix products. */
import type { Attributes, GraphNode, Value } from '../ir/graph.ts';
import { matMulShape } from '../ir/shapes.ts';
import { narrowProduct } from '../onnx/narrow.ts';
import type { KernelTable, ValueType } from './kernel.ts';

function productType([a, b]: readonly Value[], attrs: Attributes): readonly ValueType[] {
  const shape = matMulShape(a!.shape, b!.shape, attrs.transposeA === true, attrs.transposeB === true);
  return [{ shape, dtype: 'float32' }];
}

/** As ONNX's Gemm and FusedMatMul name them. */
function transposes({ attrs }: GraphNode) {
  return { transA: Number(attrs.transposeA === true), transB: Number(attrs.transposeB === true) };
}

export const products: KernelTable = {
  BatchMatMul: {
    args: ['a', 'b'],
    infer: productType,
    lower: (node, onnx) => {
      const narrow = narrowProduct(node, onnx);
      if (narrow !== undefined) return onnx.bind(node.outputs[0]!, narrow);
      const [a, b] = node.inputs;
      const { transA, transB } = transposes(node);
      const names = onnx.names(node.inputs);
      let y: string;
      if (!transA && !transB) y = onnx.emit('MatMul', names);
      else if (a!.shape.length === 2 && b!.shape.length === 2)
        y = onnx.emit('Gemm', names, { transA, transB });
      else y = onnx.emit('FusedMatMul', names, { transA, transB }, 'com.microsoft');
      onnx.bind(node.outputs[0]!, y);
    },
  },
  /** a b + bias, made by the passes (TensorFlow.js has no such kernel of its own). */
  Gemm: {
    args: ['a', 'b', 'bias'],
    infer: productType,
    lower: (node, onnx) => {
      const product = narrowProduct(node, onnx);
      const y =
        product === undefined
          ? onnx.emit('Gemm', onnx.names(node.inputs), transposes(node))
          : onnx.emit('Add', [product, onnx.name(node.inputs[2]!)]);
      onnx.bind(node.outputs[0]!, y);
    },
  },
  _FusedMatMul: {
    args: ['a', 'b', 'bias'],
    infer: (inputs, attrs) => {
      if (attrs.activation !== undefined && attrs.activation !== 'linear')
        throw new Error(
          `a fused activation (${attrs.activation}) is not supported; apply it after the product`,
        );
      return productType(inputs, attrs);
    },
    lower: (node, onnx) => {
      const [a, b, bias] = onnx.names(node.inputs);
      const product = onnx.emit('FusedMatMul', [a!, b!], transposes(node), 'com.microsoft');
      onnx.bind(node.outputs[0]!, bias === undefined ? product : onnx.emit('Add', [product, bias]));
    },
  },
  Einsum: { reason: 'TensorFlow.js has no gradient for it; use matMul, reshape and transpose' },
};
