/** Memory of a device, in which tensors outlast a run. */

import { DeviceError } from '../run/deviceError.ts';
import { type Address, bindFunctions, loadFirst, loadKoffi, loadLibrary } from './foreign.ts';
import { inTurn } from './inTurn.ts';

export interface DeviceMemory {
  /** ONNX Runtime's name of it. */
  readonly name: 'Cpu' | 'Cuda';
  /** @throws DeviceError where there is not so much left */
  allocate(bytes: number): Address;
  free(address: Address): void;
  /** Copies to it. */
  write(to: Address, from: ArrayBufferView): Promise<void>;
  /**
   * Begins to copy, in another thread, what the next `write` of the same view is going to write: that is then a copy
   * within the device. The view must not change in between. Small views are left to `write`.
   */
  ahead(from: ArrayBufferView): void;
  /** When no other thread is copying: none may while a run is recorded. */
  quiet(): Promise<void>;
  read(from: Address, to: ArrayBufferView): void;
  copy(from: Address, to: Address, bytes: number): void;
}

const memories = new Map<'cpu' | 'cuda', Promise<DeviceMemory>>();

/**
 * @param device a card is the first one
 * @throws DeviceError where its library is missing
 */
export function deviceMemory(device: 'cpu' | 'cuda'): Promise<DeviceMemory> {
  let memory = memories.get(device);
  if (memory === undefined) {
    memory = device === 'cuda' ? cudaMemory() : hostMemory();
    memories.set(device, memory);
  }
  return memory;
}

/** Of this process: what is written for a card runs on it, too. */
async function hostMemory(): Promise<DeviceMemory> {
  const koffi = await loadKoffi();
  const { aligned_alloc, free, memcpy } = bindFunctions(koffi, 'libc.so.6', {
    aligned_alloc: 'void *aligned_alloc(size_t alignment, size_t size)',
    free: 'void free(void *address)',
    memcpy: 'void *memcpy(void *to, void *from, size_t size)',
  });
  return {
    name: 'Cpu',
    allocate: (bytes) => {
      const address = aligned_alloc(64, Math.ceil(Math.max(bytes, 1) / 64) * 64) as Address | null;
      if (address === null) throw new DeviceError(`no memory left for ${bytes} bytes`);
      return address;
    },
    free: (address) => free(address),
    write: async (to, from) => void memcpy(to, from, from.byteLength),
    ahead: () => undefined,
    quiet: async () => undefined,
    read: (from, to) => memcpy(to, from, to.byteLength),
    copy: (from, to, bytes) => memcpy(to, from, bytes),
  };
}

/** Copies that are made before they are asked for, one for each size: memory for a batch beside the one in use. */
class EarlyCopies {
  readonly #places = new Map<number, { address: Address; view: ArrayBufferView; done: Promise<boolean> }>();

  /** @param copy resolves to whether it succeeded */
  constructor(
    private readonly allocate: (bytes: number) => Address,
    private readonly free: (address: Address) => void,
    private readonly copy: (to: Address, from: ArrayBufferView) => Promise<boolean>,
  ) {}

  begin(view: ArrayBufferView): void {
    const known = this.#places.get(view.byteLength);
    if (known?.view === view) return;
    const address = known?.address ?? this.#allocated(view.byteLength);
    if (address === undefined) return;
    // At once where the place is free: what comes behind may block this thread.
    const isFree = known === undefined || known.view === NOTHING;
    const done = isFree ? this.copy(address, view) : known.done.then(() => this.copy(address, view));
    this.#places.set(view.byteLength, { address, view, done });
  }

