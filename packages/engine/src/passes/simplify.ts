/** Local rules, one row each, that replace a node's output by a value that exists already or shorten a chain. */
import { type Graph, type GraphNode, sameShape, sizeOf, type TypedArray, type Value } from '../ir/graph.ts';
import { isReshape } from '../kernels/layout.ts';
import { fillingOf, type Pass, producers, Substitution } from './rewrite.ts';

interface Context {
  producer(value: Value): GraphNode | undefined;
  /** The number a constant holds in every element, if it holds one. */
  uniform(value: Value): number | undefined;
}

/** Returns a value to use instead of the node's first output, or a node to put in its place. */
type Rule = (node: GraphNode, context: Context) => Value | GraphNode | undefined;

/** `kept` if the node's output has exactly its type: replacing by it drops no broadcast. */
function asResult(node: GraphNode, kept: Value): Value | undefined {
  const y = node.outputs[0]!;
  return kept.dtype === y.dtype && sameShape(kept.shape, y.shape) ? kept : undefined;
}

/** x ∘ n = x for a neutral element n on the right, and on the left where the operation commutes. */
function neutral(element: number, commutes: boolean): Rule {
  return (node, { uniform }) => {
    const [a, b] = node.inputs;
    if (uniform(b!) === element) return asResult(node, a!);
    return commutes && uniform(a!) === element ? asResult(node, b!) : undefined;
  };
}

/** What is made of two tensors with one number each has one number, too: gradients of sums and means begin with such. */
const filled =
  (compute: (a: number, b: number) => number): Rule =>
  ({ inputs: [a, b], outputs: [y] }, { uniform }) => {
    const [first, second] = [uniform(a!), uniform(b!)];
    if (first === undefined || second === undefined || y!.dtype !== 'float32' || sizeOf(y!.shape) === 1)
      return undefined;
    const value = Math.fround(compute(first, second));
    return { op: 'Fill', inputs: [], attrs: { shape: y!.shape, value, dtype: y!.dtype }, outputs: [y!] };
  };

const identity: Rule = (node) => asResult(node, node.inputs[0]!);

const rules: Readonly<Record<string, readonly Rule[]>> = {
  Identity: [identity],
  Cast: [identity],
  Tile: [identity],
  Slice: [identity],
  Sum: [identity],
  Mean: [identity],
  Concat: [(node) => (node.inputs.length === 1 ? node.inputs[0] : undefined)],
  AddN: [(node) => (node.inputs.length === 1 ? node.inputs[0] : undefined)],
  Add: [neutral(0, true)],
  Sub: [neutral(0, false)],
  Multiply: [neutral(1, true), filled((a, b) => a * b)],
  RealDiv: [neutral(1, false), filled((a, b) => a / b)],
  /** Reshape of a reshape reads the first one's input. */
  Reshape: [
    identity,
    (node, { producer }) => {
      const inner = producer(node.inputs[0]!);
      if (inner === undefined || !isReshape(inner.op)) return undefined;
      return { ...node, inputs: [inner.inputs[0]!] };
    },
  ],
  ExpandDims: [(node) => ({ ...node, op: 'Reshape', attrs: { shape: node.outputs[0]!.shape } })],
  /** Transpose of a transpose composes; a composition that moves nothing disappears. */
  Transpose: [
    (node) => ((node.attrs.perm as number[]).every((from, to) => from === to) ? node.inputs[0] : undefined),
    (node, { producer }) => {
      const inner = producer(node.inputs[0]!);
      if (inner?.op !== 'Transpose') return undefined;
      const first = inner.attrs.perm as number[];
      const perm = (node.attrs.perm as number[]).map((i) => first[i]!);
      return { ...node, inputs: [inner.inputs[0]!], attrs: { ...node.attrs, perm } };
    },
  ],
};

function contextOf(graph: Graph): Context {
  const made = producers(graph);
  const uniform = (value: Value): number | undefined => {
    const data = graph.constants.get(value);
    if (data !== undefined) return uniformElement(data);
    const node = made.get(value);
    if (node !== undefined && isReshape(node.op)) return uniform(node.inputs[0]!);
    return fillingOf(node);
  };
  return { producer: (value) => made.get(value), uniform };
}

function uniformElement(data: TypedArray): number | undefined {
  const first = data[0];
  return first !== undefined && data.length <= 4096 && data.every((one) => one === first) ? first : undefined;
}

export const simplify: Pass = {
  name: 'simplify',
  run(graph) {
    const context = contextOf(graph);
    const replaced = new Substitution();
    const nodes: GraphNode[] = [];
    let changed = false;
    for (const original of graph.nodes) {
      let node = replaced.node(original);
      let dropped = false;
      for (const rule of rules[node.op] ?? []) {
        const result = rule(node, context);
        if (result === undefined) continue;
        changed = true;
        if ('op' in result) {
          node = replaced.node(result);
        } else {
          replaced.set(node.outputs[0]!, replaced.get(result));
          dropped = true;
        }
        break;
      }
      if (!dropped) nodes.push(node);
    }
    return changed ? { ...graph, nodes, outputs: replaced.outputs(graph.outputs) } : graph;
  },
};
