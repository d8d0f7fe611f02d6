/**
 * Recomputation of activations (Chen et al. 2016): of the forward pass only what `checkpoint` marks is kept for the
 * backward pass, and each part between two marks is computed a second time when its gradients are due.
 */
import type { Graph, GraphNode, Value } from '../ir/graph.ts';
import { type InputOrigins, originsOf } from './origins.ts';
import { freshValues, producers } from './rewrite.ts';

/** What is known of a graph with marks. */
interface Parts {
  /** Number of the last mark a forward value depends on, from 1; 0 if on none. */
  readonly after: ReadonlyMap<Value, number>;
  /** Number of the first mark whose gradient a backward value depends on; absent for forward values. */
  readonly before: ReadonlyMap<Value, number>;
  /** Values that no second computation is worth. */
  readonly kept: ReadonlySet<Value>;
}

/**
 * @param graph with `Checkpoint` nodes, which stay
 * @param inputs which are trained, or frozen; what is made of them and of weights alone is kept
 */
export function recompute(graph: Graph, inputs: InputOrigins): Graph {
  const marks = graph.nodes.filter(({ op, attrs }) => op === 'Checkpoint' && attrs.isGradient !== true);
  if (marks.length === 0) return graph;
  const parts = partsOf(graph, marks, inputs);
  const made = producers(graph);
  const fresh = freshValues(graph);
  const nodes: GraphNode[] = [];
  /** For each part, what has been computed again for it. */
  const again = new Map<number, Map<Value, Value>>();

  /** `value` as the backward pass of a part reads it; what that takes is added to `nodes`. */
  const restored = (value: Value, part: number): Value => {
    if (parts.kept.has(value) || parts.before.has(value)) return value;
    const clones = again.get(part) ?? new Map<Value, Value>();
    again.set(part, clones);
    const known = clones.get(value);
    if (known !== undefined) return known;
    const node = made.get(value)!;
    const inputs = node.inputs.map((input) => restored(input, part));
    const outputs = node.outputs.map(fresh);
    node.outputs.forEach((output, i) => {
      clones.set(output, outputs[i]!);
    });
    nodes.push({ ...node, inputs, outputs });
    return clones.get(value)!;
  };

  for (const node of graph.nodes) {
    const part = parts.before.get(node.outputs[0]!);
    if (part === undefined) nodes.push(node);
    else nodes.push({ ...node, inputs: node.inputs.map((input) => restored(input, part)) });
  }
  return { ...graph, nodes };
}

function partsOf(graph: Graph, marks: readonly GraphNode[], inputs: InputOrigins): Parts {
  const number = new Map(marks.map(({ attrs }, i) => [attrs.mark, i + 1]));
  const after = new Map<Value, number>();
  const before = new Map<Value, number>();
  const kept = new Set<Value>([
    ...graph.inputs.values(),
    ...graph.weights.values(),
    ...graph.constants.keys(),
    ...graph.outputs.values(),
  ]);
  const { common } = originsOf(graph, inputs);
  for (const node of graph.nodes) {
    const gradients = node.inputs.flatMap((input) => before.get(input) ?? []);
    const forward = Math.max(0, ...node.inputs.map((input) => after.get(input) ?? 0));
    const mark = node.op === 'Checkpoint' ? number.get(node.attrs.mark) : undefined;
    const isGradient = mark !== undefined && node.attrs.isGradient === true;
    for (const output of node.outputs) {
      if (isGradient) before.set(output, mark);
      else if (gradients.length > 0) before.set(output, Math.min(...gradients));
      else after.set(output, mark ?? forward);
      if (node.op === 'Checkpoint' || (mark ?? forward) >= marks.length) kept.add(output);
      // What is the same for all examples is small, and may be dear: a rotation's inverse. Not a rounded weight.
      if (common.has(output) && node.op !== 'RoundTo') kept.add(output);
    }
  }
  keepShared(graph, after, before, kept);
  return { after, before, kept };
}

/** Keeps what lies before all marks and serves several parts, such as masks that every layer reads. */
function keepShared(
  graph: Graph,
  after: ReadonlyMap<Value, number>,
  before: ReadonlyMap<Value, number>,
  kept: Set<Value>,
): void {
  const served = new Map<Value, Set<number>>();
  for (let i = graph.nodes.length - 1; i >= 0; i--) {
    const { inputs, outputs } = graph.nodes[i]!;
    if (before.has(outputs[0]!)) continue;
    const part = after.get(outputs[0]!)!;
    const parts = part > 0 ? [part] : outputs.flatMap((output) => [...(served.get(output) ?? [])]);
    for (const input of inputs) {
      const all = served.get(input) ?? new Set();
      for (const one of parts) all.add(one);
      served.set(input, all);
    }
  }
  for (const [value, parts] of served) if (after.get(value) === 0 && parts.size > 1) kept.add(value);
}
