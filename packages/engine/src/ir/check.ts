/** A checker of graphs, independent of the tracer: re-derives every output type and the order of definitions. */
import { inferNode } from '../kernels/index.ts';
import { type Graph, sameShape, sizeOf, typeText, type Value } from './graph.ts';
import type { LoopBody } from './loopBody.ts';

/** @throws Error naming the first node that reads an undefined value or whose outputs have other types than stated. */
export function checkGraph(graph: Graph): void {
  const defined = new Set<Value>([
    ...graph.inputs.values(),
    ...graph.weights.values(),
    ...graph.constants.keys(),
  ]);
  for (const [value, data] of graph.constants)
    if (data.length !== sizeOf(value.shape))
      throw new Error(`constant ${value.id}: ${data.length} elements for ${typeText(value)}`);
  for (const node of graph.nodes) {
    for (const input of node.inputs)
      if (!defined.has(input)) throw new Error(`${node.op} reads value ${input.id} before it is defined`);
    if (node.op === 'Loop') checkGraph((node.attrs.body as LoopBody).graph);
    const types = inferNode(node);
    node.outputs.forEach((output, i) => {
      const type = types[i];
      if (type === undefined || type.dtype !== output.dtype || !sameShape(type.shape, output.shape))
        throw new Error(
          `${node.op} output ${i} is stated as ${typeText(output)} but computes ${type?.dtype}[${type?.shape}]`,
        );
      if (defined.has(output)) throw new Error(`${node.op} defines value ${output.id} a second time`);
      defined.add(output);
    });
  }
  for (const [name, output] of graph.outputs)
    if (!defined.has(output)) throw new Error(`output "${name}" is never computed`);
}
