/** Runs a lowered graph with ONNX Runtime. */

import { realpathSync } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { cudaKernels, type KernelRuntime } from '../cuda/runtime.ts';
import type { Graph } from '../ir/graph.ts';
import { storedWeights } from '../memory/storage.ts';
import { openBoundSession } from '../native/boundSession.ts';
import { assertReadOnce, type ResidentTensor, updatesInPlace } from '../native/residentTensor.ts';
import { type Blob, lower } from '../onnx/lower.ts';
import { encodeModel } from '../onnx/proto.ts';
import { TARGETS, targetOf } from '../onnx/target.ts';
import { computesAgain } from '../passes/again.ts';
import { onceComputed } from '../passes/origins.ts';
import type { Precision } from '../passes/precision.ts';
import type { TensorSpec } from '../trace/trace.ts';
import { writeFully } from '../weights/bytes.ts';
import type { WeightSource } from '../weights/source.ts';
import { DeviceError, deviceErrorOf } from './deviceError.ts';
import { openNodeSession } from './nodeSession.ts';
import type { OpenedSession } from './openedSession.ts';
import {
  checkInputs,
  type Device,
  type Executor,
  isDevice,
  type Program,
  type TensorValue,
} from './program.ts';
import { settleTf32 } from './tf32.ts';

export interface SessionOptions {
  /** Threads inside one operator; default: one for each physical core, as ONNX Runtime chooses. */
  readonly threads?: number;
  /** Where the temporary file of constants is written; default the system's temporary folder. */
  readonly temporaryFolder?: string;
  /**
   * What becomes of weights stored in 16 bits. `inPlace`: each use widens them for itself, and nothing stays.
   * `widened`: ONNX Runtime makes float32 copies when the session is made, and packs them: faster, at thrice the memory
   * and more. Default: in place from 1 GB on, of them or of weights in 4 bits; on WebGPU always widened.
   */
  readonly halfWeights?: HalfWeights;
  /**
   * Whether ONNX Runtime may keep weights a second time, laid out for its products. Without, they stay in their mapped
   * file alone, and each product lays them out anew; those in 4 bits become float32 for it, some rows at a time.
   * Default true, but for programs with gradients through 1 GB and more of weights in 4 bits.
   */
  readonly packWeights?: boolean;
  /**
   * On CUDA: products of float32 may round their operands to TF32, which is faster. One choice a process; default false.
   */
  readonly tf32?: boolean;
  /**
   * Inputs and outputs that stay on the device, by their names: runs neither take nor return them. One given for an input
   * and an output is updated in place. Only where the binding is native.
   */
  readonly resident?: Readonly<Record<string, ResidentTensor>>;
  /**
   * By which way ONNX Runtime is called: its npm package, or its C API, which knows all options of the CUDA provider and
   * lets tensors stay on the card. Default: native on CUDA, else the package.
   */
  readonly binding?: Binding;
  /**
   * On CUDA, natively: whether the kernels of a run are recorded as one CUDA graph and started together from then on.
   * Default true, but for programs with a loop or that update in place. The first run computes several times.
   */
  readonly cudaGraph?: boolean;
  /**
   * Natively: whether memory is planned after a first run, one block with a place for everything. The first run computes
   * several times. Default: on CUDA for programs whose runs are recorded.
   */
  readonly planMemory?: boolean;
  /**
   * What compiles kernels of our own, which do element-wise computations that hang together in one pass. Default: on CUDA
   * NVIDIA's compiler library where it is installed, for programs whose runs are recorded; `true` for others, too, and
   * `false` for none.
   */
  readonly kernels?: KernelRuntime | boolean;
  /** ONNX Runtime writes what each node took into a file of this beginning when the program is disposed of. */
  readonly profilePrefix?: string;
  /** Further configuration entries of the session, by their full names, for trials. */
  readonly sessionEntries?: Readonly<Record<string, string>>;
  /** Options of the device's provider, by ONNX Runtime's names, for trials. */
  readonly providerOptions?: Readonly<Record<string, unknown>>;
}

export type Binding = 'package' | 'native';

export type HalfWeights = 'inPlace' | 'widened';

/** The optimisations of ONNX Runtime that would undo what the graph does to save memory. */
function disabledOptimisers(isInPlace: boolean, isComputedTwice: boolean): string {
  return [
    // Would widen a weight for good: any, and those of float16.
    ...(isInPlace ? ['ConstantFolding', 'FuseFp16InitializerToFp32NodeTransformer'] : []),
    // Would join what is computed twice so that it can be let go in between.
    ...(isInPlace || isComputedTwice ? ['CommonSubexpressionElimination'] : []),
  ].join(';');
}

