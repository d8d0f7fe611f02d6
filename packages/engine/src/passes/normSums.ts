/** What is added to the gradient of a normalisation - that of the residual stream beside it - its kernel adds. */
import type { Graph, GraphNode } from '../ir/graph.ts';
import { sameShape } from '../ir/graph.ts';
import { type Pass, producers, readersOf } from './rewrite.ts';

const GRADIENTS = new Set(['LayerNormGrad', 'RmsNormGrad']);

/** For graphs whose operators may be kernels of our own. */
export const normSums: Pass = {
  name: 'norm sums',
  run(graph): Graph {
    const made = producers(graph);
    const readers = readersOf(graph);
    const results = new Set(graph.outputs.values());
    const gone = new Set<GraphNode>();
    const nodes = graph.nodes.map((node) => {
      if (node.op !== 'Add') return node;
      const [y] = node.outputs;
      for (const at of [0, 1]) {
        const value = node.inputs[at]!;
        const other = node.inputs[1 - at]!;
        const norm = made.get(value);
        const isOwn = norm !== undefined && GRADIENTS.has(norm.op) && !gone.has(norm);
        const isFull = sameShape(other.shape, y!.shape) && sameShape(value.shape, y!.shape);
        if (!isOwn || !isFull || other === value || readers.get(value)!.length > 1 || results.has(value))
          continue;
        gone.add(norm);
        return { ...norm, inputs: [...norm.inputs, other], outputs: node.outputs };
      }
      return node;
    });
    return gone.size === 0 ? graph : { ...graph, nodes: nodes.filter((node) => !gone.has(node)) };
  },
};
