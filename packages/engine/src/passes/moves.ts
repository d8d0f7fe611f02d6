/** Parts put together, cut out and padded are copies of boxes, which a kernel of our own does in one pass. */
import { MOST_ELEMENTS } from '../cuda/kernelSource.ts';
import { type GraphNode, sizeOf, type Value } from '../ir/graph.ts';
import { type Move, Moves, stridesOf } from '../ir/moves.ts';
import { normaliseAxes } from '../ir/shapes.ts';
import { isReshape } from '../kernels/layout.ts';
import { onceComputed } from './origins.ts';
import { fillingOf, type Pass, producers, TakenRoundings } from './rewrite.ts';

/** Kernels take a few KB of arguments. */
const MOST_TENSORS = 400;

export const moves: Pass = {
  name: 'moves',
  run(graph) {
    const frozen = onceComputed(graph);
    const made = producers(graph);
    const filled = (value: Value) => fillingOf(made.get(value));
    const roundings = new TakenRoundings(graph);
    const viewOf = (value: Value): View => {
      const node = made.get(value);
      const under = LOOKS[node?.op ?? '']?.(node!, viewOf);
      return under ?? { value, offset: 0, strides: stridesOf(value.shape) };
    };
    /** What a value is another shape of, where that is a part of something, or in another order. */
    const finer = (value: Value): Value => {
      const node = made.get(value);
      const before = node !== undefined && isReshape(node.op) ? node.inputs[0]! : value;
      return viewOf(before).value === before ? value : before;
    };
    let count = 0;
    const nodes = graph.nodes.map((node) => {
      const write = WRITERS[node.op];
      const tensors = [...node.inputs, ...node.outputs];
      const isPossible =
        write !== undefined &&
        // By itself ONNX Runtime's is as fast.
        (node.op !== 'Transpose' ||
          ![node.inputs[0], node.outputs[0]].includes(viewOf(node.outputs[0]!).value)) &&
        !frozen.has(node.outputs[0]!) &&
        tensors.length <= MOST_TENSORS &&
        tensors.every(({ dtype, shape }) => dtype !== 'bool' && sizeOf(shape) <= MOST_ELEMENTS);
      if (!isPossible) return node;
      count++;
      // They are done while the value is moved.
      const rounded = node.outputs.map((value) => roundings.take(value, false));
      const outputs = node.outputs.map((value, i) => rounded[i]?.value ?? value);
      const roundTo = rounded.map((one) => one?.to);
      return moved(
        { ...node, outputs, attrs: { ...node.attrs, roundTo } },
        write(node, finer),
        viewOf,
        filled,
      );
    });
    return count === 0 ? graph : roundings.finish(nodes);
  },
};

/** Where the elements of a value stand in another one. */
interface View {
  readonly value: Value;
  readonly offset: number;
  /** Of the value's own axes. */
  readonly strides: readonly number[];
}

/** Values that are parts of others or the same in another order: whoever moves them reads there. */
type Look = (node: GraphNode, viewOf: (value: Value) => View) => View | undefined;

/** Axes of a part may be split further. */
const splitting: Look = ({ inputs: [x], outputs: [y] }, viewOf) => {
  const { value, offset, strides } = viewOf(x!);
  const split = value === x ? undefined : splitStrides(x!.shape, strides, y!.shape);
  return split && { value, offset, strides: split };
};

const LOOKS: Readonly<Record<string, Look>> = {
  Reshape: splitting,
  ExpandDims: splitting,
  Transpose: ({ inputs: [x], attrs }, viewOf) => {
    const perm = attrs.perm as number[];
    // Runs of elements have to stay together.
    if (perm.at(-1) !== perm.length - 1) return undefined;
    const { value, offset, strides } = viewOf(x!);
    return { value, offset, strides: perm.map((axis) => strides[axis]!) };
  },
  Slice: ({ inputs: [x], attrs }, viewOf) => {
    const begin = attrs.begin as number[];
    const { value, offset, strides } = viewOf(x!);
    return {
      value,
      offset: strides.reduce((sum, stride, i) => sum + stride * (begin[i] ?? 0), offset),
      strides,
    };
  },
};

function moved(
  node: GraphNode,
  list: readonly Taken[],
  viewOf: (value: Value) => View,
  filled: (value: Value) => number | undefined,
): GraphNode {
  const inputs: Value[] = [];
  const own = list.map(({ dims, from, to }): Move => {
    if (typeof from === 'number') return { dims, from, to };
    const fill = filled(from.value);
    if (fill !== undefined) return { dims, from: fill, to };
    const { value, offset, strides } = viewOf(from.value);
    const known = inputs.indexOf(value);
    const tensor = known >= 0 ? known : inputs.push(value) - 1;
    const corner = from.begin.reduce((sum, at, i) => sum + at * strides[i]!, offset);
    return { dims, from: { tensor, offset: corner, strides }, to };
  });
  const shapes = node.outputs.map(({ shape }) => shape);
  return {
    op: 'Moved',
    inputs,
    outputs: node.outputs,
    attrs: { moves: new Moves(own, shapes), roundTo: node.attrs.roundTo },
  };
}

