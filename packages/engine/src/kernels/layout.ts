/** Kernels that move or repeat elements without computing on them. */
import { type Attributes, type Dtype, type GraphNode, sizeOf } from '../ir/graph.ts';
import { normaliseAxes, range, resolveReshape } from '../ir/shapes.ts';
import type { OnnxBuilder } from '../onnx/builder.ts';
import { joinedHalves } from '../onnx/narrow.ts';
import { attr, type Kernel, type KernelTable } from './kernel.ts';

/** A kernel of one input whose ONNX form is a Reshape to the inferred shape. */
function reshape(
  input: string,
  shapeOf: (shape: readonly number[], attrs: Record<string, unknown>) => number[],
): Kernel {
  return {
    args: [input],
    infer: ([x], attrs) => [{ shape: shapeOf(x!.shape, attrs), dtype: x!.dtype }],
    lower: (node, onnx) => {
      const { shape } = node.outputs[0]!;
      rearranged(node, onnx, (x) => onnx.emit('Reshape', [x, onnx.ints(shape)], { allowzero: 1 }));
    },
  };
}

/** Writes what only moves elements: numbers of a 16-bit type stay in it where readers of our own take them as they are. */
function rearranged(node: GraphNode, onnx: OnnxBuilder, emit: (x: string) => string): void {
  const [x] = node.inputs;
  const [y] = node.outputs;
  const half = onnx.target.hasKernels ? onnx.half(x!) : undefined;
  if (half !== undefined) onnx.bindHalf(y!, { ...half, name: emit(half.name) });
  else onnx.bind(y!, emit(onnx.name(x!)));
}

function filled(value: number): Kernel {
  return {
    args: ['x'],
    infer: ([x]) => [{ shape: x!.shape, dtype: x!.dtype }],
    lower: (node, onnx) => {
      const y = node.outputs[0]!;
      onnx.bind(y, onnx.emit('Expand', [onnx.scalar(value, y.dtype), onnx.ints(y.shape)]));
    },
  };
}

/** Begin and end of a tfjs slice, whose size -1 means "to the end". */
function sliceEnds(shape: readonly number[], begin: readonly number[], size: readonly number[]): number[] {
  return shape.map((dim, i) => ((size[i] ?? -1) < 0 ? dim : (begin[i] ?? 0) + size[i]!));
}

/** Pieces of a vector, each by itself: on CUDA one block of threads copies all that a Split of a single row does. */
function cutVector(node: GraphNode, onnx: OnnxBuilder): void {
  const x = onnx.name(node.inputs[0]!);
  let start = 0;
  for (const y of node.outputs) {
    const end = start + y.shape[0]!;
    onnx.bind(y, onnx.emit('Slice', [x, onnx.ints([start]), onnx.ints([end])]));
    start = end;
  }
}

