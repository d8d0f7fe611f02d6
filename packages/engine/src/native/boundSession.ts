/** A session whose inputs and outputs have places of their own in the device's memory, for good. */

import type { CompiledKernels } from '../cuda/runtime.ts';
import type { TypedArray } from '../ir/graph.ts';
import { ONNX_DTYPE } from '../onnx/builder.ts';
import type { InputArrays, OpenedSession, SessionSettings } from '../run/openedSession.ts';
import type { TensorSpec } from '../trace/trace.ts';
import { CustomOps } from './customOps.ts';
import type { Address } from './foreign.ts';
import { inTurn } from './inTurn.ts';
import { LOG_ERRORS, loadOrtApi, type OrtApi } from './ortApi.ts';
import { ResidentTensor } from './residentTensor.ts';

/** What a bound session needs to know beyond what any does. */
export interface BoundSettings extends SessionSettings {
  readonly device: 'cpu' | 'cuda';
  /** Inputs and outputs that others hold, by their names; the rest is copied at each run. */
  readonly resident: Readonly<Record<string, ResidentTensor>>;
  /** Operators of our own in the model. */
  readonly kernels?: CompiledKernels;
  /**
   * Whether memory is planned: a first run finds out what is needed when, gives its memory back, and the next ones have
   * one block with a place for everything. For programs that may be run any number of times.
   */
  readonly isPlanned: boolean;
  /** Whether runs are recorded as a CUDA graph. */
  readonly isRecorded: boolean;
  /** Options of the CUDA provider, by ONNX Runtime's names. */
  readonly provider: Readonly<Record<string, string>>;
}

/** Of a run that is not recorded as a CUDA graph. */
const UNRECORDED = { gpu_graph_id: '-1' };

const ALL_OPTIMISATIONS = 99;
const DEVICE_ALLOCATOR = 0;
const DEFAULT_MEMORY = 0;

/** @throws Error with the runtime's words where the session cannot be made, and where a resident tensor does not fit */
export async function openBoundSession(model: Uint8Array, settings: BoundSettings): Promise<OpenedSession> {
  const { device, inputs, outputs, resident, kernels, profilePrefix } = settings;
  /** Undone in the opposite order. */
  const cleanups: (() => void)[] = [() => kernels?.release()];
  const release = (): void => {
    for (const cleanup of cleanups.splice(0).reverse()) cleanup();
  };
  try {
    for (const name of Object.keys(resident))
      if (!(name in inputs) && !(name in outputs))
        throw new Error(
          `"${name}" is given as a resident tensor, and is no input or output: those are ${Object.keys({ ...inputs, ...outputs }).join(', ')}`,
        );
    const api = await loadOrtApi();
    const ops = kernels?.ops.length ? await CustomOps.create(api, kernels.ops, device === 'cuda') : undefined;
    cleanups.push(() => ops?.release());
    const session = createSession(api, model, settings, ops);
    cleanups.push(() => api.release('ReleaseSession', session));
    const binding = api.call('CreateIoBinding', session);
    cleanups.push(() => api.release('ReleaseIoBinding', binding));
    const name = device === 'cuda' ? 'Cuda' : 'Cpu';
    const memory = api.call('CreateMemoryInfo', name, DEVICE_ALLOCATOR, 0, DEFAULT_MEMORY);
    cleanups.push(() => api.release('ReleaseMemoryInfo', memory));

    const bind = binder(api, binding, memory, settings, cleanups);
    const { own: given, rebind } = await bind('in', inputs);
    const { own: taken } = await bind('out', outputs);
    const runOnce = (entries?: Readonly<Record<string, string>>): void => {
      const options = entries && runOptions(api, entries);
      try {
        // What the processor reads ONNX Runtime copies from the card when it is bound, and then no more.
        if (!settings.isRecorded) rebind();
        api.call('RunWithBinding', session, options ?? null, binding);
      } finally {
        if (options !== undefined) api.release('ReleaseRunOptions', options);
      }
      ops?.assertDone();
    };
    let isMeasured = !settings.isPlanned;
    let isFirst = true;
    const runWith = async (values: InputArrays, next: InputArrays | undefined) => {
      for (const [name, tensor] of given) await tensor.write(values[name]!);
      // What is copied ahead must not meet a recording.
      if (isFirst) for (const [, tensor] of given) await tensor.quiet();
      else for (const [name, tensor] of given) if (next?.[name] !== undefined) tensor.ahead(next[name]);
      if (!isMeasured) {
        const arena = `${device === 'cuda' ? 'gpu' : 'cpu'}:0`;
        runOnce({ ...UNRECORDED, 'memory.enable_memory_arena_shrinkage': arena });
        // Takes the block, which a recorded run could not.
        runOnce(UNRECORDED);
        isMeasured = true;
      }
      runOnce();
      isFirst = false;
      return Object.fromEntries(taken.map(([name, tensor]): [string, TypedArray] => [name, tensor.read()]));
    };
    const turn = inTurn();
    return {
      // Inputs have one place each: another run must not write there before this one has read.
      run: (values, next) => turn(() => runWith(values, next)),
      release: () =>
        turn(async () => {
          if (profilePrefix !== undefined)
            api.call('SessionEndProfiling', session, api.call('GetAllocatorWithDefaultOptions'));
          release();
        }),
    };
  } catch (error) {
    release();
    throw error;
  }
}

