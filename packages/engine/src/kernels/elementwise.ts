/** Element-wise kernels: one ONNX operator each, or a short chain of them. */
import type { Dtype, GraphNode } from '../ir/graph.ts';
import { broadcast } from '../ir/shapes.ts';
import type { OnnxBuilder } from '../onnx/builder.ts';
import { attr, type Kernel, type KernelTable } from './kernel.ts';

type Lowering = (x: string, onnx: OnnxBuilder, node: GraphNode) => string;

/** y has x's shape; `emit` returns the name of the result. */
function unary(emit: Lowering, dtype?: Dtype): Kernel {
  return {
    args: ['x'],
    infer: ([x]) => [{ shape: x!.shape, dtype: dtype ?? x!.dtype }],
    lower: (node, onnx) => onnx.bind(node.outputs[0]!, emit(onnx.name(node.inputs[0]!), onnx, node)),
  };
}

/** A unary kernel that is an ONNX operator of one input. */
const same = (op: string, dtype?: Dtype) => unary((x, onnx) => onnx.emit(op, [x]), dtype);

type BinaryLowering = (a: string, b: string, onnx: OnnxBuilder, node: GraphNode) => string;

function binary(emit: BinaryLowering, dtype?: Dtype): Kernel {
  return {
    args: ['a', 'b'],
    infer: ([a, b]) => {
      if (a!.dtype !== b!.dtype) throw new Error(`dtypes ${a!.dtype} and ${b!.dtype} differ`);
      return [{ shape: broadcast(a!.shape, b!.shape), dtype: dtype ?? a!.dtype }];
    },
    lower: (node, onnx) => {
      const [a, b] = node.inputs;
      onnx.bind(node.outputs[0]!, emit(onnx.name(a!), onnx.name(b!), onnx, node));
    },
  };
}

const pair = (op: string, dtype?: Dtype) => binary((a, b, onnx) => onnx.emit(op, [a, b]), dtype);
const not = (x: string, onnx: OnnxBuilder) => onnx.emit('Not', [x]);

/** floor(a / b). ONNX divides integers towards zero, so their quotient is corrected where signs differ. */
const floorDiv: BinaryLowering = (a, b, onnx, node) => {
  if (node.outputs[0]!.dtype === 'float32') return onnx.emit('Floor', [onnx.emit('Div', [a, b])]);
  const remainder = onnx.emit('Mod', [a, b]);
  return onnx.emit('Div', [onnx.emit('Sub', [a, remainder]), b]);
};

/** a - floor(a / b) b: the sign of b, as TensorFlow has it. ONNX's integer Mod agrees; its float Mod does not. */
const mod: BinaryLowering = (a, b, onnx, node) => {
  if (node.outputs[0]!.dtype === 'int32') return onnx.emit('Mod', [a, b]);
  const floor = onnx.emit('Floor', [onnx.emit('Div', [a, b])]);
  return onnx.emit('Sub', [a, onnx.emit('Mul', [floor, b])]);
};

const square: Lowering = (x, onnx) => onnx.emit('Mul', [x, x]);

