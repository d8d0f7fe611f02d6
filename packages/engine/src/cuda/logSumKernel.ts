import { OnnxType } from '../onnx/proto.ts';
import { contiguous, type KernelSource, WARP } from './kernelSource.ts';

/** What a kernel of `RowLogSum` computes: of each row of logits the log of the sum of exponentials, and the loss of its label. */
export interface LogSumKernel {
  readonly logSum: { readonly rows: number; readonly width: number };
}

/** One block a row, which it reads once. @param logits type that they are stored in */
export function logSumKernel(meaning: LogSumKernel, logits: OnnxType): KernelSource {
  const { rows, width } = meaning.logSum;
  const lanes = width % 4 === 0 ? 4 : 1;
  const threads = Math.min(1024, Math.max(WARP, Math.ceil(width / lanes / WARP) * WARP));
  const warps = threads / WARP;
  const lane = (inside: string) => `  _Pragma("unroll") for (unsigned k = 0; k < ${lanes}u; ++k) ${inside}`;
  // A part without numbers has the sum 0, whatever its largest one; that of one with NaN is NaN.
  const combine = (most: string, sum: string) =>
    `{ const float m = ${most} > most ? ${most} : most; sum = (sum != 0.0f ? sum * expf(most - m) : 0.0f) + (${sum} != 0.0f ? ${sum} * expf(${most} - m) : 0.0f); most = m; }`;
  const lines = [
    '  const unsigned row = blockIdx.x;',
    '  float most = __int_as_float(0xff800000), sum = 0.0f;',
    `  for (unsigned c = threadIdx.x * ${lanes}u; c < ${width}u; c += ${threads * lanes}u) {`,
    ...contiguous('x', 'i0', logits, `row * ${width}u + c`, lanes),
    '  float largest = x[0];',
    lane('largest = x[k] > largest ? x[k] : largest;'),
    '  float own = 0.0f;',
    lane('own += expf(x[k] - largest);'),
    `  ${combine('largest', 'own')}`,
    '  }',
    `  for (int step = ${WARP / 2}; step > 0; step >>= 1) {`,
    '  const float largest = __shfl_xor_sync(0xffffffffu, most, step), own = __shfl_xor_sync(0xffffffffu, sum, step);',
    `  ${combine('largest', 'own')}`,
    '  }',
    `  __shared__ float mosts[${warps}], sums[${warps}];`,
    `  if (threadIdx.x % ${WARP}u == 0u) { mosts[threadIdx.x / ${WARP}u] = most; sums[threadIdx.x / ${WARP}u] = sum; }`,
    '  __syncthreads();',
    '  if (threadIdx.x != 0u) return;',
    `  for (unsigned w = 1u; w < ${warps}u; ++w) ${combine('mosts[w]', 'sums[w]')}`,
    '  const float total = most + logf(sum);',
    ...contiguous('chosen', 'i0', logits, `row * ${width}u + (unsigned)i1[row]`, 1),
    '  o0[row] = total - chosen[0];',
    '  o1[row] = total;',
  ];
  return {
    body: `${lines.join('\n')}\n`,
    inputs: [logits, OnnxType.INT32],
    outputs: [
      { type: OnnxType.FLOAT, shape: [rows] },
      { type: OnnxType.FLOAT, shape: [rows, 1] },
    ],
    blocks: rows,
    threads,
    meaning,
  };
}
