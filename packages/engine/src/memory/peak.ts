/** How much memory computed values take at one time. */
import { type Graph, type GraphNode, sizeOf, type Value } from '../ir/graph.ts';
import { loopParts } from '../kernels/loop.ts';
import { bytesOf, storageOf } from './storage.ts';
import { IN_PLACE, WORKSPACE } from './workspace.ts';

/**
 * The most that is held at one node when the nodes of `graph` run in `order`: values still to be read, and what the
 * node needs besides. Inputs, weights and constants are not counted.
 * @param inPlace weights in 16 bits that each reader widens for itself
 */
export function peak(
  graph: Graph,
  order: readonly GraphNode[],
  inPlace: ReadonlySet<Value> = new Set(),
): { readonly bytes: number; readonly node: GraphNode | undefined } {
  const root = storageOf(order);
  const made = new Set(order.flatMap(({ outputs }) => outputs));
  const kept = new Set([...graph.outputs.values()].map(root));
  const lastUse = new Map<Value, number>();
  order.forEach(({ inputs, outputs }, i) => {
    for (const value of [...inputs, ...outputs]) lastUse.set(root(value), i);
  });
  const ending: Value[][] = order.map(() => []);
  for (const [value, i] of lastUse) if (made.has(value) && !kept.has(value)) ending[i]!.push(value);
  let held = 0;
  let highest: { bytes: number; node: GraphNode | undefined } = { bytes: 0, node: undefined };
  order.forEach((node, i) => {
    const fresh = node.outputs.filter((value) => root(value) === value);
    // The result may take the place of an operand that nothing reads afterwards.
    const [y] = fresh;
    const takesOver =
      y !== undefined &&
      IN_PLACE.has(node.op) &&
      ending[i]!.some(
        (value) => value !== y && node.inputs.some((x) => root(x) === value) && bytesOf(value) === bytesOf(y),
      );
    for (const value of fresh) held += bytesOf(value);
    const now = held - (takesOver ? bytesOf(y) : 0) + workspace(node, inPlace, root);
    if (now > highest.bytes) highest = { bytes: now, node };
    for (const value of ending[i]!) held -= bytesOf(value);
  });
  return highest;
}

/** What a node needs while it runs besides its inputs and outputs. */
function workspace(node: GraphNode, inPlace: ReadonlySet<Value>, root: (value: Value) => Value): number {
  if (node.op === 'Loop') {
    const { graph, inputs, next } = loopParts(node);
    const inner = new Set(inputs.filter((_, i) => inPlace.has(root(node.inputs[i + 1]!))));
    const state = next.reduce((bytes, value) => bytes + bytesOf(value), 0);
    return state + peak(graph, graph.nodes, inner).bytes;
  }
  const y = node.outputs[0]!;
  let bytes = (WORKSPACE[node.op] ?? 0) * bytesOf(y);
  if (root(y) !== y) return bytes;
  // Rows of a table in 16 bits are picked before they are widened.
  if (node.op === 'GatherV2' && inPlace.has(root(node.inputs[0]!))) return bytes + 2 * sizeOf(y.shape);
  for (const input of new Set(node.inputs)) if (inPlace.has(root(input))) bytes += bytesOf(input);
  return bytes;
}
