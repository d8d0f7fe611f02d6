/** Compiles kernels of CUDA C while a program is made, by NVIDIA's compiler library, and starts them by its driver. */

import type { CustomOp } from '../native/customOps.ts';
import { CUDA_RUNTIMES } from '../native/deviceMemory.ts';
import { type Address, type ForeignFunction, type Koffi, loadFirst, loadKoffi } from '../native/foreign.ts';
import type { NamedKernel } from '../onnx/builder.ts';
import { DeviceError } from '../run/deviceError.ts';
import { PRELUDE } from './expressions.ts';
import { functionOf } from './kernelSource.ts';

/** What turns kernels into operators of a session. */
export interface KernelRuntime {
  compile(kernels: readonly NamedKernel[]): CompiledKernels;
}

export interface CompiledKernels {
  readonly ops: readonly CustomOp[];
  /** After the session. */
  release(): void;
}

const NVRTC = {
  nvrtcCreateProgram:
    'int nvrtcCreateProgram(_Out_ void **program, const char *source, const char *name, int headers, void *contents, void *names)',
  nvrtcCompileProgram: 'int nvrtcCompileProgram(void *program, int count, const char **options)',
  nvrtcGetCUBINSize: 'int nvrtcGetCUBINSize(void *program, _Out_ size_t *size)',
  nvrtcGetCUBIN: 'int nvrtcGetCUBIN(void *program, void *image)',
  nvrtcGetProgramLogSize: 'int nvrtcGetProgramLogSize(void *program, _Out_ size_t *size)',
  nvrtcGetProgramLog: 'int nvrtcGetProgramLog(void *program, void *log)',
  nvrtcDestroyProgram: 'int nvrtcDestroyProgram(_Inout_ void **program)',
};
const DRIVER = {
  cuModuleLoadData: 'int cuModuleLoadData(_Out_ void **module, void *image)',
  cuModuleUnload: 'int cuModuleUnload(void *module)',
  cuModuleGetFunction: 'int cuModuleGetFunction(_Out_ void **kernel, void *module, const char *name)',
  cuLaunchKernel:
    'int cuLaunchKernel(void *kernel, unsigned int x, unsigned int y, unsigned int z, unsigned int threads, unsigned int threadsY, unsigned int threadsZ, unsigned int shared, void *stream, void *parameters, void *extra)',
};
const RUNTIME = {
  cudaFree: 'int cudaFree(void *address)',
  cudaDeviceGetAttribute: 'int cudaDeviceGetAttribute(_Out_ int *value, int attribute, int device)',
};
const COMPUTE_MAJOR = 75;
const COMPUTE_MINOR = 76;

const NVRTC_LIBRARIES = ['libnvrtc.so.13', 'libnvrtc.so.12'];

type Functions<Names extends object> = Record<keyof Names, ForeignFunction>;

let found: Promise<KernelRuntime | undefined> | undefined;

/** Set to 0, programs have no kernels of our own. */
const KERNELS_VARIABLE = 'PSOFT_CUDA_KERNELS';

/** CUDA's; undefined, with a warning, where NVRTC is not installed, and where the environment forbids it. */
export function cudaKernels(): Promise<KernelRuntime | undefined> {
  found ??=
    process.env[KERNELS_VARIABLE] === '0' ? Promise.resolve(undefined) : loadKoffi().then(findCompiler);
  return found;
}

function findCompiler(koffi: Koffi): KernelRuntime | undefined {
  const compiler = loadFirst(koffi, NVRTC_LIBRARIES, NVRTC);
  const runtime = loadFirst(koffi, CUDA_RUNTIMES, RUNTIME);
  const driver = loadFirst(koffi, ['libcuda.so.1'], DRIVER);
  if (compiler !== undefined && runtime !== undefined && driver !== undefined)
    return new CudaKernels(koffi, compiler, driver, runtime);
  process.emitWarning(
    `NVIDIA's compiler library (${NVRTC_LIBRARIES.join(' or ')}) is not found: steps on CUDA take up to twice as long without; psoft doctor says how to get it`,
    'DeviceWarning',
  );
  return undefined;
}

