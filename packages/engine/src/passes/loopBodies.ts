import type { Graph, GraphNode, Value } from '../ir/graph.ts';
import { LoopBody } from '../ir/loopBody.ts';
import type { Pass } from './rewrite.ts';

/** Optimises the bodies of loops, and takes away the inputs that they no longer read. */
export function loopBodies(optimise: (graph: Graph) => Graph): Pass {
  return {
    name: 'loop bodies',
    run(graph) {
      if (!graph.nodes.some(({ op }) => op === 'Loop')) return graph;
      return {
        ...graph,
        nodes: graph.nodes.map((node) => (node.op === 'Loop' ? slim(node, optimise) : node)),
      };
    },
  };
}

function slim(node: GraphNode, optimise: (graph: Graph) => Graph): GraphNode {
  const body = optimise((node.attrs.body as LoopBody).graph);
  const read = new Set<Value>([...body.nodes.flatMap(({ inputs }) => inputs), ...body.outputs.values()]);
  const [[stepName, step], ...rest] = [...body.inputs] as [[string, Value], ...[string, Value][]];
  const states = node.outputs.length;
  const kept = rest.map(([, value], i) => i < states || read.has(value));
  const inputs = new Map([[stepName, step] as [string, Value], ...rest.filter((_, i) => kept[i])]);
  return {
    ...node,
    inputs: node.inputs.filter((_, i) => kept[i]),
    attrs: { ...node.attrs, body: new LoopBody({ ...body, inputs }) },
  };
}
