/**
 * One row or more for each kernel that can be compiled: how to call it through tfjs, and what shapes to try. The
 * shapes and values are drawn anew for each of several seeds.
 */
import {
  checkpoint,
  gelu,
  inverse,
  layerNorm,
  loop,
  type RandomStream,
  rmsNorm,
  rotaryEmbedding,
  swiglu,
  type Tensor,
  tf,
  tokenLoss,
  writeColumn,
} from '@psoft/engine';
import { runComposite } from '../src/ops/composite.ts';

type Shape = number[];

export interface InputCase {
  shape: Shape;
  dtype?: 'float32' | 'int32' | 'bool';
  /** Open interval the values are drawn from; default (-2, 2). Integers are drawn from [low, high). */
  low?: number;
  high?: number;
}

export interface KernelCase {
  kernel: string;
  /** Distinguishes rows of one kernel. */
  note?: string;
  inputs(rng: RandomStream): InputCase[];
  call(...tensors: Tensor[]): Tensor | Tensor[];
  /** Whether the gradient with respect to every float32 input is compared too. */
  gradient?: boolean;
}

const dim = (rng: RandomStream) => 1 + rng.integer(5);
const shape = (rng: RandomStream, least = 1, most = 4): Shape =>
  Array.from({ length: least + rng.integer(most - least + 1) }, () => dim(rng));

const one =
  (options: Omit<InputCase, 'shape'> = {}) =>
  (rng: RandomStream): InputCase[] => [{ shape: shape(rng), ...options }];

/** Two shapes that broadcast: axes of the second are dropped at the front or set to 1 at random. */
const two =
  (options: Omit<InputCase, 'shape'> = {}, second: Omit<InputCase, 'shape'> = options) =>
  (rng: RandomStream): InputCase[] => {
    const a = shape(rng);
    const b = a.slice(rng.integer(a.length)).map((size) => (rng.integer(4) === 0 ? 1 : size));
    const pair = [
      { shape: a, ...options },
      { shape: b, ...second },
    ];
    return rng.integer(2) === 0
      ? pair
      : [
          { ...pair[1]!, ...options },
          { ...pair[0]!, ...second },
        ];
  };

/** Two equal shapes: tfjs's own gradients of Maximum, Minimum and SquaredDifference do not undo a broadcast. */
const equal = (rng: RandomStream): InputCase[] => {
  const same = shape(rng);
  return [{ shape: same }, { shape: same }];
};

const unary = (
  kernel: string,
  call: (x: Tensor) => Tensor,
  options: Omit<InputCase, 'shape'> = {},
  gradient = true,
): KernelCase => ({ kernel, call, inputs: one(options), gradient });

const binary = (
  kernel: string,
  call: (a: Tensor, b: Tensor) => Tensor,
  options: Omit<InputCase, 'shape'> = {},
  gradient = true,
): KernelCase => ({ kernel, call, inputs: two(options), gradient });

const positive = { low: 0.2, high: 3 };
const integers = { dtype: 'int32', low: -6, high: 7 } as const;
const divisors = { dtype: 'int32', low: 1, high: 5 } as const;
const booleans = { dtype: 'bool', low: 0, high: 2 } as const;

const reduction = (
  kernel: string,
  call: (x: Tensor, axis: number[], keep: boolean) => Tensor,
  gradient = true,
) => [
  { kernel, note: 'one axis', gradient, inputs: one(), call: (x: Tensor) => call(x, [-1], false) },
  { kernel, note: 'kept', gradient, inputs: one(), call: (x: Tensor) => call(x, [0], true) },
  {
    kernel,
    note: 'all axes',
    gradient,
    inputs: one(),
    call: (x: Tensor) =>
      call(
        x,
        x.shape.map((_, i) => i),
        false,
      ),
  },
];

const matrices =
  (transposeA: boolean, transposeB: boolean, rank: number) =>
  (rng: RandomStream): InputCase[] => {
    const [m, k, n] = [dim(rng), dim(rng), dim(rng)] as const;
    const batch = Array.from({ length: rank - 2 }, () => dim(rng));
    return [
      { shape: [...batch, ...(transposeA ? [k, m] : [m, k])] },
      { shape: [...batch, ...(transposeB ? [n, k] : [k, n])] },
    ];
  };

const products: KernelCase[] = [false, true].flatMap((transposeA) =>
  [false, true].flatMap((transposeB) =>
    [2, 3, 4].map((rank) => ({
      kernel: 'BatchMatMul',
      note: `rank ${rank}${transposeA ? ' A^T' : ''}${transposeB ? ' B^T' : ''}`,
      gradient: true,
      inputs: matrices(transposeA, transposeB, rank),
      call: (a: Tensor, b: Tensor) => tf.matMul(a, b, transposeA, transposeB),
    })),
  ),
);