export const layout: KernelTable = {
  Reshape: reshape('x', (shape, attrs) => resolveReshape(shape, attrs.shape as number[])),
  ExpandDims: reshape('input', (shape, attrs) => {
    const dim = attrs.dim as number;
    const at = dim < 0 ? shape.length + dim + 1 : dim;
    return [...shape.slice(0, at), 1, ...shape.slice(at)];
  }),
  Identity: {
    args: ['x'],
    infer: ([x]) => [{ shape: x!.shape, dtype: x!.dtype }],
    lower: (node, onnx) => onnx.bind(node.outputs[0]!, onnx.emit('Identity', [onnx.name(node.inputs[0]!)])),
  },
  Transpose: {
    args: ['x'],
    infer: ([x], attrs) => [{ shape: (attrs.perm as number[]).map((i) => x!.shape[i]!), dtype: x!.dtype }],
    lower: (node, onnx) => {
      const perm = attr<number[]>(node, 'perm');
      rearranged(node, onnx, (x) => onnx.emit('Transpose', [x], { perm }));
    },
  },
  Slice: {
    args: ['x'],
    infer: ([x], attrs) => {
      const begin = attrs.begin as number[];
      const ends = sliceEnds(x!.shape, begin, attrs.size as number[]);
      return [{ shape: ends.map((end, i) => end - (begin[i] ?? 0)), dtype: x!.dtype }];
    },
    lower: (node, onnx) => {
      const [x] = node.inputs;
      const begin = attr<number[]>(node, 'begin');
      const ends = sliceEnds(x!.shape, begin, attr<number[]>(node, 'size'));
      const axes = range(x!.shape.length).filter((i) => (begin[i] ?? 0) !== 0 || ends[i] !== x!.shape[i]);
      const name = onnx.name(x!);
      if (x!.dtype !== 'float32' && onnx.target.lacks.has('Slice')) {
        const parts = axes.map(
          (axis) => [axis, range(ends[axis]! - begin[axis]!).map((i) => begin[axis]! + i)] as const,
        );
        const pick = (from: string, [axis, at]: (typeof parts)[number]) =>
          onnx.emit('Gather', [from, onnx.constant(Int32Array.from(at), [at.length])], { axis });
        return onnx.bind(node.outputs[0]!, parts.reduce(pick, name));
      }
      const [axis] = axes;
      if (
        axes.length === 1 &&
        onnx.target.slicesAlone &&
        isMostOf(x!.shape, axis!, ends[axis!]! - begin[axis!]!)
      ) {
        const [before, after] = [begin[axis!]!, x!.shape[axis!]! - ends[axis!]!];
        const sizes = [before, ends[axis!]! - before, after];
        const taken = sizes.filter((size) => size > 0);
        const parts = onnx.emitMany('Split', [name, onnx.ints(taken)], taken.length, { axis: axis! });
        return onnx.bind(node.outputs[0]!, parts[before > 0 ? 1 : 0]!);
      }
      const y =
        axes.length === 0
          ? onnx.emit('Identity', [name])
          : onnx.emit('Slice', [
              name,
              onnx.ints(axes.map((i) => begin[i]!)),
              onnx.ints(axes.map((i) => ends[i]!)),
              onnx.ints(axes),
            ]);
      onnx.bind(node.outputs[0]!, y);
    },
  },
  PadV2: {
    args: ['x'],
    infer: ([x], attrs) => {
      const paddings = attrs.paddings as [number, number][];
      return [{ shape: x!.shape.map((dim, i) => dim + paddings[i]![0] + paddings[i]![1]), dtype: x!.dtype }];
    },
    lower: (node, onnx) => {
      const [x] = node.inputs;
      const paddings = attr<[number, number][]>(node, 'paddings');
      const pads = onnx.ints([...paddings.map(([before]) => before), ...paddings.map(([, after]) => after)]);
      const fill = onnx.scalar(attr<number>(node, 'constantValue'), x!.dtype);
      const axes = range(x!.shape.length).filter((i) => paddings[i]!.some((size) => size > 0));
      const [axis] = axes;
      const { shape } = node.outputs[0]!;
      if (axes.length === 1 && onnx.target.slicesAlone && isMostOf(shape, axis!, x!.shape[axis!]!)) {
        const part = (size: number) =>
          size === 0 ? [] : [onnx.emit('Expand', [fill, onnx.ints(shape.with(axis!, size))])];
        const [before, after] = paddings[axis!]!;
        const parts = [...part(before), onnx.name(x!), ...part(after)];
        return onnx.bind(node.outputs[0]!, onnx.emit('Concat', parts, { axis: axis! }));
      }
      onnx.bind(node.outputs[0]!, onnx.emit('Pad', [onnx.name(x!), pads, fill]));
    },
  },
  Tile: {
    args: ['x'],
    infer: ([x], attrs) => {
      const reps = attrs.reps as number[];
      return [{ shape: x!.shape.map((dim, i) => dim * reps[i]!), dtype: x!.dtype }];
    },
    lower: (node, onnx) => {
      const reps = onnx.ints(attr<number[]>(node, 'reps'));
      onnx.bind(node.outputs[0]!, onnx.emit('Tile', [onnx.name(node.inputs[0]!), reps]));
    },
  },
  Reverse: {
    args: ['x'],
    infer: ([x]) => [{ shape: x!.shape, dtype: x!.dtype }],
    lower: (node, onnx) => {
      const [x] = node.inputs;
      const axes = normaliseAxes(attr(node, 'dims'), x!.shape.length);
      const MIN_INT64_LIKE = -Number.MAX_SAFE_INTEGER;
      const fill = (n: number) => onnx.ints(axes.map(() => n));
      onnx.bind(
        node.outputs[0]!,
        onnx.emit('Slice', [onnx.name(x!), fill(-1), fill(MIN_INT64_LIKE), onnx.ints(axes), fill(-1)]),
      );
    },
  },
  Concat: {
    infer: (inputs, attrs) => {
      const axis = normaliseAxes(attrs.axis, inputs[0]!.shape.length)[0]!;
      const shape = [...inputs[0]!.shape];
      shape[axis] = inputs.reduce((sum, x) => sum + x.shape[axis]!, 0);
      return [{ shape, dtype: inputs[0]!.dtype }];
    },
    lower: (node, onnx) => {
      const axis = normaliseAxes(attr(node, 'axis'), node.inputs[0]!.shape.length)[0]!;
      const halves = joinedHalves(node.inputs, axis, onnx);
      if (halves !== undefined) return onnx.bindHalf(node.outputs[0]!, halves);
      onnx.bind(node.outputs[0]!, onnx.emit('Concat', onnx.names(node.inputs), { axis }));
    },
  },
  Pack: {
    infer: (inputs, attrs) => {
      const shape = [...inputs[0]!.shape];
      shape.splice(normaliseAxes(attrs.axis, shape.length + 1)[0]!, 0, inputs.length);
      return [{ shape, dtype: inputs[0]!.dtype }];
    },
    lower: (node, onnx) => {
      const [y] = node.outputs;
      const axis = normaliseAxes(node.attrs.axis, y!.shape.length)[0]!;
      // Side by side on an axis that is there, then named anew: two nodes rather than one for each input.
      if (axis < node.inputs[0]!.shape.length) {
        const joined = onnx.emit('Concat', onnx.names(node.inputs), { axis });
        onnx.bind(y!, onnx.emit('Reshape', [joined, onnx.ints(y!.shape)]));
        return;
      }
      const axes = onnx.ints([axis]);
      const names = node.inputs.map((value) => onnx.emit('Unsqueeze', [onnx.name(value), axes]));
      onnx.bind(y!, onnx.emit('Concat', names, { axis }));
    },
  },
  Unpack: {
    args: ['value'],
    infer: ([x], attrs) => {
      const axis = normaliseAxes(attrs.axis, x!.shape.length)[0]!;
      const shape = x!.shape.filter((_, i) => i !== axis);
      return range(x!.shape[axis]!).map(() => ({ shape, dtype: x!.dtype }));
    },
    lower: (node, onnx) => {
      const [x] = node.inputs;
      const axis = normaliseAxes(node.attrs.axis, x!.shape.length)[0]!;
      const split = (name: string, size: number): string[] => {
        const sizes = onnx.ints(node.outputs.map(() => size));
        return onnx.emitMany('Split', [name, sizes], node.outputs.length, { axis });
      };
      if (axis < x!.shape.length - 1) {
        const joined = [
          ...x!.shape.slice(0, axis),
          x!.shape[axis]! * x!.shape[axis + 1]!,
          ...x!.shape.slice(axis + 2),
        ];
        const parts = split(onnx.emit('Reshape', [onnx.name(x!), onnx.ints(joined)]), x!.shape[axis + 1]!);
        node.outputs.forEach((y, i) => {
          onnx.bind(y, parts[i]!);
        });
        return;
      }
      const parts = split(onnx.name(x!), 1);
      const axes = onnx.ints([axis]);
      node.outputs.forEach((y, i) => {
        onnx.bind(y, onnx.emit('Squeeze', [parts[i]!, axes]));
      });
    },
  },
  SplitV: {
    args: ['x'],
    infer: ([x], attrs) => {
      const axis = normaliseAxes(attrs.axis, x!.shape.length)[0]!;
      const sizes = splitSizes(x!.shape[axis]!, attrs.numOrSizeSplits as number | number[]);
      return sizes.map((size) => ({
        shape: x!.shape.map((d, i) => (i === axis ? size : d)),
        dtype: x!.dtype,
      }));
    },
    lower: (node, onnx) => {
      const [x] = node.inputs;
      const axis = normaliseAxes(node.attrs.axis, x!.shape.length)[0]!;
      const sizes = onnx.ints(node.outputs.map((y) => y.shape[axis]!));
      if (x!.shape.length === 1 && x!.dtype === 'float32') return cutVector(node, onnx);
      const parts = onnx.emitMany('Split', [onnx.name(x!), sizes], node.outputs.length, { axis });
      node.outputs.forEach((y, i) => {
        onnx.bind(y, parts[i]!);
      });
    },
  },
  ZerosLike: filled(0),
  OnesLike: filled(1),
  Range: {
    args: [],
    infer: (_, attrs) => [{ shape: [rangeValues(attrs).length], dtype: (attrs.dtype as Dtype) ?? 'float32' }],
    lower: (node, onnx) => {
      const y = node.outputs[0]!;
      const values = rangeValues(node.attrs);
      const data = y.dtype === 'int32' ? Int32Array.from(values) : Float32Array.from(values);
      onnx.bind(y, onnx.constant(data, y.shape));
    },
  },
  Fill: {
    args: [],
    infer: (_, attrs) => [{ shape: attrs.shape as number[], dtype: (attrs.dtype as Dtype) ?? 'float32' }],
    lower: (node, onnx) => {
      const y = node.outputs[0]!;
      onnx.bind(
        y,
        onnx.emit('Expand', [onnx.scalar(attr<number>(node, 'value'), y.dtype), onnx.ints(y.shape)]),
      );
    },
  },
};

