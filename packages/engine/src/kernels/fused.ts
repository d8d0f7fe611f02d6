/** The node that `passes/fusion.ts` makes, and kernels of CUDA that stand for several ONNX nodes. */
import { type KernelSource, regionKernel } from '../cuda/kernelSource.ts';
import type { Attributes, GraphNode } from '../ir/graph.ts';
import type { Region } from '../ir/region.ts';
import { ONNX_DTYPE, type OnnxBuilder } from '../onnx/builder.ts';
import type { Kernel } from './kernel.ts';

export const regionOf = ({ attrs }: { readonly attrs: Attributes }): Region => attrs.region as Region;

/** Element-wise steps in one kernel. */
const Fused: Kernel = {
  infer: (_, attrs) => regionOf({ attrs }).outputs.map(({ shape }) => ({ shape, dtype: 'float32' as const })),
  lower: (node, onnx) => {
    const region = regionOf(node);
    const inputs = node.inputs.map((value) => {
      const half = onnx.half(value);
      return half ?? { name: onnx.name(value), type: ONNX_DTYPE[value.dtype] };
    });
    const kernel = regionKernel(
      region,
      inputs.map(({ type }) => type),
    );
    const outputs = onnx.emitKernel(
      kernel,
      inputs.map(({ name }) => name),
    );
    node.outputs.forEach((value, i) => {
      const { type } = kernel.outputs[i]!;
      if (region.outputs[i]!.half === undefined) onnx.bind(value, outputs[i]!);
      else onnx.bindHalf(value, { name: outputs[i]!, type });
    });
  },
};

/** Writes `kernel` for a node whose inputs are float32 and whose one output it computes. */
export function lowerAsKernel(node: GraphNode, onnx: OnnxBuilder, kernel: KernelSource): void {
  const [y] = node.outputs;
  const outputs = [{ ...kernel.outputs[0]!, shape: y!.shape }];
  onnx.bind(y!, onnx.emitKernel({ ...kernel, outputs }, onnx.names(node.inputs))[0]!);
}

export const fusedKernels = { Fused } as const;
