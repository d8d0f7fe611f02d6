import { sizeOf } from '../ir/graph.ts';
import { OnnxType } from '../onnx/proto.ts';
import type { KernelSource } from './kernelSource.ts';

/** What a kernel that inverts computes: the inverse of each of `count` matrices of `size` rows. */
export interface InverseKernel {
  readonly count: number;
  readonly size: number;
}

const THREADS = 256;
/** Bytes of shared memory that every card gives a block. */
const SHARED = 48 * 1024;

/**
 * Gauss-Jordan elimination in place, with partial pivoting; one block a matrix. cuBLAS's batched inverse, which ONNX
 * Runtime calls, reads addresses from memory that a recorded run no longer has.
 * @param shape [..., n, n]
 */
export function inverseKernel(shape: readonly number[]): KernelSource {
  const n = shape.at(-1)!;
  const count = sizeOf(shape.slice(0, -2));
  // Beside the matrix: a column, the pivots' rows, and what the search for a pivot leaves.
  const isShared = 4 * (n * n + 3 * n) + 1024 <= SHARED;
  const each = (bound: string, inside: string, from = '0u') =>
    `for (unsigned e = ${from} + threadIdx.x; e < ${bound}; e += ${THREADS}u) { ${inside} }`;
  const body = `
  const float* x = i0 + (size_t)blockIdx.x * ${n * n}u;
  float* y = o0 + (size_t)blockIdx.x * ${n * n}u;
  ${isShared ? `__shared__ float m[${n * n}];` : 'float* m = y;'}
  __shared__ float column[${n}];
  __shared__ unsigned pivots[${n}];
  __shared__ float largest[${THREADS / 32}];
  __shared__ unsigned place[${THREADS / 32}];
  ${each(`${n * n}u`, 'm[e] = x[e];')}
  __syncthreads();
  for (unsigned k = 0u; k < ${n}u; ++k) {
    float best = -1.0f; unsigned row = k;
    ${each(`${n}u`, `const float size = fabsf(m[e * ${n}u + k]); if (size > best) { best = size; row = e; }`, 'k')}
    for (int step = 16; step > 0; step >>= 1) {
      const float other = __shfl_xor_sync(0xffffffffu, best, step);
      const unsigned otherRow = __shfl_xor_sync(0xffffffffu, row, step);
      if (other > best || (other == best && otherRow < row)) { best = other; row = otherRow; }
    }
    if ((threadIdx.x & 31u) == 0u) { largest[threadIdx.x >> 5] = best; place[threadIdx.x >> 5] = row; }
    __syncthreads();
    best = largest[0]; row = place[0];
    for (unsigned w = 1u; w < ${THREADS / 32}u; ++w) if (largest[w] > best || (largest[w] == best && place[w] < row)) { best = largest[w]; row = place[w]; }
    if (threadIdx.x == 0u) pivots[k] = row;
    if (row != k) ${each(`${n}u`, `const float t = m[k * ${n}u + e]; m[k * ${n}u + e] = m[row * ${n}u + e]; m[row * ${n}u + e] = t;`)}
    __syncthreads();
    const float inverse = 1.0f / m[k * ${n}u + k];
    ${each(`${n}u`, `column[e] = m[e * ${n}u + k];`)}
    __syncthreads();
    ${each(`${n}u`, `m[k * ${n}u + e] = e == k ? inverse : m[k * ${n}u + e] * inverse;`)}
    __syncthreads();
    ${each(`${n * n}u`, `const unsigned i = e / ${n}u, j = e % ${n}u; if (i != k) m[e] = (j == k ? 0.0f : m[e]) - column[i] * m[k * ${n}u + j];`)}
    __syncthreads();
  }
  for (unsigned k = ${n}u; k-- > 0u;) {
    const unsigned other = pivots[k];
    if (other != k) ${each(`${n}u`, `const float t = m[e * ${n}u + k]; m[e * ${n}u + k] = m[e * ${n}u + other]; m[e * ${n}u + other] = t;`)}
    __syncthreads();
  }
  ${isShared ? each(`${n * n}u`, 'y[e] = m[e];') : ''}
`;
  return {
    body,
    inputs: [OnnxType.FLOAT],
    outputs: [{ type: OnnxType.FLOAT, shape }],
    blocks: count,
    threads: THREADS,
    meaning: { count, size: n },
  };
}
