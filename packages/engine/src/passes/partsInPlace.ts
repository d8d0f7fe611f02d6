/** A part of a tensor that only fused kernels read is read where it lies, and not copied out of it. */
import { type Graph, type GraphNode, sizeOf, type Value } from '../ir/graph.ts';
import { coalesced, type Move, Moves } from '../ir/moves.ts';
import { type Index, isLinear, type Operand, Region } from '../ir/region.ts';
import { regionOf } from '../kernels/fused.ts';
import { type Pass, readersOf } from './rewrite.ts';

/** Where a part lies. */
interface Part {
  readonly whole: Value;
  readonly index: Index;
}

/** Behind `fusion` and `moves`. */
export const partsInPlace: Pass = {
  name: 'parts in place',
  run(graph) {
    const readers = readersOf(graph);
    const results = new Set(graph.outputs.values());
    const parts = new Map<Value, Part>();
    for (const node of graph.nodes) {
      if (node.op !== 'Moved') continue;
      node.outputs.forEach((value, i) => {
        const part = partOf(node, i);
        const own = readers.get(value) ?? [];
        if (part !== undefined && !results.has(value) && own.every((reader) => readsInOrder(reader, value)))
          parts.set(value, part);
      });
    }
    const nodes = graph.nodes.map((node) => (node.op === 'Fused' ? reading(node, parts) : node));
    return withoutUnread({ ...graph, nodes });
  },
};

/** Nothing is copied that nobody reads. */
function withoutUnread(graph: Graph): Graph {
  const readers = readersOf(graph);
  const results = new Set(graph.outputs.values());
  const isRead = (value: Value) => readers.has(value) || results.has(value);
  const nodes = graph.nodes.flatMap((node) => {
    if (node.op !== 'Moved' || node.outputs.every(isRead)) return [node];
    const kept = node.outputs.flatMap((value, i) => (isRead(value) ? [i] : []));
    const { list, outputs } = node.attrs.moves as Moves;
    const own = list.flatMap((move) => {
      const tensor = kept.indexOf(move.to.tensor);
      return tensor < 0 ? [] : [{ ...move, to: { ...move.to, tensor } }];
    });
    const roundTo = node.attrs.roundTo as readonly unknown[];
    const moves = new Moves(
      own,
      kept.map((i) => outputs[i]!),
    );
    const attrs = { moves, roundTo: kept.map((i) => roundTo[i]) };
    return kept.length === 0 ? [] : [{ ...node, outputs: kept.map((i) => node.outputs[i]!), attrs }];
  });
  return { ...graph, nodes };
}

/** Where output `i` of a `Moved` node comes from, if it is one box of one tensor and nothing rounds it. */
function partOf(node: GraphNode, i: number): Part | undefined {
  const { list } = node.attrs.moves as Moves;
  const own = list.filter(({ to }) => to.tensor === i);
  const [only] = own as [Move];
  const roundTo = node.attrs.roundTo as readonly unknown[];
  const value = node.outputs[i]!;
  if (own.length !== 1 || typeof only.from === 'number' || roundTo[i] !== undefined) return undefined;
  if (sizeOf(only.dims) !== sizeOf(value.shape) || value.dtype !== 'float32') return undefined;
  const { dims, from } = coalesced({ ...only, to: { ...only.to, strides: only.from.strides } });
  const { offset, strides, tensor } = from as Exclude<Move['from'], number>;
  return { whole: node.inputs[tensor]!, index: { dims, strides, offset } };
}

function readsInOrder(reader: GraphNode, value: Value): boolean {
  if (reader.op !== 'Fused') return false;
  const region = regionOf(reader);
  const at = reader.inputs.indexOf(value);
  const operands = region.steps.flatMap(({ operands }) => operands);
  return (
    region.size === sizeOf(value.shape) &&
    operands.every((one) =>
      one.kind === 'rows'
        ? one.table !== at && one.rows !== at
        : one.kind !== 'input' || one.input !== at || isLinear(one.index),
    )
  );
}

function reading(node: GraphNode, parts: ReadonlyMap<Value, Part>): GraphNode {
  if (!node.inputs.some((input) => parts.has(input))) return node;
  const inputs: Value[] = [];
  const numberOf = (value: Value) => {
    const known = inputs.indexOf(value);
    return known >= 0 ? known : inputs.push(value) - 1;
  };
  const renamed = (one: Operand): Operand => {
    if (one.kind === 'rows')
      return { ...one, table: numberOf(node.inputs[one.table]!), rows: numberOf(node.inputs[one.rows]!) };
    if (one.kind !== 'input') return one;
    const value = node.inputs[one.input]!;
    const part = parts.get(value);
    return part === undefined
      ? { ...one, input: numberOf(value) }
      : { ...one, input: numberOf(part.whole), index: part.index };
  };
  const region = regionOf(node);
  const steps = region.steps.map((step) => ({ ...step, operands: step.operands.map(renamed) }));
  return {
    ...node,
    inputs,
    attrs: { ...node.attrs, region: new Region(region.size, steps, region.outputs) },
  };
}
