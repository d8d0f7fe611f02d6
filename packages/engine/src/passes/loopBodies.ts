import type { Graph, GraphNode, Value } from '../ir/graph.ts';
import { LoopBody } from '../ir/loopBody.ts';
import { type InputOrigins, type Origins, originsOf } from './origins.ts';
import type { Pass } from './rewrite.ts';

/**
 * Optimises the bodies of loops, computes before the loop what is the same at each of its steps, and takes away the
 * inputs that a body no longer reads.
 */
export function loopBodies(optimise: OptimiseBody, inputs: InputOrigins): Pass {
  return {
    name: 'loop bodies',
    run(graph) {
      if (!graph.nodes.some(({ op }) => op === 'Loop')) return graph;
      const origins = originsOf(graph, inputs);
      const nodes = graph.nodes.flatMap((node) => {
        if (node.op !== 'Loop') return [node];
        const { body, known } = asSeenInside(node, graph, origins);
        return outOf(node, optimise(body, known));
      });
      return { ...graph, nodes };
    },
  };
}

type OptimiseBody = (body: Graph, inputs: InputOrigins) => Graph;

/** The body, with the small constants that it reads as its own, and what is known of its inputs. */
function asSeenInside(
  node: GraphNode,
  graph: Graph,
  origins: Origins,
): { readonly body: Graph; readonly known: InputOrigins } {
  const { graph: recorded } = node.attrs.body as LoopBody;
  const captured = [...recorded.inputs.values()].slice(1 + node.outputs.length);
  const outside = (i: number) => node.inputs[1 + node.outputs.length + i]!;
  const from = (values: ReadonlySet<Value>) => captured.filter((_, i) => values.has(outside(i)));
  const constants = new Map(
    captured.flatMap((value, i) => {
      const data = graph.constants.get(outside(i));
      return data === undefined ? [] : [[value, data] as const];
    }),
  );
  return {
    body: { ...recorded, constants },
    known: { frozen: from(origins.frozen), trained: from(origins.common), kept: from(origins.kept) },
  };
}

/** The nodes that can be computed before the loop, and the loop. */
function outOf(node: GraphNode, body: Graph): GraphNode[] {
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
    constants: new Map(),
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