/** Gives inputs or outputs their places: those of others, or their own, which it returns with what binds all of them again. */
function binder(
  api: OrtApi,
  binding: Address,
  memory: Address,
  { device, resident }: Pick<BoundSettings, 'device' | 'resident'>,
  cleanups: (() => void)[],
) {
  return async (prefix: 'in' | 'out', specs: Readonly<Record<string, TensorSpec>>) => {
    const own: [string, ResidentTensor][] = [];
    const binds: (() => void)[] = [];
    for (const [name, spec] of Object.entries(specs)) {
      const held = resident[name];
      const tensor = held ?? (await ResidentTensor.create(device, spec));
      if (held === undefined) {
        cleanups.push(() => tensor.dispose());
        own.push([name, tensor]);
      } else if (String(held.spec.shape) !== String(spec.shape) || held.spec.dtype !== spec.dtype)
        throw new Error(
          `"${name}" is ${spec.dtype} [${spec.shape}], the resident tensor given for it ${held.spec.dtype} [${held.spec.shape}]`,
        );
      const shape = BigInt64Array.from(spec.shape, BigInt);
      const { address, byteLength } = tensor;
      const type = ONNX_DTYPE[spec.dtype];
      const value = api.call(
        'CreateTensorWithDataAsOrtValue',
        memory,
        address,
        byteLength,
        shape,
        shape.length,
        type,
      );
      cleanups.push(() => api.release('ReleaseValue', value));
      const bound = prefix === 'in' ? 'BindInput' : 'BindOutput';
      const bindOne = () => void api.call(bound, binding, `${prefix}:${name}`, value);
      bindOne();
      binds.push(bindOne);
    }
    const rebind = () => {
      for (const bindOne of binds) bindOne();
    };
    return { own, rebind };
  };
}

function createSession(
  api: OrtApi,
  model: Uint8Array,
  settings: BoundSettings,
  ops: CustomOps | undefined,
): Address {
  const { device, entries, threads, profilePrefix, isPlanned, provider } = settings;
  const options = api.call('CreateSessionOptions');
  try {
    api.call('SetSessionGraphOptimizationLevel', options, ALL_OPTIMISATIONS);
    api.call('SetSessionLogSeverityLevel', options, LOG_ERRORS);
    if (!isPlanned) api.call('DisableMemPattern', options);
    if (threads !== undefined) api.call('SetIntraOpNumThreads', options, threads);
    if (profilePrefix !== undefined) api.call('EnableProfiling', options, profilePrefix);
    for (const [key, value] of Object.entries(entries))
      api.call('AddSessionConfigEntry', options, key, value);
    if (ops !== undefined) api.call('AddCustomOpDomain', options, ops.domain);
    if (device === 'cuda') appendCuda(api, options, provider);
    return api.call('CreateSessionFromArray', api.environment, model, model.byteLength, options);
  } finally {
    api.release('ReleaseSessionOptions', options);
  }
}

function runOptions(api: OrtApi, entries: Readonly<Record<string, string>>): Address {
  const options = api.call('CreateRunOptions');
  for (const [key, value] of Object.entries(entries)) api.call('AddRunConfigEntry', options, key, value);
  return options;
}

function appendCuda(api: OrtApi, options: Address, provider: Readonly<Record<string, string>>): void {
  const cuda = api.call('CreateCUDAProviderOptions');
  try {
    const [keys, values] = [Object.keys(provider), Object.values(provider)];
    api.call('UpdateCUDAProviderOptions', cuda, keys, values, keys.length);
    api.call('SessionOptionsAppendExecutionProvider_CUDA_V2', options, cuda);
  } finally {
    api.release('ReleaseCUDAProviderOptions', cuda);
  }
}
