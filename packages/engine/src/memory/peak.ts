/** How much memory computed values take at one time. */
import { bytesOf, type Graph, type GraphNode, type Value } from '../ir/graph.ts';
import { loopParts } from '../kernels/loop.ts';
import { bytesToRead, type NarrowRead, narrowReads } from './narrow.ts';
import { AS_FLOAT32, type StoredWeights, storageOf } from './storage.ts';
import { IN_PLACE, WORKSPACE } from './workspace.ts';

/**
 * The most that is held at one node when the nodes of `graph` run in `order`: values still to be read, and what the
 * node needs besides. Inputs, weights and constants are not counted.
 * @param stored weights that are not held in float32
 */
export function peak(
  graph: Graph,
  order: readonly GraphNode[],
  stored: StoredWeights = AS_FLOAT32,
): { readonly bytes: number; readonly node: GraphNode | undefined } {
  const root = storageOf(order, stored);
  const reads = narrowReads(order, stored.narrow);
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
    const now = held - (takesOver ? bytesOf(y) : 0) + workspace(node, stored, reads, root);
    if (now > highest.bytes) highest = { bytes: now, node };
    for (const value of ending[i]!) held -= bytesOf(value);
  });
  return highest;
}

/** What a node needs while it runs besides its inputs and outputs. */
function workspace(
  node: GraphNode,
  stored: StoredWeights,
  reads: ReadonlyMap<Value, NarrowRead>,
  root: (value: Value) => Value,
): number {
  if (node.op === 'Loop') {
    const { graph, inputs, next } = loopParts(node);
    const inner = insideLoop(node, inputs, stored, reads);
    const state = next.reduce((bytes, value) => bytes + bytesOf(value), 0);
    return state + peak(graph, graph.nodes, inner).bytes;
  }
  const y = node.outputs[0]!;
  if (reads.has(y)) return 0;
  let bytes = (WORKSPACE[node.op] ?? 0) * bytesOf(y);
  if (root(y) !== y) return bytes;
  for (const input of new Set(node.inputs)) {
    const read = reads.get(input);
    if (read !== undefined) bytes += bytesToRead(node, input, read, stored);
    else if (stored.narrow.has(root(input))) bytes += bytesOf(input);
  }
  return bytes;
}

/** The stored weights that a loop's body reads, by its own values. */
function insideLoop(
  node: GraphNode,
  inputs: readonly Value[],
  stored: StoredWeights,
  reads: ReadonlyMap<Value, NarrowRead>,
): StoredWeights {
  const entering = inputs.flatMap((value, i) => {
    const read = reads.get(node.inputs[i + 1]!);
    return read === undefined ? [] : [[value, read.source] as const];
  });
  return { ...stored, narrow: new Map(entering) };
}