/** Whether `size` along an axis is nearly all of it, in long runs: copying the rest as well costs little. */
function isMostOf(shape: readonly number[], axis: number, size: number): boolean {
  const run = size * sizeOf(shape.slice(axis + 1));
  return size >= 0.75 * shape[axis]! && run >= 2 ** 10;
}

/** start, start + step, ... below (or, for a negative step, above) stop: tfjs's default step turns with the direction. */
function rangeValues(attrs: Attributes): number[] {
  const { start, stop, step } = attrs as Record<string, number>;
  const by = step ?? 1;
  const signed = stop! < start! && by === 1 ? -1 : by;
  return Array.from(
    { length: Math.max(0, Math.ceil((stop! - start!) / signed)) },
    (_, i) => start! + i * signed,
  );
}

function splitSizes(dim: number, split: number | readonly number[]): number[] {
  if (typeof split === 'number') {
    if (dim % split !== 0) throw new Error(`an axis of ${dim} does not split into ${split} equal parts`);
    return range(split).map(() => dim / split);
  }
  const known = split.reduce((sum, size) => sum + Math.max(size, 0), 0);
  const sizes = split.map((size) => (size < 0 ? dim - known : size));
  if (sizes.reduce((x, y) => x + y, 0) !== dim) throw new Error(`sizes [${split}] do not add up to ${dim}`);
  return sizes;
}

/** Whether a reshape leaves the elements where they are: every kernel of this kind does. */
export function isReshape(op: string): boolean {
  return op === 'Reshape' || op === 'ExpandDims';
}