export const kernelCases: KernelCase[] = [
  unary('Abs', tf.abs),
  unary('Ceil', tf.ceil, {}, false),
  unary('Cos', tf.cos),
  unary('Erf', tf.erf),
  unary('Exp', tf.exp),
  unary('Expm1', tf.expm1),
  unary('Floor', tf.floor, {}, false),
  unary('IsNan', (x) => tf.isNaN(tf.log(x)), {}, false),
  unary('IsInf', (x) => tf.isInf(tf.div(1, tf.relu(x))), {}, false),
  unary('IsFinite', (x) => tf.isFinite(tf.log(tf.relu(x))), {}, false),
  unary('Log', tf.log, positive),
  unary('Log1p', tf.log1p, positive),
  unary('LogicalNot', (x) => tf.logicalNot(x), booleans, false),
  unary('Neg', tf.neg),
  unary('Reciprocal', tf.reciprocal, positive),
  unary('Relu', tf.relu),
  unary('Round', (x) => tf.round(tf.mul(x, 2)), {}, false),
  {
    ...unary('Round', tf.round, {}, false),
    note: 'half to even',
    inputs: () => [{ shape: [7], dtype: 'int32', low: -4, high: 5 }],
    call: (x) => tf.round(tf.div(tf.cast(x, 'float32'), 2)),
  },
  unary('Rsqrt', tf.rsqrt, positive),
  unary('Sigmoid', tf.sigmoid),
  unary('Sign', tf.sign, {}, false),
  unary('Sin', tf.sin),
  unary('Softplus', tf.softplus),
  unary('Sqrt', tf.sqrt, positive),
  unary('Square', tf.square),
  { ...unary('Square', tf.square, integers, false), note: 'int32' },
  unary('Tan', tf.tan, { low: -1, high: 1 }),
  unary('Tanh', tf.tanh),
  unary('Step', (x) => tf.step(x, 0.3), {}, false),
  unary('ClipByValue', (x) => tf.clipByValue(x, -0.5, 1)),
  unary('Cast', (x) => tf.cast(x, 'int32'), {}, false),
  { ...unary('Cast', (x) => tf.cast(x, 'float32'), booleans, false), note: 'from bool' },
  unary('Softmax', (x) => tf.softmax(x)),

  binary('Add', tf.add),
  { ...binary('Add', tf.add, integers, false), note: 'int32' },
  binary('Sub', tf.sub),
  binary('Multiply', tf.mul),
  binary('RealDiv', tf.div, positive),
  binary('Maximum', tf.maximum, {}, false),
  { ...binary('Maximum', tf.maximum), note: 'gradient', inputs: equal },
  binary('Minimum', tf.minimum, {}, false),
  { ...binary('Minimum', tf.minimum), note: 'gradient', inputs: equal },
  binary('Pow', tf.pow, positive),
  binary('SquaredDifference', tf.squaredDifference, {}, false),
  { ...binary('SquaredDifference', tf.squaredDifference), note: 'gradient', inputs: equal },
  { ...binary('Mod', tf.mod, {}, false), inputs: two({}, positive) },
  { ...binary('Mod', tf.mod, {}, false), note: 'int32', inputs: two(integers, divisors) },
  { ...binary('FloorDiv', tf.floorDiv, {}, false), inputs: two({}, positive) },
  { ...binary('FloorDiv', tf.floorDiv, {}, false), note: 'int32', inputs: two(integers, divisors) },
  binary('Equal', tf.equal, integers, false),
  binary('NotEqual', tf.notEqual, integers, false),
  binary('Greater', tf.greater, {}, false),
  binary('GreaterEqual', tf.greaterEqual, integers, false),
  binary('Less', tf.less, {}, false),
  binary('LessEqual', tf.lessEqual, integers, false),
  binary('LogicalAnd', tf.logicalAnd, booleans, false),
  binary('LogicalOr', tf.logicalOr, booleans, false),
  {
    kernel: 'AddN',
    gradient: true,
    inputs: (rng) => {
      const same = shape(rng);
      return [{ shape: same }, { shape: same }, { shape: same }];
    },
    call: (...all) => tf.addN(all),
  },
  {
    kernel: 'Select',
    gradient: true,
    inputs: (rng) => {
      const same = shape(rng);
      return [{ shape: same }, { shape: same }, { shape: same, ...booleans }];
    },
    call: (a, b, condition) => tf.where(condition!, a!, b!),
  },

  ...reduction('Sum', tf.sum),
  ...reduction('Mean', tf.mean),
  ...reduction('Max', tf.max),
  ...reduction('Min', tf.min),
  ...reduction('Prod', tf.prod, false),
  { kernel: 'Sum', note: 'int32', inputs: one(integers), call: (x) => tf.sum(x, 0) },
  { kernel: 'All', inputs: one(booleans), call: (x) => tf.all(x, 0) },
  { kernel: 'Any', inputs: one(booleans), call: (x) => tf.any(x, -1) },
  { kernel: 'ArgMax', inputs: one(), call: (x) => tf.argMax(x, -1) },
  { kernel: 'ArgMin', inputs: one(), call: (x) => tf.argMin(x, 0) },
  // Along the last axis: tfjs's own gradient is wrong along any other (it permutes twice).
  { kernel: 'Cumsum', gradient: true, inputs: one(), call: (x) => tf.cumsum(x, x.rank - 1, true, true) },

  { kernel: 'Reshape', gradient: true, inputs: one(), call: (x) => tf.reshape(x, [-1, x.shape.at(-1)!]) },
  { kernel: 'ExpandDims', gradient: true, inputs: one(), call: (x) => tf.add(tf.expandDims(x, -1), 1) },
  { kernel: 'Identity', gradient: true, inputs: one(), call: (x) => tf.clone(x) },
  {
    kernel: 'Transpose',
    gradient: true,
    inputs: (rng) => [{ shape: shape(rng, 3, 3) }],
    call: (x) => tf.transpose(x, [2, 0, 1]),
  },
  {
    kernel: 'Slice',
    gradient: true,
    inputs: (rng) => [{ shape: [3 + dim(rng), dim(rng), 2] }],
    call: (x) => tf.slice(x, [1, 0, 1], [2, -1, 1]),
  },
  ...(
    [
      ['most of it, in the middle', [0, 70, 0], [2, 370, 3]],
      ['most of it, from the start', [0, 0, 0], [2, 420, 3]],
      ['most of it, to the end', [0, 64, 0], [2, 386, 3]],
    ] as const
  ).map(
    ([note, begin, size]): KernelCase => ({
      kernel: 'Slice',
      note,
      inputs: () => [{ shape: [2, 450, 3] }],
      call: (x) => tf.slice(x!, [...begin], [...size]),
      gradient: true,
    }),
  ),
  ...(
    [
      ['a little, before', [64, 0]],
      ['a little, behind', [0, 9]],
      ['a little, on both sides', [30, 5]],
    ] as const
  ).map(
    ([note, paddings]): KernelCase => ({
      kernel: 'PadV2',
      note,
      inputs: () => [{ shape: [2, 450, 3] }],
      call: (x) => tf.pad(x!, [[0, 0], [...paddings], [0, 0]], 1.5),
      gradient: true,
    }),
  ),
  {
    kernel: 'PadV2',
    gradient: true,
    inputs: (rng) => [{ shape: shape(rng, 2, 2) }],
    call: (x) =>
      tf.pad(
        x,
        [
          [1, 2],
          [0, 3],
        ],
        0.5,
      ),
  },
  {
    kernel: 'Tile',
    gradient: true,
    inputs: (rng) => [{ shape: shape(rng, 2, 2) }],
    call: (x) => tf.tile(x, [2, 3]),
  },
  {
    kernel: 'Reverse',
    gradient: true,
    inputs: (rng) => [{ shape: shape(rng, 2, 3) }],
    call: (x) => tf.reverse(x, [0, -1]),
  },
  {
    kernel: 'Concat',
    gradient: true,
    inputs: (rng) => {
      const [rows, columns] = [dim(rng), dim(rng)] as const;
      return [{ shape: [rows, columns] }, { shape: [rows, dim(rng)] }];
    },
    call: (a, b) => tf.concat([a!, b!], -1),
  },
  {
    kernel: 'Pack',
    gradient: true,
    inputs: (rng) => {
      const same = shape(rng, 2, 3);
      return [{ shape: same }, { shape: same }];
    },
    call: (a, b) => tf.stack([a!, b!], 1),
  },
  {
    kernel: 'Pack',
    note: 'last axis',
    gradient: true,
    inputs: (rng) => {
      const same = [dim(rng), dim(rng)];
      return [{ shape: same }, { shape: same }];
    },
    call: (a, b) => tf.stack([a!, b!], 2),
  },
  {
    kernel: 'Pack',
    note: 'negative axis',
    inputs: () => [{ shape: [2, 3] }, { shape: [2, 3] }],
    call: (a, b) => tf.stack([a!, b!], -1),
  },
  {
    kernel: 'Unpack',
    gradient: true,
    inputs: (rng) => [{ shape: [dim(rng), 1 + dim(rng), 2] }],
    call: (x) => tf.unstack(x, 1),
  },
  {
    kernel: 'Unpack',
    note: 'last axis',
    gradient: true,
    inputs: (rng) => [{ shape: [dim(rng), 1 + dim(rng)] }],
    call: (x) => tf.unstack(x, 1),
  },
  {
    kernel: 'Unpack',
    // tfjs's own gradient takes a list of one for no list.
    note: 'one part',
    inputs: (rng) => [{ shape: [dim(rng), 1, 2] }],
    call: (x) => tf.unstack(x, 1),
  },
  {
    kernel: 'SplitV',
    // tfjs's own gradient takes a list of one for no list.
    note: 'one part',
    inputs: (rng) => [{ shape: [dim(rng), 3] }],
    call: (x) => tf.split(x, [3], 1),
  },
  {
    kernel: 'SplitV',
    gradient: true,
    inputs: (rng) => [{ shape: [dim(rng), 6] }],
    call: (x) => tf.split(x, [1, 3, 2], 1),
  },
  { kernel: 'ZerosLike', inputs: one(), call: (x) => tf.add(tf.zerosLike(x), x) },
  { kernel: 'OnesLike', inputs: one(), call: (x) => tf.sub(tf.onesLike(x), x) },
  { kernel: 'Range', inputs: () => [{ shape: [4] }], call: (x) => tf.add(tf.range(1, 9, 2), x) },
  {
    kernel: 'Range',
    note: 'downwards, int32',
    inputs: () => [{ shape: [3], ...integers }],
    call: (x) => tf.add(tf.range(3, 0, -1, 'int32'), x),
  },
  { kernel: 'Fill', inputs: one(), call: (x) => tf.add(tf.fill(x.shape, 3), x) },

  ...products,
  {
    kernel: '_FusedMatMul',
    inputs: (rng) =>
      [{ shape: [3, dim(rng)] }, { shape: [4, 1] }, { shape: [4] }].map((spec, i, all) =>
        i === 1 ? { shape: [4, all[0]!.shape[1]!] } : spec,
      ),
    call: (a, b, bias) =>
      tf.fused.matMul({ a: a as never, b: b as never, transposeA: false, transposeB: true, bias: bias! }),
  },
  {
    kernel: 'Gemm',
    note: 'made by a pass',
    gradient: true,
    inputs: (rng) => {
      const [m, k, n] = [dim(rng), dim(rng), dim(rng)] as const;
      return [{ shape: [m, k] }, { shape: [n, k] }, { shape: [n] }];
    },
    call: (x, w, bias) => tf.add(tf.matMul(x!, w!, false, true), bias!),
  },
  {
    kernel: 'GatherV2',
    gradient: true,
    inputs: (rng) => [
      { shape: [6, dim(rng), 2] },
      { shape: shape(rng, 1, 2), dtype: 'int32', low: 0, high: 6 },
    ],
    call: (x, indices) => tf.gather(x!, indices as never),
  },
  {
    kernel: 'GatherV2',
    note: 'axis 1',
    gradient: true,
    inputs: (rng) => [{ shape: [dim(rng), 6, 2] }, { shape: [4], dtype: 'int32', low: 0, high: 6 }],
    call: (x, indices) => tf.gather(x!, indices as never, 1),
  },
  {
    kernel: 'UnsortedSegmentSum',
    gradient: true,
    inputs: (rng) => [{ shape: [5, dim(rng)] }, { shape: [5], dtype: 'int32', low: 0, high: 3 }],
    call: (x, ids) => tf.unsortedSegmentSum(x!, ids as never, 3),
  },
  {
    kernel: 'OneHot',
    inputs: (rng) => [{ shape: [dim(rng)], dtype: 'int32', low: 0, high: 4 }],
    call: (x) => tf.oneHot(x as never, 4, 0.9, 0.1),
  },

  {
    kernel: 'TopK',
    inputs: (rng) => [{ shape: [...shape(rng, 0, 2), 4] }],
    call: (x) => {
      const { values, indices } = tf.topk(x!, 3);
      return [values, indices];
    },
  },
  {
    kernel: 'TopK',
    note: 'of equals the first',
    inputs: () => [{ shape: [3, 8], dtype: 'int32', low: 0, high: 3 }],
    call: (x) => tf.topk(tf.cast(x!, 'float32'), 6).indices,
  },
  { ...unary('Gelu', gelu), note: 'and GeluGrad' },
  {
    kernel: 'LayerNorm',
    note: 'and LayerNormGrad',
    gradient: true,
    inputs: (rng) => {
      const width = 2 + dim(rng);
      return [{ shape: [...shape(rng, 1, 2), width] }, { shape: [width] }, { shape: [width] }];
    },
    call: (x, gamma, beta) => layerNorm(x!, gamma!, beta!, 1e-5),
  },
  {
    kernel: 'RmsNorm',
    note: 'and RmsNormGrad',
    gradient: true,
    inputs: (rng) => {
      const width = 2 + dim(rng);
      return [{ shape: [...shape(rng, 1, 2), width] }, { shape: [width] }];
    },
    call: (x, gamma) => rmsNorm(x!, gamma!, 1e-5),
  },
  {
    kernel: 'RotaryEmbedding',
    gradient: true,
    inputs: (rng) => {
      const [batch, length] = [dim(rng), dim(rng)];
      return [
        { shape: [batch, dim(rng), length, 2 * dim(rng)] },
        { shape: [batch, length], dtype: 'int32', low: 0, high: 7 },
      ];
    },
    call: (x, positions) => {
      const half = x!.shape[3]! / 2;
      const angles = tf.reshape(tf.range(0, 7 * half), [7, half]);
      return rotaryEmbedding(x!, positions!, tf.cos(angles), tf.sin(angles));
    },
  },
  {
    kernel: 'Swiglu',
    note: 'and SwigluGrad',
    gradient: true,
    inputs: equal,
    call: (gate, up) => swiglu(gate!, up!),
  },
  {
    kernel: 'TokenLoss',
    note: 'and TokenLossGrad',
    gradient: true,
    inputs: (rng) => {
      const rows = dim(rng);
      return [{ shape: [rows, 5] }, { shape: [rows], dtype: 'int32', low: 0, high: 5 }];
    },
    call: (logits, labels) => tokenLoss(logits!, labels!),
  },
  {
    kernel: 'DropoutRows',
    inputs: () => [{ shape: [2], dtype: 'int32', low: 1, high: 101 }],
    call: (step) =>
      runComposite(
        'DropoutRows',
        { step: step! },
        {
          poolRows: 101,
          masks: [
            { factor: 7, shift: 100, rows: 150 },
            { factor: 100, shift: 0, rows: 3 },
          ],
        },
      ),
  },
  {
    kernel: 'WriteColumn',
    inputs: (rng) => {
      const [a, b] = [dim(rng), dim(rng)];
      return [{ shape: [a, 4, b] }, { shape: [a, 1, b] }, { shape: [], dtype: 'int32', low: 0, high: 4 }];
    },
    call: (x, column, index) => writeColumn(x!, column!, index!),
  },
  {
    kernel: 'Loop',
    inputs: (rng) => [{ shape: shape(rng) }, { shape: [], low: 0.1, high: 1 }],
    // Stops by itself for small factors: the product falls below the bound.
    call: (x, factor) => {
      const end = loop({ x: x!, taken: tf.scalar(0, 'int32') }, 5, (state, step) => ({
        state: {
          x: tf.add(tf.mul(state.x, factor!), tf.cast(step, 'float32')),
          taken: tf.add(state.taken, tf.scalar(1, 'int32')),
        },
        isDone: tf.less(factor!, tf.div(tf.cast(step, 'float32'), 4)),
      }));
      return [end.x, end.taken];
    },
  },
  {
    kernel: 'Loop',
    note: 'in a loop',
    inputs: (rng) => [{ shape: shape(rng) }],
    call: (x) => {
      const never = tf.scalar(false, 'bool');
      const end = loop({ x: x! }, 3, (outer) => {
        const inner = loop({ y: outer.x }, 2, ({ y }, step) => ({
          state: { y: tf.add(tf.mul(y, 0.5), tf.mul(x!, tf.cast(step, 'float32'))) },
          isDone: never,
        }));
        return { state: { x: inner.y }, isDone: never };
      });
      return end.x;
    },
  },
  unary('Checkpoint', (x) => checkpoint(x)),
  ...['bf16', 'f16'].map((to) => ({
    ...unary('RoundTo', (x) => runComposite('RoundTo', { x }, { to })[0]!, {}, false),
    note: to,
  })),
  {
    kernel: 'MatrixInverse',
    gradient: true,
    inputs: (rng) => {
      const n = dim(rng);
      return [{ shape: [dim(rng), n, n], low: -0.3, high: 0.3 }];
    },
    // I - Q with Q = X - X^T is never singular.
    call: (x) => inverse(tf.sub(tf.eye(x.shape[1]!), tf.sub(x, tf.transpose(x, [0, 2, 1])))),
  },
];
