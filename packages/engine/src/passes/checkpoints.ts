import type { Graph } from '../ir/graph.ts';
import { Substitution } from './rewrite.ts';

/** Takes the marks of `checkpoint` away. */
export function withoutCheckpoints(graph: Graph): Graph {
  if (!graph.nodes.some(({ op }) => op === 'Checkpoint')) return graph;
  const unmarked = new Substitution();
  for (const { op, inputs, outputs } of graph.nodes)
    if (op === 'Checkpoint') unmarked.set(outputs[0]!, inputs[0]!);
  return {
    ...graph,
    nodes: graph.nodes.filter(({ op }) => op !== 'Checkpoint').map((node) => unmarked.node(node)),
    outputs: unmarked.outputs(graph.outputs),
  };
}
