/**
 * Looks through the header of a GGUF file before the library reads it: the library believes counts, and reads on beyond
 * the end of a file for as long as they say. Layout: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
 */
import type { FileHandle } from 'node:fs/promises';

/** No published header has half as much, and the library reads no more. */
const MOST_BYTES = 50_000_000;
/** Bytes of the value types of one size, by their numbers. */
const SIZES: Readonly<Record<number, number>> = {
  ...{ 0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8 },
};
const TEXT = 8;
const LIST = 9;
const DEEPEST_LIST = 4;
const MOST_DIMENSIONS = 8;
/** A tensor's name, dimensions, type and place take so many bytes at least, a key with its value this many. */
const LEAST_TENSOR = 24;
const LEAST_ENTRY = 13;

/** @throws Error for a header that goes beyond the file */
export async function checkHeader(handle: FileHandle): Promise<void> {
  const { size } = await handle.stat();
  const bytes = Buffer.alloc(Math.min(size, MOST_BYTES));
  const { bytesRead } = await handle.read(bytes, 0, bytes.length, 0);
  const start = bytes.toString('latin1', 0, 4);
  if (start !== 'GGUF') throw new Error(`it begins with ${JSON.stringify(start)} instead of "GGUF"`);
  new Header(bytes.subarray(0, bytesRead)).check();
}

class Header {
  #at = 4;
  readonly #isLittle: boolean;
  readonly #isFirstVersion: boolean;

  constructor(private readonly bytes: Buffer) {
    // As the library tells the byte order: versions are small numbers.
    this.#isLittle = bytes.length >= 8 && (bytes.readUInt32LE(4) & 0xffff) !== 0;
    this.#isFirstVersion = this.#u32() === 1;
  }

  check(): void {
    const [tensors, entries] = [this.#count(LEAST_TENSOR), this.#count(LEAST_ENTRY)];
    for (let i = 0; i < entries; i++) {
      this.#text();
      this.#value(this.#u32(), 0);
    }
    for (let i = 0; i < tensors; i++) {
      this.#text();
      const dimensions = this.#u32();
      if (dimensions > MOST_DIMENSIONS) throw new Error(`a tensor has ${dimensions} dimensions`);
      for (let k = 0; k < dimensions; k++) this.#size();
      this.#skip(4 + 8);
    }
  }

  #value(type: number, depth: number): void {
    const size = SIZES[type];
    if (type === TEXT) this.#text();
    else if (type === LIST) this.#list(depth);
    else if (size === undefined) throw new Error(`a value has the unknown type ${type}`);
    else this.#skip(size);
  }

  #list(depth: number): void {
    if (depth === DEEPEST_LIST) throw new Error(`lists are nested more than ${DEEPEST_LIST} deep`);
    const inner = this.#u32();
    const size = SIZES[inner];
    const count = this.#count(inner === TEXT ? 4 : (size ?? 1));
    if (size !== undefined) this.#skip(count * size);
    else for (let i = 0; i < count; i++) this.#value(inner, depth + 1);
  }

  #text(): void {
    this.#skip(this.#count(1));
  }

  /** A count of things of so many bytes at least. */
  #count(least: number): number {
    const count = this.#size();
    if (count * least > this.bytes.length - this.#at)
      throw new Error(
        `its header claims ${count} entries in the ${this.bytes.length - this.#at} bytes that are left`,
      );
    return count;
  }

  #size(): number {
    if (this.#isFirstVersion) return this.#u32();
    this.#skip(8);
    const at = this.#at - 8;
    return Number(this.#isLittle ? this.bytes.readBigUInt64LE(at) : this.bytes.readBigUInt64BE(at));
  }

  #u32(): number {
    this.#skip(4);
    const at = this.#at - 4;
    return this.#isLittle ? this.bytes.readUInt32LE(at) : this.bytes.readUInt32BE(at);
  }

  #skip(count: number): void {
    this.#at += count;
    if (this.#at > this.bytes.length) throw new Error('its header is cut off');
  }
}
