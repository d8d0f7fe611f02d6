/** Whole reads and writes: the operating system may move fewer bytes than asked, and no more than 2 GiB a call. */
import { readSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';

const LARGEST = 2 ** 30;

/** Fills `target` from byte `position` on. @returns the bytes read: fewer than the length if the file ends before. */
export async function readFully(handle: FileHandle, target: Uint8Array, position: number): Promise<number> {
  let done = 0;
  while (done < target.length) {
    const length = Math.min(LARGEST, target.length - done);
    const { bytesRead } = await handle.read(target, done, length, position + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return done;
}

/** {@link readFully} of an open file descriptor, blocking. */
export function readFullySync(descriptor: number, target: Uint8Array, position: number): number {
  let done = 0;
  while (done < target.length) {
    const length = Math.min(LARGEST, target.length - done);
    const bytesRead = readSync(descriptor, target, done, length, position + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return done;
}

/** Appends all of `source`. */
export async function writeFully(handle: FileHandle, source: Uint8Array): Promise<void> {
  let done = 0;
  while (done < source.length) {
    const { bytesWritten } = await handle.write(source, done, Math.min(LARGEST, source.length - done));
    done += bytesWritten;
  }
}

/** The memory of a typed array as bytes, not copied. Little-endian like the file format, on every host we run on. */
export function bytesOf(array: Float32Array | Uint16Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}
