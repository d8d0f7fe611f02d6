import type { Graph, GraphNode, Value } from '../ir/graph.ts';
import { LoopBody } from '../ir/loopBody.ts';
import type { Pass } from './rewrite.ts';

/**
 * Optimises the bodies of loops, computes before the loop what is the same at each of its steps, and takes away the
 * inputs that a body no longer reads.
 */
export function loopBodies(optimise: (graph: Graph) => Graph): Pass {
  return {
    name: 'loop bodies',
    run(graph) {
      if (!graph.nodes.some(({ op }) => op === 'Loop')) return graph;
      const nodes = graph.nodes.flatMap((node) => (node.op === 'Loop' ? outOf(node, optimise) : [node]));
      return { ...graph, nodes };
    },
  };
}

/** The nodes that can be computed before the loop, and the loop. */
function outOf(node: GraphNode, optimise: (graph: Graph) => Graph): GraphNode[] {
  const body = optimise((node.attrs.body as LoopBody).graph);
  const [[stepName, step], ...rest] = [...body.inputs] as [[string, Value], ...[string, Value][]];
  const states = node.outputs.length;
  const captured = rest.slice(states);
  /** What a value of the body is outside of it, for those that no step changes. */
  const outside = new Map(captured.map(([, value], i) => [value, node.inputs[1 + states + i]!]));
  const before: GraphNode[] = [];
  const inside: GraphNode[] = [];
  for (const one of body.nodes) {
    if (!one.inputs.every((input) => outside.has(input))) {
      inside.push(one);
      continue;
    }
    // The body's own values serve outside: nothing else has them.
    before.push({ ...one, inputs: one.inputs.map((input) => outside.get(input)!) });
    for (const output of one.outputs) outside.set(output, output);
  }
  const defined = new Set([step, ...rest.slice(0, states).map(([, value]) => value)]);
  for (const one of inside) for (const output of one.outputs) defined.add(output);
  const read = new Set([...inside.flatMap(({ inputs }) => inputs), ...body.outputs.values()]);
  const entering = [...read].filter((value) => !defined.has(value));
  // A value made outside needs another one that stands for it inside.
  const standIn = new Map(entering.map((value) => [value, { ...value }]));
  const enter = (value: Value) => standIn.get(value) ?? value;
  const graph: Graph = {
    ...body,
    inputs: new Map([
      [stepName, step] as [string, Value],
      ...rest.slice(0, states),
      ...entering.map((value, i): [string, Value] => [`captured${i}`, enter(value)]),
    ]),
    nodes: inside.map((one) => ({ ...one, inputs: one.inputs.map(enter) })),
    outputs: new Map([...body.outputs].map(([name, value]) => [name, enter(value)])),
  };
  const inputs = [...node.inputs.slice(0, 1 + states), ...entering.map((value) => outside.get(value)!)];
  return [...before, { ...node, inputs, attrs: { ...node.attrs, body: new LoopBody(graph) } }];
}