export async function createSessionProgram(
  name: string,
  graph: Graph,
  specs: Readonly<Record<string, TensorSpec>>,
  weights: ReadonlyMap<string, WeightSource>,
  traceMilliseconds: number,
  options: Omit<SessionOptions, 'kernels'> & {
    readonly device?: Device;
    readonly recompute?: boolean;
    readonly precision?: Precision;
    readonly kernels?: KernelRuntime | undefined;
  } = {},
): Promise<Program> {
  const { recompute = false, device = 'cpu', precision = 'f32', profilePrefix, resident = {} } = options;
  const { tf32 = false } = options;
  const runtime = options.kernels;
  const hasKernels = runtime !== undefined;
  const isBound = isNative({ ...options, executor: device });
  if (Object.keys(resident).length > 0 && !isBound)
    throw new DeviceError('tensors can stay on a device only where ONNX Runtime is called natively');
  assertReadOnce(graph, resident);
  if (updatesInPlace(graph, resident) && (options.cudaGraph || options.planMemory))
    throw new DeviceError(
      'a program that updates a tensor in place can be neither recorded nor planned: its first run would compute several times',
    );
  if (device === 'cuda') settleTf32(tf32);
  const start = performance.now();
  const parent = realpathSync(options.temporaryFolder ?? os.tmpdir());
  const folder = await mkdtemp(path.join(parent, 'psoft-'));
  const outputs = Object.fromEntries(
    [...graph.outputs].map(([key, { shape, dtype }]): [string, TensorSpec] => [key, { shape, dtype }]),
  );
  let session: OpenedSession;
  let onnxNodes: number;
  try {
    const blobFile = path.join(folder, 'constants.bin');
    const { areHalvesInPlace, quantized, isPacked } = storedWeights(graph, weights, {
      ...options,
      halfWeights: TARGETS[device].halfWeights ?? options.halfWeights,
    });
    const lowered = lower(graph, weights, name, blobFile, {
      widenAtUse: areHalvesInPlace,
      packWeights: isPacked,
      target: targetOf(device, hasKernels),
    });
    onnxNodes = lowered.model.nodes.length;
    await writeBlobs(blobFile, lowered.blobs);
    const settings = {
      inputs: specs,
      outputs,
      ...(options.threads === undefined ? {} : { threads: options.threads }),
      ...(profilePrefix === undefined ? {} : { profilePrefix }),
      entries: {
        'session.model_external_initializers_file_folder_path': lowered.folder,
        'session.disable_prepacking': isPacked ? '0' : '1',
        'optimization.disable_specified_optimizers': disabledOptimisers(
          // Where 16-bit numbers are multiplied as such, folding joins weights and widens none that matter.
          areHalvesInPlace && !(device === 'cuda' && precision !== 'f32'),
          recompute || quantized.size > 0 || computesAgain(graph),
        ),
        ...options.sessionEntries,
      },
    };
    const model = encodeModel(lowered.model);
    const bound = (cudaGraph: boolean) =>
      openBoundSession(model, {
        ...settings,
        device: nativeDevice(device),
        resident,
        isPlanned: options.planMemory ?? (device === 'cuda' && cudaGraph),
        isRecorded: device === 'cuda' && cudaGraph,
        ...(runtime && { kernels: runtime.compile(lowered.kernels) }),
        provider: cudaOptions(tf32, cudaGraph, options.providerOptions),
      });
    session = await onDevice(device, () =>
      isBound
        ? recordedIfPossible(name, isRecorded(graph, options, hasKernels), bound)
        : openNodeSession(model, { ...settings, device, provider: options.providerOptions ?? {} }),
    );
  } finally {
    // The session has mapped or copied the file by now; where a mapped file cannot be removed, the system's own
    // cleaning of temporary folders has to do it.
    await rm(folder, { recursive: true, force: true }).catch(() => undefined);
  }
  const sessionMilliseconds = performance.now() - start;
  const inputs = Object.fromEntries(Object.entries(specs).filter(([key]) => !(key in resident)));

  return {
    executor: device,
    inputs,
    graph,
    stats: { graphNodes: graph.nodes.length, onnxNodes, traceMilliseconds, sessionMilliseconds },
    async run(given, next) {
      checkInputs(inputs, given);
      const results = await onDevice(device, () => session.run(given, next));
      return Object.fromEntries(
        Object.entries(results).map(([key, data]): [string, TensorValue] => [
          key,
          { data, shape: outputs[key]!.shape },
        ]),
      );
    },
    dispose: () => session.release(),
  };
}

