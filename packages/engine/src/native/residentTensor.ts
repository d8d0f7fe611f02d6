import { bytesOf, type Graph, type TypedArray } from '../ir/graph.ts';
import { arrayOf } from '../run/program.ts';
import type { TensorSpec } from '../trace/trace.ts';
import { type DeviceMemory, deviceMemory } from './deviceMemory.ts';
import type { Address } from './foreign.ts';

/**
 * A tensor in a device's memory, which programs compiled with it in their `resident` option read and write in place:
 * nothing is copied between their runs.
 */
export class ResidentTensor {
  readonly byteLength: number;
  readonly address: Address;
  #isDisposed = false;

  private constructor(
    readonly spec: TensorSpec,
    private readonly memory: DeviceMemory,
  ) {
    this.byteLength = bytesOf(spec);
    this.address = memory.allocate(this.byteLength);
  }

  /**
   * Its elements are undefined before the first write.
   * @throws DeviceError where the memory is not there
   */
  static async create(device: 'cpu' | 'cuda', spec: TensorSpec): Promise<ResidentTensor> {
    return new ResidentTensor(spec, await deviceMemory(device));
  }

  async write(data: TypedArray): Promise<void> {
    this.#assertFits(data.byteLength);
    await this.memory.write(this.address, data);
  }

  /** Begins what a later {@link write} of the same array, unchanged, is then spared; for large ones. */
  ahead(data: TypedArray): void {
    this.memory.ahead(data);
  }

  /** When nothing is being copied ahead. */
  quiet(): Promise<void> {
    return this.memory.quiet();
  }

  /** @param into an array to fill instead of a new one */
  read<T extends TypedArray>(into: T = arrayOf(this.spec) as T): T {
    this.#assertFits(into.byteLength);
    this.memory.read(this.address, into);
    return into;
  }

  copyFrom(other: ResidentTensor): void {
    this.#assertFits(other.byteLength);
    this.memory.copy(other.address, this.address, this.byteLength);
  }

  dispose(): void {
    if (!this.#isDisposed) this.memory.free(this.address);
    this.#isDisposed = true;
  }

  #assertFits(bytes: number): void {
    if (this.#isDisposed) throw new Error('a resident tensor was used after it was disposed of');
    if (bytes !== this.byteLength)
      throw new RangeError(
        `a resident tensor of ${this.byteLength} bytes (shape [${this.spec.shape}]) got ${bytes}`,
      );
  }
}

/** Names of the inputs of a graph whose tensors are outputs of it, too. */
function updatedInPlace(
  { inputs, outputs }: Graph,
  resident: Readonly<Record<string, ResidentTensor>>,
): string[] {
  const written = new Set([...outputs.keys()].map((key) => resident[key]?.address));
  return [...inputs.keys()].filter((key) => key in resident && written.has(resident[key]!.address));
}

/** Whether one of the tensors is an input and an output of a graph. */
export function updatesInPlace(graph: Graph, resident: Readonly<Record<string, ResidentTensor>>): boolean {
  return updatedInPlace(graph, resident).length > 0;
}

/**
 * What a graph updates in place it must read once: whatever makes the new value then depends on that reading, and none can
 * follow.
 * @throws Error where it reads it more often
 */
export function assertReadOnce(graph: Graph, resident: Readonly<Record<string, ResidentTensor>>): void {
  for (const key of updatedInPlace(graph, resident)) {
    const value = graph.inputs.get(key);
    const readings = graph.nodes.flatMap(({ inputs }) => inputs).filter((input) => input === value).length;
    if (readings > 1)
      throw new Error(`"${key}" is updated in place and read ${readings} times: a program may read it once`);
  }
}
