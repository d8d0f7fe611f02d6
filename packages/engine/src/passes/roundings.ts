/** Numbers are rounded to 16 bits where they are made: what only moves them then moves half the bytes. */
import type { Graph, GraphNode, Value } from '../ir/graph.ts';
import { isReshape } from '../kernels/layout.ts';
import { deadCode } from './deadCode.ts';
import { freshValues, isRounding, type Pass, producers, readersOf, TakenRoundings } from './rewrite.ts';

/** Kernels that can round the first of their outputs. */
const ROUNDING = new Set(['RmsNorm', 'RotaryEmbedding']);

/** Kernels that can write their output a second time, rounded. */
const ROUNDING_TOO = new Set(['LayerNormGrad', 'RmsNormGrad']);

/** For graphs whose operators may be kernels of our own. */
export const roundings: Pass = {
  name: 'roundings',
  run: (graph) => absorbed(deadCode.run(moved(graph))),
};

/** Roundings before the transposes and reshapes that they stand behind. */
function moved(graph: Graph): Graph {
  const made = producers(graph);
  const readers = readersOf(graph);
  const results = new Set(graph.outputs.values());
  const fresh = freshValues(graph);
  const known = new Map<string, Value>();
  let isChanged = false;
  const nodes = graph.nodes.flatMap((node): GraphNode[] => {
    if (!isRounding(node)) return [node];
    const chain: GraphNode[] = [];
    let value = node.inputs[0]!;
    for (;;) {
      const before = made.get(value);
      const isMoved = before !== undefined && (before.op === 'Transpose' || isReshape(before.op));
      if (!isMoved || readers.get(value)!.length > 1 || results.has(value)) break;
      chain.unshift(before);
      value = before.inputs[0]!;
    }
    if (chain.length === 0) return [node];
    isChanged = true;
    const key = `${value.id} ${node.attrs.to}`;
    const rounded = known.get(key);
    let current = rounded ?? fresh(value);
    known.set(key, current);
    const before = rounded === undefined ? [{ ...node, inputs: [value], outputs: [current] }] : [];
    const after = chain.map((one, i): GraphNode => {
      const y = i === chain.length - 1 ? node.outputs[0]! : fresh(one.outputs[0]!);
      const again = { ...one, inputs: [current], outputs: [y] };
      current = y;
      return again;
    });
    return [...before, ...after];
  });
  return isChanged ? { ...graph, nodes } : graph;
}

/** Roundings as a part of what makes the numbers: instead of them where nobody reads those, beside them for some kernels. */
function absorbed(graph: Graph): Graph {
  const roundings = new TakenRoundings(graph);
  let isChanged = false;
  const nodes = graph.nodes.map((node) => {
    const isBeside = ROUNDING_TOO.has(node.op);
    if (!isBeside && !ROUNDING.has(node.op)) return node;
    const [y, ...others] = node.outputs;
    const rounded = roundings.take(y!, isBeside);
    if (rounded === undefined) return node;
    isChanged = true;
    const { value, to } = rounded;
    return isBeside
      ? { ...node, outputs: [y!, value], attrs: { ...node.attrs, alsoRoundTo: to } }
      : { ...node, outputs: [value, ...others], attrs: { ...node.attrs, roundTo: to } };
  });
  return isChanged ? roundings.finish(nodes) : graph;
}