  /** Where the elements of a view are, if they were copied; the next copy may take the place. */
  async take(view: ArrayBufferView): Promise<Address | undefined> {
    const known = this.#places.get(view.byteLength);
    if (known?.view !== view) return undefined;
    const isDone = await known.done;
    if (this.#places.get(view.byteLength) !== known) return undefined;
    this.#places.set(view.byteLength, { ...known, view: NOTHING });
    return isDone ? known.address : undefined;
  }

  async finished(): Promise<void> {
    await Promise.all([...this.#places.values()].map(({ done }) => done));
  }

  /** Undefined where the card has no memory to spare: then nothing is copied early. */
  #allocated(bytes: number): Address | undefined {
    // Of another size than before: programs of other shapes have taken over.
    for (const [size, { address, done }] of this.#places) {
      this.#places.delete(size);
      void done.then(() => this.free(address));
    }
    try {
      return this.allocate(bytes);
    } catch {
      return undefined;
    }
  }
}

const NOTHING = new Uint8Array(0);

/** CUDA's runtime, of the version that the provider was built for. */
export const CUDA_RUNTIMES = ['libcudart.so.13', 'libcudart.so.12'];

/** CUDA copies ordinary memory with one thread. From so many bytes on several of ours copy it to where the card reads. */
const WORTH_THREADS = 4e6;
const COPIERS = 4;

const HOST_TO_DEVICE = 1;
const DEVICE_TO_HOST = 2;
const DEVICE_TO_DEVICE = 3;

async function cudaMemory(): Promise<DeviceMemory> {
  const koffi = await loadKoffi();
  const declarations = {
    cudaHostAlloc: 'int cudaHostAlloc(_Out_ void **address, size_t size, unsigned int flags)',
    cudaFreeHost: 'int cudaFreeHost(void *address)',
    cudaMalloc: 'int cudaMalloc(_Out_ void **address, size_t size)',
    cudaFree: 'int cudaFree(void *address)',
    cudaMemcpy: 'int cudaMemcpy(void *to, void *from, size_t size, int kind)',
    cudaDeviceSynchronize: 'int cudaDeviceSynchronize()',
    cudaGetErrorString: 'const char *cudaGetErrorString(int error)',
  };
  const cuda = loadFirst(koffi, CUDA_RUNTIMES, declarations);
  if (cuda === undefined)
    throw new DeviceError(
      `CUDA's runtime (${CUDA_RUNTIMES.join(' or ')}) cannot be loaded; psoft doctor says what is missing`,
    );
  const {
    cudaHostAlloc,
    cudaFreeHost,
    cudaMalloc,
    cudaFree,
    cudaMemcpy,
    cudaDeviceSynchronize,
    cudaGetErrorString,
  } = cuda;
  const check = (error: unknown, what: string): void => {
    if (error !== 0) throw new DeviceError(`CUDA could not ${what}: ${cudaGetErrorString(error)}`);
  };
  const copy = (
    to: Address | ArrayBufferView,
    from: Address | ArrayBufferView,
    bytes: number,
    kind: number,
  ) => check(cudaMemcpy(to, from, bytes, kind), `copy ${bytes} bytes`);
  // The copies are on CUDA's default stream, for which the provider's own does not wait.
  const settle = () => check(cudaDeviceSynchronize(), 'finish a copy');
  const memcpy = loadLibrary(koffi, 'libc.so.6').func('void *memcpy(void *to, void *from, size_t size)');
  const copied = (to: Address, from: Uint8Array) =>
    new Promise<void>((resolve, reject) => {
      memcpy.async(to, from, from.byteLength, (error: Error | null) => (error ? reject(error) : resolve()));
    });
  const turn = inTurn();
  let staging: { readonly address: Address; readonly bytes: number } | undefined;
  /** Memory that the card reads by itself, of so many bytes. */
  const staged = (bytes: number): Address => {
    if (staging !== undefined && staging.bytes >= bytes) return staging.address;
    if (staging !== undefined) check(cudaFreeHost(staging.address), 'take memory back');
    staging = undefined;
    const out: (Address | null)[] = [null];
    check(cudaHostAlloc(out, bytes, 0), `give ${bytes} bytes of pinned memory`);
    staging = { address: out[0]!, bytes };
    return staging.address;
  };
  const allocate = (bytes: number): Address => {
    const out: (Address | null)[] = [null];
    check(cudaMalloc(out, Math.max(bytes, 1)), `give ${bytes} bytes of the card's memory`);
    return out[0]!;
  };
  const free = (address: Address) => check(cudaFree(address), 'take memory back');
  const early = new EarlyCopies(allocate, free, (to, from) => {
    return new Promise((resolve) => {
      cudaMemcpy.async!(to, from, from.byteLength, HOST_TO_DEVICE, (error: Error | null, code: unknown) =>
        resolve(error === null && code === 0),
      );
    });
  });
  return {
    name: 'Cuda',
    allocate,
    free,
    ahead: (from) => {
      if (from.byteLength >= WORTH_THREADS) early.begin(from);
    },
    quiet: () => early.finished(),
    async write(to, from) {
      const { buffer, byteOffset, byteLength } = from;
      const known = await early.take(from);
      if (known !== undefined) copy(to, known, byteLength, DEVICE_TO_DEVICE);
      else if (byteLength < WORTH_THREADS) copy(to, from, byteLength, HOST_TO_DEVICE);
      else
        await turn(async () => {
          const place = staged(byteLength);
          const slice = Math.ceil(byteLength / COPIERS / 4096) * 4096;
          const parts = Array.from({ length: Math.ceil(byteLength / slice) }, (_, i) => i * slice);
          await Promise.all(
            parts.map((at) => {
              const bytes = new Uint8Array(buffer, byteOffset + at, Math.min(slice, byteLength - at));
              return copied(place + BigInt(at), bytes);
            }),
          );
          copy(to, place, byteLength, HOST_TO_DEVICE);
        });
      settle();
    },
    read: (from, to) => copy(to, from, to.byteLength, DEVICE_TO_HOST),
    copy: (from, to, bytes) => {
      copy(to, from, bytes, DEVICE_TO_DEVICE);
      settle();
    },
  };
}
