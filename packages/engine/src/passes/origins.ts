/** What a graph's values are made of. */
import type { Graph, Value } from '../ir/graph.ts';

export interface Origins {
  /** Made of weights and constants alone. */
  readonly frozen: ReadonlySet<Value>;
  /** Made of weights, constants and trained parameters alone: the same for every example. */
  readonly common: ReadonlySet<Value>;
  /** Made of weights alone, one of which must stay as it is stored. */
  readonly kept: ReadonlySet<Value>;
}

/** What is known of a graph's inputs, or of those of a loop's body. */
export interface InputOrigins {
  readonly frozen?: Iterable<Value>;
  readonly trained?: Iterable<Value>;
  readonly kept?: Iterable<Value>;
}

/** Follows the origins of inputs, weights and constants through the nodes. */
export function originsOf(graph: Graph, inputs: InputOrigins): Origins {
  const frozen = new Set<Value>([
    ...graph.weights.values(),
    ...graph.constants.keys(),
    ...(inputs.frozen ?? []),
  ]);
  const common = new Set<Value>([...frozen, ...(inputs.trained ?? [])]);
  const kept = new Set<Value>(inputs.kept ?? []);
  for (const node of graph.nodes) {
    const isFrozen = node.inputs.length > 0 && node.inputs.every((input) => frozen.has(input));
    const isCommon = node.inputs.every((input) => common.has(input));
    const isKept = isFrozen && node.inputs.some((input) => kept.has(input));
    for (const output of node.outputs) {
      if (isFrozen) frozen.add(output);
      if (isCommon) common.add(output);
      if (isKept) kept.add(output);
    }
  }
  return { frozen, common, kept };
}

/** What ONNX Runtime computes once, when a session is made: made of weights, constants and nothing at all. */
export function onceComputed(graph: Graph): ReadonlySet<Value> {
  const filled = graph.nodes.filter(({ op, inputs }) => inputs.length === 0 || SHAPE_ONLY.has(op));
  return originsOf(graph, { frozen: filled.flatMap(({ outputs }) => outputs) }).frozen;
}

/** Kernels that read nothing but a shape. */
const SHAPE_ONLY = new Set(['ZerosLike', 'OnesLike']);
