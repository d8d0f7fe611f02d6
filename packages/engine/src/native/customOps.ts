/**
 * Operators of our own in a session of ONNX Runtime: its C API calls back into JavaScript, which starts the kernel. Where
 * runs are recorded as a CUDA graph, that is while they are recorded and never again.
 */
import { CUSTOM_DOMAIN } from '../onnx/proto.ts';
import { type Address, type Koffi, loadKoffi } from './foreign.ts';
import type { OrtApi } from './ortApi.ts';

/** One operator: so many inputs and outputs of fixed types. */
export interface CustomOp {
  readonly name: string;
  /** ONNX element types. */
  readonly inputs: readonly number[];
  readonly outputs: readonly { readonly type: number; readonly shape: readonly number[] }[];
  /**
   * Computes it, or puts its computation on a stream.
   * @param tensors addresses of the inputs' elements and then the outputs'
   * @param stream of the card; 0 elsewhere
   */
  run(tensors: readonly Address[], stream: Address): void;
}

/** Fields of `struct OrtCustomOp` behind its version (onnxruntime_c_api.h), in their order; 0 where we give none. */
const FIELDS = [
  'createKernel',
  'getName',
  'getProvider',
  'getInputType',
  'getInputCount',
  'getOutputType',
  'getOutputCount',
  'compute',
  'destroyKernel',
  'getZero',
  'getZero',
  'getZero',
  'getOne',
  'getOne',
  'getOne',
  'getOne',
  undefined,
  undefined,
  undefined,
  'getOne',
  'getLastVersion',
  undefined,
  undefined,
  undefined,
  undefined,
] as const;

type Field = Exclude<(typeof FIELDS)[number], undefined>;

/** Of the layout of that struct. */
const STRUCT_VERSION = 22;
const LAST_VERSION = 0x7fffffff;

/** What ONNX Runtime knows of one operator, and what a run needs of it. */
interface Registered {
  readonly op: CustomOp;
  readonly name: Address;
  readonly provider: Address;
  readonly shapes: readonly BigInt64Array[];
}

/** The operators of one session. */
export class CustomOps {
  readonly domain: Address;
  readonly #api: OrtApi;
  readonly #koffi: Koffi;
  readonly #registered = new Map<Address, Registered>();
  readonly #memory: Address[] = [];
  readonly #callbacks: Address[] = [];
  readonly #isOnCard: boolean;
  /** What went wrong in a call from ONNX Runtime, which cannot be told of it. */
  #error: Error | undefined;

  private constructor(koffi: Koffi, api: OrtApi, ops: readonly CustomOp[], isOnCard: boolean) {
    this.#api = api;
    this.#koffi = koffi;
    this.#isOnCard = isOnCard;
    this.domain = api.call('CreateCustomOpDomain', CUSTOM_DOMAIN);
    const table = this.#table();
    const provider = isOnCard ? this.#text('CUDAExecutionProvider') : 0n;
    for (const op of ops) {
      const place = this.#allocate(8 * (1 + FIELDS.length));
      const fields = new BigUint64Array(koffi.view(place, 8 * (1 + FIELDS.length)));
      fields.fill(0n);
      fields[0] = BigInt(STRUCT_VERSION);
      FIELDS.forEach((field, i) => {
        if (field !== undefined) fields[1 + i] = table[field];
      });
      const shapes = op.outputs.map(({ shape }) => BigInt64Array.from(shape, BigInt));
      this.#registered.set(place, { op, name: this.#text(op.name), provider, shapes });
      api.call('CustomOpDomain_Add', this.domain, place);
    }
  }

  static async create(api: OrtApi, ops: readonly CustomOp[], isOnCard: boolean): Promise<CustomOps> {
    return new CustomOps(await loadKoffi(), api, ops, isOnCard);
  }

  /** @throws Error that a kernel of the last run met */
  assertDone(): void {
    const error = this.#error;
    this.#error = undefined;
    if (error !== undefined) throw error;
  }

  /** After its session. */
  release(): void {
    this.#api.release('ReleaseCustomOpDomain', this.domain);
    for (const callback of this.#callbacks) this.#koffi.unregister(callback);
    for (const address of this.#memory) this.#koffi.free(address);
  }

  #of(address: Address): Registered {
    return this.#registered.get(address)!;
  }

  #table(): Record<Field, Address> {
    const [int, op, index] = ['int', 'void *', 'size_t'];
    const callback = (name: string, result: string, args: string[], fn: (...args: never[]) => unknown) => {
      const proto = this.#koffi.proto(`PsoftOp_${name}_${prototypes++}`, result, args);
      const address = this.#koffi.register(fn, this.#koffi.pointer(proto)) as unknown as Address;
      this.#callbacks.push(address);
      return address;
    };
    return {
      createKernel: callback('create', op, [op, op, op], (self: Address) => self),
      getName: callback('name', op, [op], (self: Address) => this.#of(self).name),
      getProvider: callback('provider', op, [op], (self: Address) => this.#of(self).provider),
      getInputType: callback('inputType', int, [op, index], (self: Address, i: number) => {
        return this.#of(self).op.inputs[Number(i)]!;
      }),
      getInputCount: callback('inputCount', index, [op], (self: Address) => this.#of(self).op.inputs.length),
      getOutputType: callback('outputType', int, [op, index], (self: Address, i: number) => {
        return this.#of(self).op.outputs[Number(i)]!.type;
      }),
      getOutputCount: callback(
        'outputCount',
        index,
        [op],
        (self: Address) => this.#of(self).op.outputs.length,
      ),
      compute: callback('compute', 'void', [op, op], (self: Address, context: Address) => {
        try {
          this.#compute(this.#of(self), context);
        } catch (error) {
          this.#error ??= error as Error;
        }
      }),
      destroyKernel: callback('destroy', 'void', [op], () => undefined),
      // Required each, in the provider's own memory.
      getZero: callback('zero', int, [op, index], () => 0),
      getOne: callback('one', int, [op], () => 1),
      getLastVersion: callback('last', int, [op], () => LAST_VERSION),
    };
  }

  #compute({ op, shapes }: Registered, context: Address): void {
    const api = this.#api;
    const tensors = op.inputs.map((_, i) =>
      api.call('GetTensorMutableData', api.call('KernelContext_GetInput', context, i)),
    );
    shapes.forEach((shape, i) => {
      const value = api.call('KernelContext_GetOutput', context, i, shape, shape.length);
      tensors.push(api.call('GetTensorMutableData', value));
    });
    op.run(tensors, this.#isOnCard ? api.call('KernelContext_GetGPUComputeStream', context) : 0n);
  }

  #allocate(bytes: number): Address {
    const address = this.#koffi.alloc('uint8_t', bytes) as unknown as Address;
    this.#memory.push(address);
    return address;
  }

  #text(text: string): Address {
    const bytes = Buffer.from(`${text}\0`);
    const address = this.#allocate(bytes.length);
    new Uint8Array(this.#koffi.view(address, bytes.length)).set(bytes);
    return address;
  }
}

/** Names of prototypes are the process's. */
let prototypes = 0;
