import type { Graph } from './ir/graph.ts';
import { type OptimiseOptions, optimise } from './passes/index.ts';
import { DeviceError } from './run/deviceError.ts';
import { createEagerProgram } from './run/eager.ts';
import { type Executor, isDevice, type Program } from './run/program.ts';
import { createSessionProgram, kernelRuntimeOf, type SessionOptions } from './run/session.ts';
import { type ProgramFunction, type TensorSpec, trace } from './trace/trace.ts';
import { placesOf } from './weights/moved.ts';
import type { WeightSource } from './weights/source.ts';

/** What a program function takes: tensors fed at every run, and frozen weights. */
export interface Signature {
  readonly inputs: Readonly<Record<string, TensorSpec>>;
  /** Weights the function may ask for; only those it does ask for become part of the program. */
  readonly weights?: ReadonlyMap<string, WeightSource>;
  /** Names of the inputs that are trained: what is made of them alone is the same for every example. */
  readonly parameters?: readonly string[];
}

export interface CompileOptions extends SessionOptions, OptimiseOptions {
  /** Default "cpu": one ONNX graph for ONNX Runtime, as on the other devices. The eager ones call tfjs kernels one by one. */
  readonly executor?: Executor;
  /** Name in error messages and in the ONNX model. */
  readonly name?: string;
}

/**
 * Turns a tfjs function into something that runs fast: traces it, backward pass and all, into one graph, optimises
 * the graph, writes it as ONNX with the weights referenced where they lie, and opens a session on it. With an eager
 * executor nothing is compiled and the function itself is called at every run.
 * @throws CompileError when the function does something that a static graph cannot hold
 * @throws DeviceError when the device is not there or has not what the options ask for
 */
export async function compile(
  fn: ProgramFunction,
  signature: Signature,
  options: CompileOptions = {},
): Promise<Program> {
  const { executor = 'cpu', name = fn.name || 'program' } = options;
  const weights = placesOf(signature.weights ?? new Map<string, WeightSource>());
  if (!isDevice(executor))
    return createEagerProgram(executor, fn, signature.inputs, weights, options.threads);
  if (executor === 'webgpu' && options.precision === 'bf16')
    throw new DeviceError('the device "webgpu" has no bfloat16; use precision f16 or f32');
  const start = performance.now();
  const sources = { ...signature, weights };
  const traced = traceUnoptimised(fn, sources);
  const kernelRuntime = await kernelRuntimeOf(traced, executor, options);
  const passes = { ...options, device: executor, hasKernels: kernelRuntime !== undefined };
  const graph = optimise(traced, passes, sources);
  const traceMilliseconds = performance.now() - start;
  return createSessionProgram(name, graph, signature.inputs, weights, traceMilliseconds, {
    ...options,
    device: executor,
    kernels: kernelRuntime,
  });
}

/** The graph that {@link compile} would run. */
export function traceOptimised(
  fn: ProgramFunction,
  signature: Signature,
  options: OptimiseOptions = {},
): Graph {
  return optimise(traceUnoptimised(fn, signature), options, signature);
}

/** The graph as recorded, before any pass. */
export function traceUnoptimised(fn: ProgramFunction, signature: Signature): Graph {
  const specs = new Map<string, TensorSpec>();
  for (const [key, source] of signature.weights ?? [])
    specs.set(key, { shape: source.shape, dtype: 'float32' });
  return trace(fn, signature.inputs, specs);
}
