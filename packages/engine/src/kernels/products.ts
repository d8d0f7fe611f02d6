/** Matrix products. */
import { matMulShape } from '../ir/shapes.ts';
import { attr, type KernelTable } from './kernel.ts';

export const products: KernelTable = {
  BatchMatMul: {
    args: ['a', 'b'],
    infer: ([a, b], attrs) => [
      {
        shape: matMulShape(a!.shape, b!.shape, attrs.transposeA === true, attrs.transposeB === true),
        dtype: 'float32',
      },
    ],
    lower: (node, onnx) => {
      const [a, b] = node.inputs;
      const transA = Number(attr(node, 'transposeA') === true);
      const transB = Number(attr(node, 'transposeB') === true);
      const names = [onnx.name(a!), onnx.name(b!)];
      let y: string;
      if (!transA && !transB) y = onnx.emit('MatMul', names);
      else if (a!.shape.length === 2 && b!.shape.length === 2)
        y = onnx.emit('Gemm', names, { transA, transB });
      else y = onnx.emit('FusedMatMul', names, { transA, transB }, 'com.microsoft');
      onnx.bind(node.outputs[0]!, y);
    },
  },
  /** alpha a b + bias, made by the passes (TensorFlow.js has no such kernel of its own). */
  Gemm: {
    args: ['a', 'b', 'bias'],
    infer: ([a, b], attrs) => [
      {
        shape: matMulShape(a!.shape, b!.shape, attrs.transposeA === true, attrs.transposeB === true),
        dtype: 'float32',
      },
    ],
    lower: (node, onnx) => {
      const attributes = {
        transA: Number(attr(node, 'transposeA') === true),
        transB: Number(attr(node, 'transposeB') === true),
        alpha: { float: attr<number | undefined>(node, 'alpha') ?? 1 },
      };
      onnx.bind(
        node.outputs[0]!,
        onnx.emit(
          'Gemm',
          node.inputs.map((value) => onnx.name(value)),
          attributes,
        ),
      );
    },
  },
  _FusedMatMul: {
    args: ['a', 'b', 'bias'],
    infer: ([a, b], attrs) => {
      if (attrs.activation !== undefined && attrs.activation !== 'linear')
        throw new Error(
          `a fused activation (${attrs.activation}) is not supported; apply it after the product`,
        );
      return [
        {
          shape: matMulShape(a!.shape, b!.shape, attrs.transposeA === true, attrs.transposeB === true),
          dtype: 'float32',
        },
      ];
    },
    lower: (node, onnx) => {
      const [a, b, bias] = node.inputs;
      const attributes = {
        transA: Number(attr(node, 'transposeA') === true),
        transB: Number(attr(node, 'transposeB') === true),
      };
      const product = onnx.emit('FusedMatMul', [onnx.name(a!), onnx.name(b!)], attributes, 'com.microsoft');
      onnx.bind(node.outputs[0]!, bias ? onnx.emit('Add', [product, onnx.name(bias)]) : product);
    },
  },
  Einsum: { reason: 'TensorFlow.js has no gradient for it; use matMul, reshape and transpose' },
};
