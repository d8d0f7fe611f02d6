import type { GraphNode, Value } from '../ir/graph.ts';
import type { Pass } from './rewrite.ts';

/** Drops nodes, constants and weights that no output needs. */
export const deadCode: Pass = {
  name: 'dead code',
  run(graph) {
    const live = new Set<Value>(graph.outputs.values());
    const nodes: GraphNode[] = [];
    for (let i = graph.nodes.length - 1; i >= 0; i--) {
      const node = graph.nodes[i]!;
      if (!node.outputs.some((output) => live.has(output))) continue;
      for (const input of node.inputs) live.add(input);
      nodes.push(node);
    }
    const constants = new Map([...graph.constants].filter(([value]) => live.has(value)));
    const weights = new Map([...graph.weights].filter(([, value]) => live.has(value)));
    const unchanged =
      nodes.length === graph.nodes.length &&
      constants.size === graph.constants.size &&
      weights.size === graph.weights.size;
    return unchanged ? graph : { ...graph, nodes: nodes.reverse(), constants, weights };
  },
};
