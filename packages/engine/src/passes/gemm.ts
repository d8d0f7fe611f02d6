import type { GraphNode, Value } from '../ir/graph.ts';
import { type Pass, producers, useCounts } from './rewrite.ts';

/** a b + bias of a two-dimensional product that nothing else reads becomes one Gemm. */
export const gemm: Pass = {
  name: 'bias into Gemm',
  run(graph) {
    const made = producers(graph);
    const uses = useCounts(graph);
    const absorbed = new Set<GraphNode>();
    const fused = new Map<GraphNode, GraphNode>();
    for (const node of graph.nodes) {
      if (node.op !== 'Add') continue;
      const [first, second] = node.inputs as [Value, Value];
      for (const [product, bias] of [
        [first, second],
        [second, first],
      ] as const) {
        const inner = made.get(product);
        const width = product.shape[1];
        if (inner?.op !== 'BatchMatMul' || product.shape.length !== 2 || uses.get(product) !== 1) continue;
        if (absorbed.has(inner) || bias.shape.length !== 1 || bias.shape[0] !== width) continue;
        absorbed.add(inner);
        fused.set(node, { ...node, op: 'Gemm', inputs: [...inner.inputs, bias], attrs: inner.attrs });
        break;
      }
    }
    if (fused.size === 0) return graph;
    const nodes = graph.nodes.filter((node) => !absorbed.has(node)).map((node) => fused.get(node) ?? node);
    return { ...graph, nodes };
  },
};
