/** The body of a `Loop` node as an ONNX graph. */
import type { GraphNode } from '../ir/graph.ts';
import { typeText } from '../ir/graph.ts';
import { kernelFor } from '../kernels/index.ts';
import { loopParts } from '../kernels/loop.ts';
import { planExecution } from '../memory/order.ts';
import { ONNX_DTYPE, type OnnxBuilder } from './builder.ts';
import { type OnnxBody, OnnxType } from './proto.ts';

/** What the body reads from outside goes by its name there: ONNX lets it through. */
export function lowerBody(node: GraphNode, outer: OnnxBuilder): OnnxBody {
  const { graph, step, inputs, isDone, next } = loopParts(node);
  const onnx = outer.inner();
  const name = onnx.temporary();
  const stateInfo = inputs.slice(0, next.length).map((value, i) => {
    onnx.bind(value, `${name}:state${i}`);
    return { name: `${name}:state${i}`, type: ONNX_DTYPE[value.dtype], dims: value.shape };
  });
  inputs.slice(next.length).forEach((value, i) => {
    onnx.alias(value, node.inputs[1 + next.length + i]!);
  });
  onnx.bind(step, onnx.emit('Cast', [`${name}:step`], { to: OnnxType.INT32 }));
  const { anchored } = planExecution(graph);
  for (const inner of graph.nodes) {
    kernelFor(inner.op, inner.inputs.map(typeText).join(', ')).lower(inner, onnx);
    if (anchored.has(inner)) onnx.emit('Size', [onnx.name(inner.outputs[0]!)]);
  }
  const goOn = onnx.emit('Not', [onnx.name(isDone)]);
  // An Identity: a body's output must be computed in the body, and under a name of its own.
  const outputs = next.map((value) => ({
    name: onnx.emit('Identity', [onnx.name(value)]),
    type: ONNX_DTYPE[value.dtype],
    dims: value.shape,
  }));
  return {
    name,
    inputs: [
      { name: `${name}:step`, type: OnnxType.INT64, dims: [] },
      { name: `${name}:goOn`, type: OnnxType.BOOL, dims: [] },
      ...stateInfo,
    ],
    outputs: [{ name: goOn, type: OnnxType.BOOL, dims: [] }, ...outputs],
    // In order, unlike the whole model: ONNX Runtime refuses any other in a body.
    nodes: onnx.nodes,
  };
}
