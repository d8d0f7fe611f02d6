/**
 * Attention over a number of tokens that is no multiple of 8 - 197 of them - keeps cuBLAS from its fast kernels, whose rows
 * start at multiples of 16 bytes. Keys and values then get further rows of zeros, and the softmax counts none of them.
 */
import { type Graph, type GraphNode, sizeOf, type Value } from '../ir/graph.ts';
import { isReshape } from '../kernels/layout.ts';
import { freshValues, type Pass, producers, readersOf } from './rewrite.ts';
import { isOverRows } from './rowSoftmax.ts';

const ALIGNED = 8;
/** Fewer tokens are not worth it. */
const WORTH = 64;

/** For graphs whose operators may be kernels of our own. */
export const alignedRows: Pass = {
  name: 'aligned rows',
  run(graph) {
    const made = producers(graph);
    const readers = readersOf(graph);
    const results = new Set(graph.outputs.values());
    const wide = new Set<Value>();
    for (const node of graph.nodes) {
      if (node.op !== 'Softmax' || wide.has(node.outputs[0]!) || !isWorth(node)) continue;
      const found = closure(node.outputs[0]!, made, readers, results);
      for (const value of found ?? []) wide.add(value);
    }
    return wide.size === 0 ? graph : widened(graph, wide, made, readers);
  },
};

function isWorth(node: GraphNode): boolean {
  const [rows, width] = node.inputs[0]!.shape.slice(-2) as [number, number];
  return isOverRows(node) && width % ALIGNED !== 0 && Math.min(rows, width) >= WORTH;
}

/** What other kernels become where they have further columns. */
const RENAMED: Readonly<Record<string, string>> = { ExpandDims: 'Reshape', Softmax: 'RowSoftmax' };

const alignedSize = (size: number) => Math.ceil(size / ALIGNED) * ALIGNED;

/** All values that get further columns when one does; undefined where something cannot take them. */
function closure(
  start: Value,
  made: ReadonlyMap<Value, GraphNode>,
  readers: ReadonlyMap<Value, readonly GraphNode[]>,
  results: ReadonlySet<Value>,
): Set<Value> | undefined {
  const width = start.shape.at(-1)!;
  const found = new Set([start]);
  // The set grows while it is read.
  for (const value of found) {
    const maker = made.get(value);
    if (maker === undefined || results.has(value)) return undefined;
    if (isPointwise(maker)) {
      for (const input of maker.inputs) if (isFull(input, value)) found.add(input);
    } else if (!isProductOfRows(maker)) return undefined;
    for (const reader of readers.get(value) ?? []) {
      if (isPointwise(reader)) {
        if (reader.outputs[0]!.shape.at(-1) !== width || !isFull(value, reader.outputs[0]!)) return undefined;
        found.add(reader.outputs[0]!);
      } else if (reader.op !== 'BatchMatMul' || reader.inputs[0] !== value || reader.inputs[1] === value)
        return undefined;
      else if (reader.attrs.transposeA !== true && reader.attrs.transposeB === true) return undefined;
    }
  }
  return found;
}

/** Kernels that make finite numbers of the zeros beyond, too: a product takes those times zeros. */
const POINTWISE = new Set(['Add', 'AddN', 'Multiply', 'Neg', 'RoundTo', 'Softmax', 'Square', 'Sub']);

/** What computes each element from those at its place; columns beyond give columns beyond. */
function isPointwise({ op, inputs, outputs: [y] }: GraphNode): boolean {
  return isReshape(op) ? inputs[0]!.shape.at(-1) === y!.shape.at(-1) : POINTWISE.has(op);
}

function isFull(value: Value, beside: Value): boolean {
  return sizeOf(value.shape) === sizeOf(beside.shape);
}

/** a bᵀ: the columns of the product are rows of b. */
function isProductOfRows({ op, attrs }: GraphNode): boolean {
  return op === 'BatchMatMul' && attrs.transposeB === true;
}

