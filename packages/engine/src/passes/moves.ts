/** Parts put together, cut out and padded are copies of boxes, which a kernel of our own does in one pass. */
import { type Graph, type GraphNode, sizeOf, type Value } from '../ir/graph.ts';
import { isFilled, type Move, Moves, stridesOf } from '../ir/moves.ts';
import { normaliseAxes } from '../ir/shapes.ts';
import { onceComputed } from './origins.ts';
import { isRounding, type Pass, producers, readersOf, Substitution } from './rewrite.ts';

/** Kernels take a few KB of arguments. */
const MOST_TENSORS = 400;
/** Indices are of 32 bits. */
const MOST_ELEMENTS = 2 ** 32 - 1;

export const moves: Pass = {
  name: 'moves',
  run(graph) {
    const frozen = onceComputed(graph);
    const made = producers(graph);
    const filled = (value: Value): number | undefined => {
      const node = made.get(value);
      if (node?.op === 'Fill') return node.attrs.value as number;
      if (node?.op === 'ZerosLike') return 0;
      return node?.op === 'OnesLike' ? 1 : undefined;
    };
    const readers = readersOf(graph);
    const results = new Set(graph.outputs.values());
    const values = new Substitution();
    const gone = new Set<GraphNode>();
    /** The roundings of a value that nobody reads otherwise: they are done while it is moved. */
    const roundingsOf = (value: Value): readonly GraphNode[] => {
      const own = results.has(value) ? [] : (readers.get(value) ?? []);
      return own.every((one) => isRounding(one) && one.attrs.to === own[0]!.attrs.to) ? own : [];
    };
    let count = 0;
    const nodes = graph.nodes.map((node) => {
      const write = WRITERS[node.op];
      const tensors = [...node.inputs, ...node.outputs];
      const isPossible =
        write !== undefined &&
        !frozen.has(node.outputs[0]!) &&
        tensors.length <= MOST_TENSORS &&
        tensors.every(({ dtype, shape }) => dtype !== 'bool' && sizeOf(shape) <= MOST_ELEMENTS);
      if (!isPossible) return node;
      count++;
      const rounded = node.outputs.map((value) => {
        const [first, ...others] = roundingsOf(value);
        for (const one of others) values.set(one.outputs[0]!, first!.outputs[0]!);
        for (const one of [first, ...others]) if (one !== undefined) gone.add(one);
        return first;
      });
      const outputs = node.outputs.map((value, i) => rounded[i]?.outputs[0] ?? value);
      const roundTo = rounded.map((one) => one?.attrs.to);
      return moved({ ...node, outputs, attrs: { ...node.attrs, roundTo } }, write(node), filled);
    });
    if (count === 0) return graph;
    return {
      ...graph,
      nodes: nodes.filter((node) => !gone.has(node)).map((node) => values.node(node)),
      outputs: values.outputs(graph.outputs),
    };
  },
};

function moved(
  node: GraphNode,
  list: readonly Move[],
  filled: (value: Value) => number | undefined,
): GraphNode {
  const inputs: Value[] = [];
  const own = list.map((move): Move => {
    if (isFilled(move)) return move;
    const from = move.from as Exclude<Move['from'], number>;
    const value = node.inputs[from.tensor]!;
    const fill = filled(value);
    if (fill !== undefined) return { ...move, from: fill };
    const known = inputs.indexOf(value);
    return { ...move, from: { ...from, tensor: known >= 0 ? known : inputs.push(value) - 1 } };
  });
  const shapes = node.outputs.map(({ shape }) => shape);
  return { op: 'Moved', inputs, outputs: node.outputs, attrs: { moves: new Moves(own, shapes), roundTo: node.attrs.roundTo } };
}

/** What each kernel moves; its inputs and outputs by their numbers. */
const WRITERS: Readonly<Record<string, (node: GraphNode) => Move[]>> = {
  Concat: ({ inputs, outputs: [y], attrs }) => {
    const axis = normaliseAxes(attrs.axis, y!.shape.length)[0]!;
    return joined(inputs, stridesOf(y!.shape), axis);
  },
  Pack: ({ inputs, outputs: [y], attrs }) => {
    const { shape } = y!;
    const axis = normaliseAxes(attrs.axis, shape.length)[0]!;
    const one = shape.with(axis, 1);
    const parts = inputs.map(() => ({ shape: one }));
    return joined(parts, stridesOf(shape), axis);
  },
  SplitV: ({ inputs: [x], outputs, attrs }) => {
    const axis = normaliseAxes(attrs.axis, x!.shape.length)[0]!;
    return joined(outputs, stridesOf(x!.shape), axis).map(turned);
  },
  Unpack: ({ inputs: [x], outputs, attrs }) => {
    const { shape } = x!;
    const axis = normaliseAxes(attrs.axis, shape.length)[0]!;
    const one = shape.with(axis, 1);
    const parts = outputs.map(() => ({ shape: one }));
    return joined(parts, stridesOf(shape), axis).map(turned);
  },
  Slice: ({ inputs: [x], outputs: [y], attrs }) => {
    const strides = stridesOf(x!.shape);
    const begin = attrs.begin as number[];
    const offset = strides.reduce((sum, stride, i) => sum + stride * (begin[i] ?? 0), 0);
    const to = { tensor: 0, offset: 0, strides: stridesOf(y!.shape) };
    return [{ dims: y!.shape, from: { tensor: 0, offset, strides }, to }];
  },
  PadV2: ({ inputs: [x], outputs: [y], attrs }) => {
    const paddings = attrs.paddings as readonly (readonly [number, number])[];
    const strides = stridesOf(y!.shape);
    const offsetOf = (corner: readonly number[]) => corner.reduce((sum, at, i) => sum + at * strides[i]!, 0);
    const inner = paddings.map(([before]) => before);
    const list: Move[] = [
      {
        dims: x!.shape,
        from: { tensor: 0, offset: 0, strides: stridesOf(x!.shape) },
        to: { tensor: 0, offset: offsetOf(inner), strides },
      },
    ];
    // Before and behind x along each axis: as wide as y along the axes that come later, as x along those before.
    paddings.forEach((sides, axis) => {
      sides.forEach((size, side) => {
        if (size === 0) return;
        const dims = y!.shape.map((dim, i) => (i < axis ? x!.shape[i]! : i === axis ? size : dim));
        const first = side === 0 ? 0 : sides[0] + x!.shape[axis]!;
        const corner = dims.map((_, i) => (i < axis ? inner[i]! : i === axis ? first : 0));
        const from = attrs.constantValue as number;
        list.push({ dims, from, to: { tensor: 0, offset: offsetOf(corner), strides } });
      });
    });
    return list;
  },
};

/** Parts side by side on an axis of a tensor with these strides. */
function joined(
  parts: readonly { readonly shape: readonly number[] }[],
  strides: readonly number[],
  axis: number,
): Move[] {
  let start = 0;
  return parts.map(({ shape }, tensor) => {
    const offset = start * strides[axis]!;
    start += shape[axis]!;
    return {
      dims: shape,
      from: { tensor, offset: 0, strides: stridesOf(shape) },
      to: { tensor: 0, offset, strides },
    };
  });
}

/** The way back. */
function turned({ dims, from, to }: Move): Move {
  return { dims, from: to, to: from as Exclude<Move['from'], number> };
}
