import { OnnxType } from '../onnx/proto.ts';
import { contiguous, type KernelSource, store, THREADS } from './kernelSource.ts';

/** What a kernel of `RotaryEmbedding` computes: x [batch, heads, length, size], positions [batch, length] and the tables. */
export interface RotaryKernel {
  readonly rotated: readonly [batch: number, heads: number, length: number, size: number];
  /** Rows of the tables. */
  readonly angles: number;
}

/** @param x type that x is stored in. @param type of the result */
export function rotaryKernel(
  { rotated: shape, angles }: RotaryKernel,
  x: OnnxType,
  type: OnnxType,
): KernelSource {
  const [batch, heads, length, size] = shape;
  const half = size / 2;
  const lanes = half % 4 === 0 ? 4 : 1;
  const pairs = batch * heads * length * half;
  const lines = [
    `  const unsigned at = (blockIdx.x * ${THREADS}u + threadIdx.x) * ${lanes}u;`,
    `  if (at >= ${pairs}u) return;`,
    `  const unsigned j = at % ${half}u, row = at / ${half}u;`,
    `  const unsigned position = (unsigned)i1[row / ${heads * length}u * ${length}u + row % ${length}u];`,
    `  const unsigned first = row * ${size}u + j, angle = position * ${half}u + j;`,
    ...contiguous('a', 'i0', x, 'first', lanes),
    ...contiguous('b', 'i0', x, `first + ${half}u`, lanes),
    ...contiguous('cosine', 'i2', OnnxType.FLOAT, 'angle', lanes),
    ...contiguous('sine', 'i3', OnnxType.FLOAT, 'angle', lanes),
    `  float y[${lanes}], z[${lanes}];`,
    `  _Pragma("unroll") for (unsigned k = 0; k < ${lanes}u; ++k) { y[k] = a[k] * cosine[k] - b[k] * sine[k]; z[k] = b[k] * cosine[k] + a[k] * sine[k]; }`,
    store('y', 'o0', type, 'first', lanes),
    store('z', 'o0', type, `first + ${half}u`, lanes),
  ];
  return {
    body: `${lines.join('\n')}\n`,
    inputs: [x, OnnxType.INT32, OnnxType.FLOAT, OnnxType.FLOAT],
    outputs: [{ type, shape }],
    blocks: Math.ceil(pairs / lanes / THREADS),
    threads: THREADS,
    meaning: { rotated: shape, angles },
  };
}
