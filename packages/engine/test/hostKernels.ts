/** Runs kernels of CUDA C without a card: compiled as C++ for this machine's processor, thread after thread. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import koffi from 'koffi';
import { PRELUDE } from '../src/cuda/expressions.ts';
import { functionOf } from '../src/cuda/kernelSource.ts';
import { Region } from '../src/ir/region.ts';
import type { CustomOp } from '../src/native/customOps.ts';
import { type Interpreter, kernelInterpreter } from './kernelInterpreter.ts';

export const hasCompiler = spawnSync('g++', ['--version']).status === 0;

/** Of CUDA's language what the kernels use. */
const SHIM = `
#include <cmath>
#include <cstring>
#include <initializer_list>
#define __global__
#define __device__
#define __forceinline__ inline
#define __restrict__
struct Place { unsigned x; };
static Place blockIdx, threadIdx;
struct float4 { float x, y, z, w; };
struct int4 { int x, y, z, w; };
struct uint4 { unsigned x, y, z, w; };
struct uint2 { unsigned x, y; };
struct ushort4 { unsigned short x, y, z, w; };
static inline float4 make_float4(float x, float y, float z, float w) { return { x, y, z, w }; }
static inline ushort4 make_ushort4(unsigned short x, unsigned short y, unsigned short z, unsigned short w) { return { x, y, z, w }; }
static inline unsigned __float_as_uint(float x) { unsigned u; memcpy(&u, &x, 4); return u; }
static inline float __uint_as_float(unsigned u) { float x; memcpy(&x, &u, 4); return x; }
static inline float __int_as_float(int u) { return __uint_as_float((unsigned)u); }
`;

/** 16-bit floats are instructions of the card. */
const HALVES = /__device__[^\n]*psoft_(to|from)_f16\([^}]*\}/g;

/** @returns the runtime; kernels over rows, whose threads speak to each other, are interpreted */
export function hostKernels(): Interpreter {
  const interpreter = kernelInterpreter();
  return {
    kernels: interpreter.kernels,
    compile(named) {
      const others = interpreter.compile(named).ops;
      const own = named.filter(
        ({ source: { meaning } }) => meaning instanceof Region || 'moves' in meaning || 'rotated' in meaning,
      );
      const loops = own.map(({ name, source: { inputs, outputs, blocks, threads } }) => {
        const pointers = [...inputs, ...outputs].map((_, i) => `(float*)tensors[${i}]`);
        // Whatever they point to: C++ has no conversion to each parameter's type of its own.
        const args = pointers.map((_, i) => `Any{tensors[${i}]}`).join(', ');
        return `extern "C" void run_${name}(void** tensors) {
          for (blockIdx.x = 0; blockIdx.x < ${blocks}u; ++blockIdx.x)
            for (threadIdx.x = 0; threadIdx.x < ${threads}u; ++threadIdx.x) ${name}(${args});
        }`;
      });
      const text = [
        SHIM,
        'struct Any { void* address; template <class T> operator T*() const { return (T*)address; } };',
        PRELUDE.replace(HALVES, '').replace(/__device__[^\n]*psoft_round_f16[^\n]*/, ''),
        ...own.map(({ name, source }) => functionOf(name, source)),
        ...loops,
      ].join('\n');
      const folder = mkdtempSync(path.join(os.tmpdir(), 'psoft-host-kernels-'));
      const [file, library] = [path.join(folder, 'kernels.cpp'), path.join(folder, 'kernels.so')];
      writeFileSync(file, text);
      execFileSync('g++', ['-O1', '-std=c++17', '-w', '-shared', '-fPIC', '-o', library, file]);
      const loaded = koffi.load(library);
      rmSync(folder, { recursive: true });
      return {
        release: () => undefined,
        ops: others.map((op): CustomOp => {
          if (!own.some(({ name }) => name === op.name)) return op;
          const run = loaded.func(`void run_${op.name}(void **tensors)`);
          return { ...op, run: (tensors) => run(tensors) };
        }),
      };
    },
  };
}
