/** Nodes that compute once more what a graph has already, so that it need not be kept in between. */
import type { Graph, GraphNode, Value } from '../ir/graph.ts';
import type { LoopBody } from '../ir/loopBody.ts';
import type { freshValues } from './rewrite.ts';

const AGAIN = 'again';

/** Whether a graph or a loop in it has such nodes: nobody may then look for equal ones and join them. */
export function computesAgain({ nodes }: Graph): boolean {
  return nodes.some(
    ({ op, attrs }) => AGAIN in attrs || (op === 'Loop' && computesAgain((attrs.body as LoopBody).graph)),
  );
}

/**
 * Copies of nodes, which read each other where the nodes do.
 * @param nodes each behind those that it reads
 * @returns them, and what stands for a value among them: the value itself where no node makes it
 */
export function again(
  nodes: readonly GraphNode[],
  fresh: ReturnType<typeof freshValues>,
): { readonly nodes: GraphNode[]; readonly of: (value: Value) => Value } {
  const copies = new Map<Value, Value>();
  const of = (value: Value) => copies.get(value) ?? value;
  const copied = nodes.map((node) => {
    const outputs = node.outputs.map((output) => fresh(output));
    const inputs = node.inputs.map(of);
    for (const [i, output] of node.outputs.entries()) copies.set(output, outputs[i]!);
    return { ...node, inputs, outputs, attrs: { ...node.attrs, [AGAIN]: true } };
  });
  return { nodes: copied, of };
}
