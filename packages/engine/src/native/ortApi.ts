/**
 * ONNX Runtime's C API, from the library that onnxruntime-node has loaded or would load. Its JavaScript binding passes on
 * neither the options of a provider nor tensors that stay on the card.
 */
import path from 'node:path';
import { runtimePackage } from '../devices/provider.ts';
import { oneLine } from '../errors.ts';
import { DeviceError } from '../run/deviceError.ts';
import '../run/ort.ts'; // What it sets must be set before the library is loaded.
import { type Address, type Koffi, loadKoffi, loadLibrary } from './foreign.ts';

/** Of the C API; later runtimes have it, too. */
const API_VERSION = 22;

const FUNCTION_COUNT = 284;

/** "out": an address that comes back. */
type Kind = 'address' | 'text' | 'texts' | 'data' | 'size' | 'int' | 'out';

/**
 * By name: its place in `struct OrtApi` (onnxruntime_c_api.h), to which functions are only ever added at its end, and its
 * parameters. Those here return a status.
 */
const FUNCTIONS = {
  CreateEnv: [3, 'int', 'text', 'out'],
  CreateSessionFromArray: [8, 'address', 'data', 'size', 'address', 'out'],
  CreateSessionOptions: [10, 'out'],
  EnableProfiling: [14, 'address', 'text'],
  DisableMemPattern: [17, 'address'],
  SetSessionLogSeverityLevel: [22, 'address', 'int'],
  SetSessionGraphOptimizationLevel: [23, 'address', 'int'],
  SetIntraOpNumThreads: [24, 'address', 'int'],
  CreateCustomOpDomain: [26, 'text', 'out'],
  CustomOpDomain_Add: [27, 'address', 'address'],
  AddCustomOpDomain: [28, 'address', 'address'],
  CreateRunOptions: [39, 'out'],
  CreateTensorWithDataAsOrtValue: [49, 'address', 'address', 'size', 'data', 'size', 'int', 'out'],
  GetTensorMutableData: [51, 'address', 'out'],
  CreateMemoryInfo: [68, 'text', 'int', 'int', 'int', 'out'],
  GetAllocatorWithDefaultOptions: [78, 'out'],
  KernelContext_GetInput: [90, 'address', 'size', 'out'],
  KernelContext_GetOutput: [91, 'address', 'size', 'data', 'size', 'out'],
  SessionEndProfiling: [110, 'address', 'address', 'out'],
  AddSessionConfigEntry: [130, 'address', 'text', 'text'],
  RunWithBinding: [133, 'address', 'address', 'address'],
  CreateIoBinding: [134, 'address', 'out'],
  BindInput: [136, 'address', 'text', 'address'],
  BindOutput: [137, 'address', 'text', 'address'],
  KernelContext_GetGPUComputeStream: [193, 'address', 'out'],
  AddRunConfigEntry: [165, 'address', 'text', 'text'],
  SessionOptionsAppendExecutionProvider_CUDA_V2: [204, 'address', 'address'],
  CreateCUDAProviderOptions: [205, 'out'],
  UpdateCUDAProviderOptions: [206, 'address', 'texts', 'texts', 'size'],
} as const satisfies Readonly<Record<string, readonly [number, ...Kind[]]>>;

/** Those that return nothing. */
const RELEASES = {
  ReleaseStatus: 93,
  ReleaseMemoryInfo: 94,
  ReleaseSession: 95,
  ReleaseValue: 96,
  ReleaseRunOptions: 97,
  ReleaseSessionOptions: 100,
  ReleaseCustomOpDomain: 101,
  ReleaseIoBinding: 135,
  ReleaseCUDAProviderOptions: 208,
} as const;

type FunctionName = keyof typeof FUNCTIONS;
type Argument = Address | null | string | readonly string[] | ArrayBufferView | number;

export interface OrtApi {
  /**
   * Calls a function.
   * @returns the address that it brings back, 0 where it brings none
   * @throws Error with the runtime's own words
   */
  call(name: FunctionName, ...args: Argument[]): Address;
  release(name: keyof typeof RELEASES, address: Address): void;
  /** Of the process. */
  readonly environment: Address;
}

let opened: Promise<OrtApi> | undefined;

/** @throws DeviceError where the library or koffi is missing */
export function loadOrtApi(): Promise<OrtApi> {
  opened ??= loadKoffi().then(openApi);
  return opened;
}

function openApi(koffi: Koffi): OrtApi {
  const { libraries, version } = runtimePackage();
  if (process.platform !== 'linux')
    throw new DeviceError(`ONNX Runtime is called natively on Linux only, this is ${process.platform}`);
  if (libraries === undefined)
    throw new DeviceError(
      `onnxruntime-node ${version} has no library for ${process.platform} ${process.arch}`,
    );
  const library = loadLibrary(koffi, path.join(libraries, 'libonnxruntime.so.1'));
  const base = library.func('void *OrtGetApiBase()')() as Address;
  const [getApi] = koffi.decode(base, 'void *', 2) as [Address, Address];
  const api = koffi.call(getApi, koffi.proto('void *(uint32_t)'), API_VERSION) as Address | null;
  if (api === null || api === 0n)
    throw new DeviceError(
      `onnxruntime-node ${version} has not version ${API_VERSION} of ONNX Runtime's C API`,
    );
  const addresses = koffi.decode(api, 'void *', FUNCTION_COUNT) as Address[];

  const types = {
    address: 'void *',
    data: 'void *',
    text: 'const char *',
    texts: 'const char **',
    size: 'size_t',
    int: 'int',
    out: koffi.out(koffi.pointer('void *')),
  } as const satisfies Record<Kind, unknown>;
  const functions = Object.fromEntries(
    Object.entries(FUNCTIONS).map(([name, [place, ...kinds]]) => {
      const prototype = koffi.proto(
        `Ort${name}`,
        'void *',
        kinds.map((kind) => types[kind as Kind]),
      );
      return [name, koffi.decode(addresses[place]!, prototype) as (...args: unknown[]) => Address | null];
    }),
  );
  const releasing = koffi.proto('OrtRelease', 'void', ['void *']);
  const releases = Object.fromEntries(
    Object.entries(RELEASES).map(([name, place]) => [
      name,
      koffi.decode(addresses[place]!, releasing) as (address: Address) => void,
    ]),
  );
  const messageOf = koffi.decode(addresses[2]!, koffi.proto('OrtMessage', 'const char *', ['void *'])) as (
    status: Address,
  ) => string;

  const call: OrtApi['call'] = (name, ...args) => {
    const [, ...kinds] = FUNCTIONS[name] as readonly [number, ...Kind[]];
    const out: (Address | null)[] = [null];
    const status = functions[name]!(...args, ...(kinds.at(-1) === 'out' ? [out] : []));
    if (status !== null && status !== 0n) {
      const message = oneLine(messageOf(status));
      releases.ReleaseStatus!(status);
      throw new Error(message);
    }
    return out[0] ?? 0n;
  };
  return {
    call,
    release: (name, address) => releases[name]!(address),
    environment: call('CreateEnv', LOG_ERRORS, 'psoft'),
  };
}

/** Of ONNX Runtime's levels the one that logs errors alone. */
export const LOG_ERRORS = 3;
