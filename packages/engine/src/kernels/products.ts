/** Matrix products. */
import type { Attributes, GraphNode, Value } from '../ir/graph.ts';
import { matMulShape, range } from '../ir/shapes.ts';
import type { Half, OnnxBuilder } from '../onnx/builder.ts';
import { halfOf, narrowProduct } from '../onnx/narrow.ts';
import { HALF_TYPE } from '../onnx/proto.ts';
import type { KernelTable, ValueType } from './kernel.ts';

function productType([a, b]: readonly Value[], attrs: Attributes): readonly ValueType[] {
  const shape = matMulShape(a!.shape, b!.shape, attrs.transposeA === true, attrs.transposeB === true);
  return [{ shape, dtype: 'float32' }];
}

/** As ONNX's Gemm and FusedMatMul name them: transposes, and a factor on the product. */
function productAttributes({ attrs }: GraphNode) {
  const alpha = attrs.alpha as number | undefined;
  return {
    transA: Number(attrs.transposeA === true),
    transB: Number(attrs.transposeB === true),
    ...(alpha === undefined ? {} : { alpha: { float: alpha } }),
  };
}

/** a b by the operator that takes their transposes; `names` are those of the operands. */
function product(node: GraphNode, names: readonly string[], onnx: OnnxBuilder): string {
  const [a, b] = node.inputs;
  const attributes = productAttributes(node);
  if (!attributes.transA && !attributes.transB && !('alpha' in attributes)) return onnx.emit('MatMul', names);
  if (a!.shape.length === 2 && b!.shape.length === 2) return onnx.emit('Gemm', names, attributes);
  return fusedMatMul(node, names, onnx);
}

function fusedMatMul(node: GraphNode, names: readonly string[], onnx: OnnxBuilder): string {
  const attributes = productAttributes(node);
  if (!onnx.target.lacks.has('FusedMatMul'))
    return onnx.emit('FusedMatMul', names, attributes, 'com.microsoft');
  const { transA, transB, alpha } = attributes;
  const turned = [transA, transB].map((isTurned, i) => {
    const { length } = node.inputs[i]!.shape;
    const perm = [...range(length - 2), length - 1, length - 2];
    return isTurned ? onnx.emit('Transpose', [names[i]!], { perm }) : names[i]!;
  });
  const y = onnx.emit('MatMul', turned);
  return alpha === undefined ? y : onnx.emit('Mul', [y, onnx.scalar(alpha.float, 'float32')]);
}

/**
 * a b of numbers of a 16-bit type, where those are multiplied as such: summed in float32, and rounded once to that type.
 * @returns undefined where the operands are not rounded, or the device does not
 */
function halfProduct(node: GraphNode, onnx: OnnxBuilder): Half | undefined {
  const type = node.attrs.operands as 'bf16' | 'f16' | undefined;
  if (type === undefined || !onnx.target.multipliesHalves) return undefined;
  const halves = node.inputs.slice(0, 2).map((value) => halfOf(value, type, onnx));
  return { name: product(node, halves, onnx), type: HALF_TYPE[type] };
}

function widened(half: Half | undefined, onnx: OnnxBuilder): string | undefined {
  return half && onnx.cast(half.name, 'float32');
}

export const products: KernelTable = {
  BatchMatMul: {
    args: ['a', 'b'],
    infer: productType,
    lower: (node, onnx) => {
      const [y] = node.outputs as [Value];
      const half = halfProduct(node, onnx);
      if (half !== undefined && onnx.target.hasKernels) return onnx.bindHalf(y, half);
      const narrow = widened(half, onnx) ?? narrowProduct(node, onnx);
      if (narrow !== undefined) return onnx.bind(y, narrow);
      onnx.bind(node.outputs[0]!, product(node, onnx.names(node.inputs), onnx));
    },
  },
  /** a b + bias, made by the passes (TensorFlow.js has no such kernel of its own). */
  Gemm: {
    args: ['a', 'b', 'bias'],
    infer: productType,
    lower: (node, onnx) => {
      const narrow = widened(halfProduct(node, onnx), onnx) ?? narrowProduct(node, onnx);
      const y =
        narrow === undefined
          ? onnx.emit('Gemm', onnx.names(node.inputs), productAttributes(node))
          : onnx.emit('Add', [narrow, onnx.name(node.inputs[2]!)]);
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
      const product = fusedMatMul(node, [a!, b!], onnx);
      onnx.bind(node.outputs[0]!, bias === undefined ? product : onnx.emit('Add', [product, bias]));
    },
  },
  Einsum: { reason: 'TensorFlow.js has no gradient for it; use matMul, reshape and transpose' },
};