export const elementwise: KernelTable = {
  Abs: same('Abs'),
  Ceil: same('Ceil'),
  Cos: same('Cos'),
  Erf: same('Erf'),
  Exp: same('Exp'),
  Expm1: unary((x, onnx) => onnx.emit('Sub', [onnx.emit('Exp', [x]), onnx.scalar(1, 'float32')])),
  Floor: same('Floor'),
  IsNan: same('IsNaN', 'bool'),
  IsInf: same('IsInf', 'bool'),
  IsFinite: unary((x, onnx) => {
    // x - x is 0 for finite x and NaN otherwise.
    return not(onnx.emit('IsNaN', [onnx.emit('Sub', [x, x])]), onnx);
  }, 'bool'),
  Log: same('Log'),
  Log1p: unary((x, onnx) => onnx.emit('Log', [onnx.emit('Add', [x, onnx.scalar(1, 'float32')])])),
  LogicalNot: same('Not'),
  Neg: same('Neg'),
  Reciprocal: same('Reciprocal'),
  Relu: same('Relu'),
  Round: same('Round'),
  Rsqrt: unary((x, onnx) => onnx.emit('Reciprocal', [onnx.emit('Sqrt', [x])])),
  Sigmoid: same('Sigmoid'),
  Sign: unary((x, onnx, { outputs: [y] }) => {
    if (!onnx.target.lacks.has('Sign')) return onnx.emit('Sign', [x]);
    const is = (op: string) => onnx.cast(onnx.emit(op, [x, onnx.scalar(0, y!.dtype)]), y!.dtype);
    return onnx.emit('Sub', [is('Greater'), is('Less')]);
  }),
  Sin: same('Sin'),
  Softplus: same('Softplus'),
  Sqrt: same('Sqrt'),
  Square: unary(square),
  Tan: same('Tan'),
  Tanh: same('Tanh'),
  /** 1 where x > 0, `alpha` elsewhere, NaN kept: the derivative of ReLU. */
  Step: unary((x, onnx, node) => {
    const alpha = attr<number | undefined>(node, 'alpha') ?? 0;
    const positive = onnx.emit('Greater', [x, onnx.scalar(0, 'float32')]);
    const step = onnx.emit('Where', [positive, onnx.scalar(1, 'float32'), onnx.scalar(alpha, 'float32')]);
    return onnx.emit('Where', [onnx.emit('IsNaN', [x]), x, step]);
  }),
  ClipByValue: unary((x, onnx, node) => {
    const bounds = ['clipValueMin', 'clipValueMax'].map((key) =>
      onnx.scalar(attr<number>(node, key), node.outputs[0]!.dtype),
    );
    return onnx.emit('Clip', [x, ...bounds]);
  }),

  Add: pair('Add'),
  Sub: pair('Sub'),
  Multiply: pair('Mul'),
  RealDiv: pair('Div'),
  FloorDiv: binary(floorDiv),
  Mod: binary(mod),
  Maximum: pair('Max'),
  Minimum: pair('Min'),
  Pow: binary((a, b, onnx, { inputs, outputs: [y] }) => {
    const whole = onnx.target.lacks.has('Pow')
      ? [a, b].map((x, i) => {
          const isWhole = String(inputs[i]!.shape) === String(y!.shape);
          return isWhole ? x : onnx.emit('Expand', [x, onnx.ints(y!.shape)]);
        })
      : [a, b];
    return onnx.emit('Pow', whole);
  }),
  SquaredDifference: binary((a, b, onnx, node) => square(onnx.emit('Sub', [a, b]), onnx, node)),
  Equal: pair('Equal', 'bool'),
  NotEqual: binary((a, b, onnx) => not(onnx.emit('Equal', [a, b]), onnx), 'bool'),
  Greater: pair('Greater', 'bool'),
  GreaterEqual: pair('GreaterOrEqual', 'bool'),
  Less: pair('Less', 'bool'),
  LessEqual: pair('LessOrEqual', 'bool'),
  LogicalAnd: pair('And'),
  LogicalOr: pair('Or'),

  AddN: {
    infer: ([first]) => [{ shape: first!.shape, dtype: first!.dtype }],
    lower: (node, onnx) => {
      onnx.bind(node.outputs[0]!, onnx.emit('Sum', onnx.names(node.inputs)));
    },
  },
  Select: {
    args: ['condition', 't', 'e'],
    infer: ([condition, t, e]) => {
      if (t!.dtype !== e!.dtype) throw new Error(`branches have dtypes ${t!.dtype} and ${e!.dtype}`);
      return [{ shape: broadcast(broadcast(condition!.shape, t!.shape), e!.shape), dtype: t!.dtype }];
    },
    lower: (node, onnx) => {
      onnx.bind(node.outputs[0]!, onnx.emit('Where', onnx.names(node.inputs)));
    },
  },
  Cast: {
    args: ['x'],
    infer: ([x], attrs) => [{ shape: x!.shape, dtype: attrs.dtype as Dtype }],
    lower: (node, onnx) => {
      const [x] = node.inputs;
      // int32 of a float truncates in both; a bool of a number is "not zero" in both.
      onnx.bind(node.outputs[0]!, onnx.cast(onnx.name(x!), attr<Dtype>(node, 'dtype')));
    },
  },
  Softmax: {
    args: ['logits'],
    infer: ([x]) => [{ shape: x!.shape, dtype: 'float32' }],
    lower: (node, onnx) => {
      const axis = attr<number | undefined>(node, 'dim') ?? -1;
      onnx.bind(node.outputs[0]!, onnx.emit('Softmax', [onnx.name(node.inputs[0]!)], { axis }));
    },
  },
};
