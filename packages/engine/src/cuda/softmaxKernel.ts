import type { Index } from '../ir/region.ts';
import type { OnnxType } from '../onnx/proto.ts';
import { type KernelSource, load, store, THREADS, WARP } from './kernelSource.ts';

/** What a kernel of `RowSoftmax` computes: the softmax of each row of x + bias, whose element i is at `bias` of i. */
export interface SoftmaxKernel {
  readonly softmax: { readonly rows: number; readonly width: number };
  /** So many columns of a row count; the others are 0 in the result. */
  readonly valid: number;
  readonly bias: Index | undefined;
}

/** A lane of a warp keeps its part of a row in registers. */
export const WIDEST_SOFTMAX = 1024;

/** One warp a row. @param inputs types of x and, where there is one, the bias. @param outputs types of the same numbers */
export function softmaxKernel(
  meaning: SoftmaxKernel,
  inputs: readonly OnnxType[],
  outputs: readonly OnnxType[],
): KernelSource {
  const { softmax, valid, bias } = meaning;
  const { rows, width } = softmax;
  const lanes = width % 4 === 0 && valid % 4 === 0 ? 4 : 1;
  const parts = Math.ceil(width / lanes / WARP);
  const linear: Index = { dims: [rows * width], strides: [1] };
  const each = (from: string, inside: readonly string[]) => [
    `  _Pragma("unroll") for (unsigned part = 0; part < ${parts}u; ++part) {`,
    `  const unsigned c = (part * ${WARP}u + lane) * ${lanes}u, at = row * ${width}u + c;`,
    `  float* const e = v + part * ${lanes}u;`,
    `  if (c ${from}) {`,
    ...inside,
    '  }',
  ];
  const lane = (inside: string) =>
    `  _Pragma("unroll") for (unsigned k = 0; k < ${lanes}u; ++k) { ${inside} }`;
  const reduce = (name: string, combine: string) =>
    `  for (int step = ${WARP / 2}; step > 0; step >>= 1) { const float other = __shfl_xor_sync(0xffffffffu, ${name}, step); ${combine} }`;
  const biased = bias === undefined ? [] : load({ kind: 'input', input: 1, index: bias }, 'b', inputs, lanes);
  const lines = [
    `  const unsigned row = blockIdx.x * ${THREADS / WARP}u + threadIdx.x / ${WARP}u, lane = threadIdx.x % ${WARP}u;`,
    `  if (row >= ${rows}u) return;`,
    `  float v[${parts * lanes}]; float most = __int_as_float(0xff800000), sum = 0.0f;`,
    ...each(`< ${valid}u`, [
      ...load({ kind: 'input', input: 0, index: linear }, 'x', inputs, lanes),
      ...biased,
      lane(
        `e[k] = x[k]${bias === undefined ? '' : ' + b[k]'}; most = e[k] > most || e[k] != e[k] ? e[k] : most;`,
      ),
    ]),
    '  }',
    reduce('most', 'most = other > most || other != other ? other : most;'),
    ...each(`< ${valid}u`, [lane('e[k] = expf(e[k] - most); sum += e[k];')]),
    '  }',
    reduce('sum', 'sum += other;'),
    '  const float scale = 1.0f / sum;',
    ...each(`< ${width}u`, [
      `  float y[${lanes}];`,
      lane(`y[k] = c < ${valid}u ? e[k] * scale : 0.0f;`),
      ...outputs.map((type, i) => store('y', `o${i}`, type, 'at', lanes)),
    ]),
    '  }',
  ];
  return {
    body: `${lines.join('\n')}\n`,
    inputs,
    outputs: outputs.map((type) => ({ type, shape: [rows, width] })),
    blocks: Math.ceil(rows / (THREADS / WARP)),
    threads: THREADS,
    meaning,
  };
}
