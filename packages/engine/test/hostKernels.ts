/**
 * Runs kernels of CUDA C without a card: compiled as C++ for this machine's processor, thread after thread. Threads that wait
 * for each other are fibers: each runs to where it waits, then the next one.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import koffi from 'koffi';
import { PRELUDE } from '../src/cuda/expressions.ts';
import { functionOf, type KernelSource } from '../src/cuda/kernelSource.ts';
import type { CustomOp } from '../src/native/customOps.ts';
import { type Interpreter, kernelInterpreter } from './kernelInterpreter.ts';

export const hasCompiler = spawnSync('g++', ['--version']).status === 0;

/** Of CUDA's language what the kernels use. */
const SHIM = `
#include <cmath>
#include <cstring>
#include <initializer_list>
#include <ucontext.h>
#include <vector>
#define __global__
#define __device__
#define __forceinline__ inline
#define __restrict__
#define __shared__ static
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

/** All threads of a block stop at the same places, in the same order, unless they have ended. */
const FIBERS = `
struct Fiber { ucontext_t context; std::vector<char> stack; bool isDone; unsigned exchanges; };
static std::vector<Fiber> fibers;
static ucontext_t scheduler;
static unsigned slots[2][1024];
static void (*body)(void**);
static void** given;
static void pause_fiber() { swapcontext(&fibers[threadIdx.x].context, &scheduler); }
static void __syncthreads() { pause_fiber(); }
template <class T> static T __shfl_xor_sync(unsigned, T value, int step) {
  static_assert(sizeof(T) == 4, "words");
  const unsigned self = threadIdx.x, turn = fibers[self].exchanges++ & 1u;
  memcpy(&slots[turn][self], &value, 4);
  pause_fiber();
  memcpy(&value, &slots[turn][self ^ (unsigned)step], 4);
  return value;
}
static void start_fiber() {
  const unsigned self = threadIdx.x;
  body(given);
  fibers[self].isDone = true;
}
static void run_block(unsigned threads, void (*kernel)(void**), void** tensors) {
  body = kernel; given = tensors;
  if (fibers.size() < threads) fibers.resize(threads);
  for (unsigned i = 0; i < threads; ++i) {
    Fiber& fiber = fibers[i];
    fiber.stack.resize(1 << 16); fiber.isDone = false; fiber.exchanges = 0;
    getcontext(&fiber.context);
    fiber.context.uc_stack.ss_sp = fiber.stack.data(); fiber.context.uc_stack.ss_size = fiber.stack.size();
    fiber.context.uc_link = &scheduler;
    makecontext(&fiber.context, start_fiber, 0);
  }
  for (bool isRunning = true; isRunning;) {
    isRunning = false;
    for (threadIdx.x = 0; threadIdx.x < threads; ++threadIdx.x)
      if (!fibers[threadIdx.x].isDone) { isRunning = true; swapcontext(&scheduler, &fibers[threadIdx.x].context); }
  }
}
`;

/** 16-bit floats are instructions of the card. */
const HALVES = /__device__[^\n]*psoft_(to|from)_f16\([^}]*\}/g;

/** Whether the threads of a kernel wait for each other. */
const isBlockwise = ({ body }: KernelSource): boolean => /__syncthreads|__shfl/.test(body);

/** @returns the runtime; it runs each kernel as it is written */
export function hostKernels(): Interpreter {
  const interpreter = kernelInterpreter();
  return {
    kernels: interpreter.kernels,
    compile(named) {
      const { ops } = interpreter.compile(named);
      const loops = named.map(({ name, source }) => {
        const { inputs, outputs, blocks, threads } = source;
        // Whatever they point to: C++ has no conversion to each parameter's type of its own.
        const args = [...inputs, ...outputs].map((_, i) => `Any{tensors[${i}]}`).join(', ');
        const each = isBlockwise(source)
          ? `run_block(${threads}u, one_${name}, tensors);`
          : `for (threadIdx.x = 0; threadIdx.x < ${threads}u; ++threadIdx.x) one_${name}(tensors);`;
        return `static void one_${name}(void** tensors) { ${name}(${args}); }
        extern "C" void run_${name}(void** tensors) {
          for (blockIdx.x = 0; blockIdx.x < ${blocks}u; ++blockIdx.x) ${each}
        }`;
      });
      const text = [
        SHIM,
        FIBERS,
        'struct Any { void* address; template <class T> operator T*() const { return (T*)address; } };',
        PRELUDE.replace(HALVES, '').replace(/__device__[^\n]*psoft_round_f16[^\n]*/, ''),
        ...named.map(({ name, source }) => functionOf(name, source)),
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
        ops: ops.map((op): CustomOp => {
          const run = loaded.func(`void run_${op.name}(void **tensors)`);
          return { ...op, run: (tensors) => run(tensors) };
        }),
      };
    },
  };
}