/** Whether a program of these options is bound natively. */
export function isNative({
  executor = 'cpu',
  binding,
}: Pick<SessionOptions, 'binding'> & { readonly executor?: Executor }): boolean {
  return isDevice(executor) && (binding ?? (executor === 'cuda' ? 'native' : 'package')) === 'native';
}

/** Opens a session whose runs are recorded, or, where the provider has not all of its operators, one whose runs are not. */
async function recordedIfPossible(
  name: string,
  isWished: boolean,
  opened: (cudaGraph: boolean) => Promise<OpenedSession>,
): Promise<OpenedSession> {
  try {
    return await opened(isWished);
  } catch (error) {
    if (!isWished || !/graph capture feature/.test((error as Error).message)) throw error;
    process.emitWarning(
      `ONNX Runtime computes a part of the program "${name}" on the CPU, for want of CUDA kernels: it runs without a CUDA graph, and slower`,
      'DeviceWarning',
    );
    return opened(false);
  }
}

/** Set to 0, no run is recorded. */
const GRAPHS_VARIABLE = 'PSOFT_CUDA_GRAPHS';

/**
 * Whether the kernels of a run are recorded as a CUDA graph, for which it is computed several times. ONNX Runtime records
 * no control flow, and its inverse of matrices reads addresses at every run that it wrote when it was recorded: there has
 * to be one of our own. Outputs that depend on no input it copies by itself, which cannot be recorded either.
 */
function isRecorded(
  graph: Graph,
  { cudaGraph, resident = {} }: Pick<SessionOptions, 'cudaGraph' | 'resident'>,
  hasKernels: boolean,
): boolean {
  if (process.env[GRAPHS_VARIABLE] === '0' || updatesInPlace(graph, resident)) return false;
  if (cudaGraph !== undefined) return cudaGraph;
  const frozen = onceComputed(graph);
  return (
    !graph.nodes.some(({ op }) => op === 'Loop' || (op === 'MatrixInverse' && !hasKernels)) &&
    [...graph.outputs.values()].every((value) => !frozen.has(value))
  );
}

/** What compiles kernels of our own for a program, if anything does. */
export async function kernelRuntimeOf(
  graph: Graph,
  device: Device,
  options: SessionOptions,
): Promise<KernelRuntime | undefined> {
  const { kernels } = options;
  if (kernels === false || !isNative({ ...options, executor: device })) return undefined;
  if (typeof kernels === 'object') return kernels;
  // Starting one from JavaScript takes as long as several of ONNX Runtime's.
  return device === 'cuda' && (kernels ?? isRecorded(graph, options, true)) ? cudaKernels() : undefined;
}

/** Options of the CUDA provider, by ONNX Runtime's names. */
function cudaOptions(
  tf32: boolean,
  cudaGraph: boolean,
  further: SessionOptions['providerOptions'] = {},
): Record<string, string> {
  return {
    device_id: '0',
    use_tf32: tf32 ? '1' : '0',
    enable_cuda_graph: cudaGraph ? '1' : '0',
    // Asking for powers of two reserves up to twice what a program needs.
    arena_extend_strategy: 'kSameAsRequested',
    ...Object.fromEntries(Object.entries(further).map(([key, value]) => [key, String(value)])),
  };
}

function nativeDevice(device: Device): 'cpu' | 'cuda' {
  if (device === 'webgpu')
    throw new DeviceError('WebGPU is reached through the npm package onnxruntime-node only, not natively');
  return device;
}

/** @throws DeviceError where the device's provider is missing, cannot start or failed */
async function onDevice<T>(device: Device, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw deviceErrorOf(device, error as Error);
  }
}

/** Writes the tensors at their offsets, which increase. */
async function writeBlobs(file: string, blobs: readonly Blob[]): Promise<void> {
  const handle = await open(file, 'wx');
  try {
    let end = 0;
    for (const { offset, data } of blobs) {
      await writeFully(handle, new Uint8Array(offset - end));
      await writeFully(handle, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
      end = offset + data.byteLength;
    }
  } finally {
    await handle.close();
  }
}