/** A box of a value, from a corner of it on, or a filling. */
interface Taken extends Pick<Move, 'dims' | 'to'> {
  readonly from: { readonly value: Value; readonly begin: readonly number[] } | number;
}

/** What each kernel moves; a box has the axes of what it is taken from. */
const WRITERS: Readonly<Record<string, (node: GraphNode, finer: (value: Value) => Value) => Taken[]>> = {
  Concat: ({ inputs, outputs: [y], attrs }, finer) => {
    const axis = normaliseAxes(attrs.axis, y!.shape.length)[0]!;
    return joined(inputs, y!.shape, axis, finer);
  },
  Pack: ({ inputs, outputs: [y], attrs }) => {
    const axis = normaliseAxes(attrs.axis, y!.shape.length)[0]!;
    const strides = stridesOf(y!.shape);
    return inputs.map((value, i) => ({
      dims: value.shape,
      from: { value, begin: value.shape.map(() => 0) },
      to: { tensor: 0, offset: i * strides[axis]!, strides: strides.toSpliced(axis, 1) },
    }));
  },
  SplitV: ({ inputs: [x], outputs, attrs }) => {
    const axis = normaliseAxes(attrs.axis, x!.shape.length)[0]!;
    let start = 0;
    return outputs.map(({ shape }, tensor) => {
      const begin = shape.map((_, i) => (i === axis ? start : 0));
      start += shape[axis]!;
      return {
        dims: shape,
        from: { value: x!, begin },
        to: { tensor, offset: 0, strides: stridesOf(shape) },
      };
    });
  },
  Unpack: ({ inputs: [x], outputs, attrs }) => {
    const axis = normaliseAxes(attrs.axis, x!.shape.length)[0]!;
    const dims = x!.shape.with(axis, 1);
    return outputs.map((_, tensor) => ({
      dims,
      from: { value: x!, begin: dims.map((_, i) => (i === axis ? tensor : 0)) },
      to: { tensor, offset: 0, strides: stridesOf(dims) },
    }));
  },
  Slice: ({ inputs: [x], outputs: [y], attrs }) => {
    const begin = attrs.begin as number[];
    return whole(y!, { value: x!, begin: y!.shape.map((_, i) => begin[i] ?? 0) });
  },
  Transpose: ({ outputs: [y] }) => whole(y!, { value: y!, begin: y!.shape.map(() => 0) }),
  PadV2: ({ inputs: [x], outputs: [y], attrs }) => {
    const paddings = attrs.paddings as readonly (readonly [number, number])[];
    const strides = stridesOf(y!.shape);
    const offsetOf = (corner: readonly number[]) => corner.reduce((sum, at, i) => sum + at * strides[i]!, 0);
    const inner = paddings.map(([before]) => before);
    const list: Taken[] = [
      {
        dims: x!.shape,
        from: { value: x!, begin: x!.shape.map(() => 0) },
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

/** All of an output. */
function whole({ shape }: Value, from: Taken['from']): Taken[] {
  return [{ dims: shape, from, to: { tensor: 0, offset: 0, strides: stridesOf(shape) } }];
}

/** Parts side by side on an axis. */
function joined(
  parts: readonly Value[],
  shape: readonly number[],
  axis: number,
  finer: (value: Value) => Value,
): Taken[] {
  const strides = stridesOf(shape);
  let start = 0;
  return parts.map((part) => {
    const offset = start * strides[axis]!;
    start += part.shape[axis]!;
    // Heads of a transpose that became columns are still apart there.
    const fine = finer(part);
    const split = splitStrides(part.shape, strides, fine.shape);
    const value = split === undefined ? part : fine;
    const from = { value, begin: value.shape.map(() => 0) };
    return { dims: value.shape, from, to: { tensor: 0, offset, strides: split ?? strides } };
  });
}

/** The strides of a box whose axes are split further; undefined where `fine` is no splitting of `shape`. */
function splitStrides(
  shape: readonly number[],
  strides: readonly number[],
  fine: readonly number[],
): number[] | undefined {
  const split: number[] = [];
  let axis = shape.length - 1;
  let below = 1;
  for (let i = fine.length - 1; i >= 0; i--) {
    while (axis >= 0 && below === shape[axis]! && below !== 1) {
      axis--;
      below = 1;
    }
    if (axis < 0 || shape[axis]! % (below * fine[i]!) !== 0) return undefined;
    split.unshift(strides[axis]! * below);
    below *= fine[i]!;
  }
  const isWhole = axis >= 0 && below === shape[axis]! && shape.slice(0, axis).every((dim) => dim === 1);
  return isWhole ? split : undefined;
}
