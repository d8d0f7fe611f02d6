import { type GraphNode, type TypedArray, typeText, type Value } from '../ir/graph.ts';
import { type Pass, Substitution } from './rewrite.ts';

/** Constants above this many elements are compared by identity only. */
const SMALL = 256;

function constantKey(value: Value, data: TypedArray): string | undefined {
  return data.length > SMALL ? undefined : `${typeText(value)}|${data.join(',')}`;
}

/** Computes equal things once: equal constants, and nodes of equal kernel, inputs and attributes. */
export const commonSubexpressions: Pass = {
  name: 'common subexpressions',
  run(graph) {
    const same = new Substitution();
    const seen = new Map<string | TypedArray, Value>();
    for (const [value, data] of graph.constants) {
      const key = constantKey(value, data) ?? data;
      const first = seen.get(key);
      if (first === undefined || typeText(first) !== typeText(value)) seen.set(key, value);
      else same.set(value, first);
    }
    const nodes: GraphNode[] = [];
    const computed = new Map<string, GraphNode>();
    for (const original of graph.nodes) {
      const node = same.node(original);
      const key = `${node.op}|${node.inputs.map((input) => input.id)}|${JSON.stringify(node.attrs)}`;
      const first = computed.get(key);
      if (first === undefined) {
        computed.set(key, node);
        nodes.push(node);
      } else {
        node.outputs.forEach((output, i) => {
          same.set(output, first.outputs[i]!);
        });
      }
    }
    return same.size === 0 ? graph : { ...graph, nodes, outputs: same.outputs(graph.outputs) };
  },
};