function widened(
  graph: Graph,
  wide: ReadonlySet<Value>,
  made: ReadonlyMap<Value, GraphNode>,
  readers: ReadonlyMap<Value, readonly GraphNode[]>,
): Graph {
  const fresh = freshValues(graph);
  const widths = (shape: readonly number[]) => shape.with(-1, alignedSize(shape.at(-1)!));
  const others = new Map<Value, Value>();
  for (const value of wide) others.set(value, fresh({ ...value, shape: widths(value.shape) }));
  const padded = new Map<string, Value>();
  const gone = new Set<GraphNode>();
  const nodes: GraphNode[] = [];
  const add = (op: string, inputs: readonly Value[], shape: readonly number[], attrs: GraphNode['attrs']) => {
    const y = fresh({ dtype: 'float32', shape });
    nodes.push({ op, inputs, attrs, outputs: [y] });
    return y;
  };
  /** `value` with zeros behind what it has along an axis that is counted from the end. */
  const pad = (value: Value, back: number): Value => {
    const key = `${value.id} ${back}`;
    const known = padded.get(key);
    if (known !== undefined) return known;
    const size = value.shape.at(-back)!;
    const longer = ({ shape }: Value) => shape.with(-back, alignedSize(size));
    const padOf = (x: Value) => {
      const paddings = x.shape.map((_, i) => [0, i === x.shape.length - back ? alignedSize(size) - size : 0]);
      return add('PadV2', [x], longer(x), { paddings, constantValue: 0 });
    };
    // Before heads become one axis with the batch: then a transpose and the padding are one copy.
    const shaped = made.get(value);
    const source = shaped !== undefined && isReshape(shaped.op) ? shaped.inputs[0]! : undefined;
    const keepsRows =
      source !== undefined && String(source.shape.slice(-2)) === String(value.shape.slice(-2));
    const shape = longer(value);
    const y = keepsRows ? add('Reshape', [padOf(source)], shape, { shape }) : padOf(value);
    padded.set(key, y);
    return y;
  };
  /** The rows of `y` that there were before, under the shape in which they are read. */
  const cut = (y: Value, target: Value) => {
    const [reader] = readers.get(target) ?? [];
    const isShaped =
      readers.get(target)?.length === 1 &&
      isReshape(reader!.op) &&
      String(reader!.outputs[0]!.shape.slice(-2)) === String(target.shape.slice(-2)) &&
      ![...graph.outputs.values()].includes(target);
    const final = isShaped ? reader!.outputs[0]! : target;
    const shape = final.shape.with(-2, y.shape.at(-2)!);
    const source = isShaped ? add('Reshape', [y], shape, { shape }) : y;
    if (isShaped) gone.add(reader!);
    const attrs = { begin: final.shape.map(() => 0), size: final.shape };
    nodes.push({ op: 'Slice', inputs: [source], attrs, outputs: [final] });
  };
  for (const node of graph.nodes) {
    if (gone.has(node)) continue;
    const [y] = node.outputs as [Value];
    const [a, b] = node.inputs as [Value, Value];
    const own = others.get(y);
    if (own !== undefined) {
      const inputs = node.inputs.map((input) => {
        if (others.has(input)) return others.get(input)!;
        const isRow = !isProductOfRows(node) && input.shape.at(-1) === y.shape.at(-1);
        return isRow ? pad(input, 1) : input;
      });
      if (isProductOfRows(node)) inputs[1] = pad(b, 2);
      const attrs = {
        ...node.attrs,
        ...(isReshape(node.op) && { shape: own.shape }),
        ...(node.op === 'Softmax' && { valid: y.shape.at(-1)!, isFull: true }),
      };
      nodes.push({ ...node, op: RENAMED[node.op] ?? node.op, inputs, attrs, outputs: [own] });
    } else if (a !== undefined && others.has(a)) {
      const columns = others.get(a)!;
      if (node.attrs.transposeA === true) {
        const rows = fresh({ ...y, shape: y.shape.with(-2, columns.shape.at(-1)!) });
        nodes.push({ ...node, inputs: [columns, b, ...node.inputs.slice(2)], outputs: [rows] });
        cut(rows, y);
      } else nodes.push({ ...node, inputs: [columns, pad(b, 2), ...node.inputs.slice(2)] });
    } else nodes.push(node);
  }
  return { ...graph, nodes };
}