/**
 * Machine code for a card.
 * @param architecture such as "sm_90"
 * @throws Error with the compiler's words
 */
function compileCuda(compiler: Functions<typeof NVRTC>, source: string, architecture: string): Uint8Array {
  const program: Address[] = [0n];
  const size: number[] = [0];
  check(compiler.nvrtcCreateProgram(program, source, 'psoft.cu', 0, null, null), 'nvrtcCreateProgram');
  try {
    const options = [`--gpu-architecture=${architecture}`, '--std=c++17'];
    if (compiler.nvrtcCompileProgram(program[0], options.length, options) !== 0) {
      compiler.nvrtcGetProgramLogSize(program[0], size);
      const log = Buffer.alloc(Number(size[0]));
      compiler.nvrtcGetProgramLog(program[0], log);
      throw new DeviceError(`a kernel cannot be compiled: ${log.toString().replace(/\0+$/, '')}`);
    }
    check(compiler.nvrtcGetCUBINSize(program[0], size), 'nvrtcGetCUBINSize');
    const image = new Uint8Array(Number(size[0]));
    check(compiler.nvrtcGetCUBIN(program[0], image), 'nvrtcGetCUBIN');
    return image;
  } finally {
    compiler.nvrtcDestroyProgram(program);
  }
}

class CudaKernels implements KernelRuntime {
  constructor(
    private readonly koffi: Koffi,
    private readonly compiler: Functions<typeof NVRTC>,
    private readonly driver: Functions<typeof DRIVER>,
    private readonly runtime: Functions<typeof RUNTIME>,
  ) {}

  compile(kernels: readonly NamedKernel[]): CompiledKernels {
    if (kernels.length === 0) return { ops: [], release: () => undefined };
    const { koffi, driver } = this;
    const source = PRELUDE + kernels.map(({ name, source }) => functionOf(name, source)).join('\n');
    const image = compileCuda(this.compiler, source, this.#architecture());
    const module: Address[] = [0n];
    check(driver.cuModuleLoadData(module, image), 'cuModuleLoadData');
    const blocks: Address[] = [];
    const ops = kernels.map(({ name, source: { inputs, outputs, blocks: grid, threads } }): CustomOp => {
      const kernel: Address[] = [0n];
      check(driver.cuModuleGetFunction(kernel, module[0], name), `cuModuleGetFunction of ${name}`);
      // The addresses of the tensors, and behind them where each of these stands: the parameters of a launch.
      const count = inputs.length + outputs.length;
      const place = koffi.alloc('uint64_t', 2 * count) as unknown as Address;
      blocks.push(place);
      const words = new BigUint64Array(koffi.view(place, 16 * count));
      for (let i = 0; i < count; i++) words[count + i] = place + BigInt(8 * i);
      const parameters = place + BigInt(8 * count);
      return {
        name,
        inputs,
        outputs,
        run(tensors, stream) {
          words.set(tensors as Address[]);
          const error = driver.cuLaunchKernel(
            kernel[0],
            grid,
            1,
            1,
            threads,
            1,
            1,
            0,
            stream,
            parameters,
            null,
          );
          check(error, `cuLaunchKernel of ${name}`);
        },
      };
    });
    return {
      ops,
      release() {
        driver.cuModuleUnload(module[0]);
        for (const block of blocks) koffi.free(block);
      },
    };
  }

  /** Of the first card. */
  #architecture(): string {
    // Makes the card's context the thread's, for the driver.
    check(this.runtime.cudaFree(null), 'cudaFree');
    const value = [0];
    const read = (attribute: number): number => {
      check(this.runtime.cudaDeviceGetAttribute(value, attribute, 0), 'cudaDeviceGetAttribute');
      return value[0]!;
    };
    return `sm_${read(COMPUTE_MAJOR)}${read(COMPUTE_MINOR)}`;
  }
}

function check(error: unknown, what: string): void {
  if (error !== 0) throw new DeviceError(`CUDA failed: ${what} gave error ${error}`);
}
