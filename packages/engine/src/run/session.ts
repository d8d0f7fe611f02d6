/** Runs a lowered graph with ONNX Runtime. */

import { realpathSync } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import type { Graph, TypedArray } from '../ir/graph.ts';
import { storedWeights } from '../memory/storage.ts';
import { type Blob, lower } from '../onnx/lower.ts';
import { encodeModel } from '../onnx/proto.ts';
import { TARGETS } from '../onnx/target.ts';
import { takesMasksAgain } from '../passes/dropoutMasks.ts';
import type { Precision } from '../passes/precision.ts';
import type { TensorSpec } from '../trace/trace.ts';
import { writeFully } from '../weights/bytes.ts';
import type { WeightSource } from '../weights/source.ts';
import { deviceErrorOf } from './deviceError.ts';
import { loadOrt, type Ort } from './ort.ts';
import { checkInputs, type Device, type Program, type TensorValue } from './program.ts';
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
  /** ONNX Runtime writes what each node took into a file of this beginning when the program is disposed of. */
  readonly profilePrefix?: string;
  /** Further configuration entries of the session, by their full names, for trials. */
  readonly sessionEntries?: Readonly<Record<string, string>>;
  /** Options of the device's provider, by ONNX Runtime's names, for trials. */
  readonly providerOptions?: Readonly<Record<string, unknown>>;
}

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
  options: SessionOptions & {
    readonly device?: Device;
    readonly recompute?: boolean;
    readonly precision?: Precision;
  } = {},
): Promise<Program> {
  const {
    recompute = false,
    device = 'cpu',
    precision = 'f32',
    profilePrefix,
    sessionEntries,
    tf32 = false,
  } = options;
  if (device === 'cuda') settleTf32(tf32);
  const ort = await loadOrt();
  const start = performance.now();
  const parent = realpathSync(options.temporaryFolder ?? os.tmpdir());
  const folder = await mkdtemp(path.join(parent, 'psoft-'));
  let session: InferenceSession;
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
      target: TARGETS[device],
    });
    onnxNodes = lowered.model.nodes.length;
    await writeBlobs(blobFile, lowered.blobs);
    session = await openSession(ort, device, encodeModel(lowered.model), {
      executionProviders: [{ name: device, ...options.providerOptions }],
      graphOptimizationLevel: 'all',
      // Planned once for all values, memory is not given back in between: a third more at ViT-B/16, and no faster.
      enableMemPattern: false,
      ...(options.threads === undefined ? {} : { intraOpNumThreads: options.threads }),
      logSeverityLevel: 3,
      ...(profilePrefix === undefined ? {} : { enableProfiling: true, profileFilePrefix: profilePrefix }),
      extra: nested({
        'session.model_external_initializers_file_folder_path': lowered.folder,
        'session.disable_prepacking': isPacked ? '0' : '1',
        'optimization.disable_specified_optimizers': disabledOptimisers(
          // Where 16-bit numbers are multiplied as such, folding joins weights and widens none that matter.
          areHalvesInPlace && !(device === 'cuda' && precision !== 'f32'),
          recompute || quantized.size > 0 || takesMasksAgain(graph),
        ),
        ...sessionEntries,
      }),
    });
  } finally {
    // The session has mapped or copied the file by now; where a mapped file cannot be removed, the system's own
    // cleaning of temporary folders has to do it.
    await rm(folder, { recursive: true, force: true }).catch(() => undefined);
  }
  const sessionMilliseconds = performance.now() - start;
  const outputs = [...graph.outputs];

  return {
    executor: device,
    inputs: specs,
    graph,
    stats: { graphNodes: graph.nodes.length, onnxNodes, traceMilliseconds, sessionMilliseconds },
    async run(inputs) {
      checkInputs(specs, inputs);
      const feeds: Record<string, OrtTensor> = {};
      for (const [key, spec] of Object.entries(specs)) {
        feeds[`in:${key}`] = new ort.Tensor(spec.dtype as 'float32', inputs[key] as Float32Array, spec.shape);
      }
      const results = await session.run(feeds).catch((error: Error) => {
        throw deviceErrorOf(device, error);
      });
      return Object.fromEntries(
        outputs.map(([key, value]): [string, TensorValue] => {
          const tensor = results[`out:${key}`]!;
          return [key, { data: tensor.data as TypedArray, shape: value.shape }];
        }),
      );
    },
    async dispose() {
      if (profilePrefix !== undefined) session.endProfiling();
      await session.release();
    },
  };
}

/** @throws DeviceError where the device's provider is missing or cannot start */
async function openSession(
  ort: Ort,
  device: Device,
  model: Uint8Array,
  options: InferenceSession.SessionOptions,
): Promise<InferenceSession> {
  try {
    return await ort.InferenceSession.create(model, options);
  } catch (error) {
    throw deviceErrorOf(device, error as Error);
  }
}

/** "a.b" to { a: { b } }, as ONNX Runtime's binding takes them. */
function nested(entries: Readonly<Record<string, string>>): Record<string, unknown> {
  const tree: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(entries)) {
    const parts = name.split('.');
    const last = parts.pop()!;
    let at = tree;
    for (const part of parts) {
      at[part] ??= {};
      at = at[part] as Record<string, unknown>;
    }
    at[last] = value;
  }
  return tree;
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
