/**
 * What ONNX Runtime's WebGPU provider (1.30) has no kernel for, or none that can be relied on, and what is written
 * instead: operators it has. Whatever is left out here runs on the CPU, and every run then waits for copies to and fro
 * (`docs/webgpu.md` lists what is left; `packages/training/test/webgpu.test.ts` fails on more).
 */
import type { OnnxBuilder } from './builder.ts';
import type { Substitute } from './target.ts';

const f32 = (onnx: OnnxBuilder, value: number) => onnx.scalar(value, 'float32');
const int32 = (onnx: OnnxBuilder, value: number) => onnx.scalar(value, 'int32');

/** A shader writes to so many tensors for certain: WebGPU promises eight storage buffers, and one is read. */
const MOST_PARTS = 7;

/** Cuts into groups of parts, then each group, where there are too many parts for one shader. */
const Split: Substitute = (onnx, [x, sizesName], { count, attributes }) => {
  if (sizesName === undefined && count <= MOST_PARTS) return onnx.write('Split', [x!], count, attributes);
  if (sizesName === undefined)
    throw new Error(
      `internal: a Split into ${count} parts must name their sizes, for WebGPU to cut it in groups`,
    );
  const cut = (name: string, sizes: readonly number[]): string[] => {
    if (sizes.length <= MOST_PARTS)
      return onnx.write('Split', [name, onnx.ints(sizes)], sizes.length, attributes);
    const most = Math.ceil(sizes.length / MOST_PARTS);
    const groups = Array.from({ length: Math.ceil(sizes.length / most) }, (_, i) =>
      sizes.slice(i * most, (i + 1) * most),
    );
    const sums = groups.map((group) => group.reduce((a, b) => a + b, 0));
    return cut(name, sums).flatMap((part, i) => (groups[i]!.length === 1 ? [part] : cut(part, groups[i]!)));
  };
  return cut(x!, onnx.intsOf(sizesName!));
};

/** Of integers, with the divisor's sign: WGSL's own remainder has the dividend's. */
const Mod: Substitute = (onnx, [a, b]) => {
  const whole = onnx.emit('Mul', [onnx.emit('Div', [a!, b!]), b!]);
  const rest = onnx.emit('Sub', [a!, whole]);
  const is = (op: string, x: string) => onnx.cast(onnx.emit(op, [x, int32(onnx, 0)]), 'int32');
  const sign = onnx.emit('Sub', [is('Greater', b!), is('Less', b!)]);
  const isOpposite = is('Less', onnx.emit('Mul', [rest, sign]));
  return [onnx.emit('Add', [rest, onnx.emit('Mul', [isOpposite, b!])])];
};

/** To the nearest integer, ties to the even one: what adding 2²³ and taking it away does below that number. */
const Round: Substitute = (onnx, [x]) => {
  const large = f32(onnx, 2 ** 23);
  const size = onnx.emit('Abs', [x!]);
  const rounded = onnx.emit('Sub', [onnx.emit('Add', [size, large]), large]);
  const isNegative = onnx.emit('Less', [x!, f32(onnx, 0)]);
  const signed = onnx.emit('Where', [isNegative, onnx.emit('Neg', [rounded]), rounded]);
  return [onnx.emit('Where', [onnx.emit('Less', [size, large]), signed, x!])];
};

const Or: Substitute = (onnx, inputs) => {
  const [a, b] = inputs.map((x) => onnx.emit('Not', [x]));
  return [onnx.emit('Not', [onnx.emit('And', [a!, b!])])];
};

/** WGSL lets a compiler take it that there are no NaNs; none met so far does across two shaders. */
const IsNaN: Substitute = (onnx, [x]) => [onnx.emit('Not', [onnx.emit('Equal', [x!, x!])])];

const IsInf: Substitute = (onnx, [x]) => [
  onnx.emit('Equal', [onnx.emit('Abs', [x!]), f32(onnx, Number.POSITIVE_INFINITY)]),
];

const Sum: Substitute = (onnx, inputs) => [inputs.reduce((a, b) => onnx.emit('Add', [a, b]))];

/** By the largest of a row, so that no power overflows. */
const LogSoftmax: Substitute = (onnx, [x], { attributes }) => {
  const axes = onnx.ints([attributes.axis as number]);
  const below = onnx.emit('Sub', [x!, onnx.emit('ReduceMax', [x!, axes], { keepdims: 1 })]);
  const sum = onnx.emit('ReduceSum', [onnx.emit('Exp', [below]), axes], { keepdims: 1 });
  return [onnx.emit('Sub', [below, onnx.emit('Log', [sum])])];
};

/** The provider has it, but its second output is not 1 / rms. */
const SimplifiedLayerNormalization: Substitute = (onnx, [x, gamma], { attributes }) => {
  const { float: epsilon } = attributes.epsilon as { float: number };
  const square = onnx.emit('ReduceMean', [onnx.emit('Mul', [x!, x!]), onnx.ints([-1])], { keepdims: 1 });
  const root = onnx.emit('Sqrt', [onnx.emit('Add', [square, f32(onnx, epsilon)])]);
  const invRms = onnx.emit('Reciprocal', [root]);
  return [onnx.emit('Mul', [onnx.emit('Mul', [x!, invRms]), gamma!]), invRms];
};

/** The anchor of `memory/order.ts`: a view, which costs nothing on the device either. */
const Size: Substitute = (onnx, [x]) => [onnx.emit('Unsqueeze', [x!, onnx.ints([0])])];

export const WEBGPU_SUBSTITUTES: Readonly<Record<string, Substitute>> = {
  IsInf,
  IsNaN,
  LogSoftmax,
  Mod,
  Or,
  Round,
  SimplifiedLayerNormalization,
  Size,
  Split,
  Sum,
};

/**
 * Their substitutes depend on shapes or types, and stand with the kernels that write them. Pow is there, but fails where
 * it has to broadcast; Slice is there for floats.
 */
export const WEBGPU_LACKS: ReadonlySet<string> = new Set(['FusedMatMul', 'Inverse', 'Pow', 'Sign', 'Slice']);
