import { closeSync, fstatSync, openSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { bytesOf, readFully, readFullySync } from './bytes.ts';
import { WeightFileError } from './error.ts';
import { widenBf16, widenF16 } from './half.ts';
import type { WeightDtype, WeightReference, WeightSource } from './source.ts';

/** Bytes of one element of each storage type. */
export const WEIGHT_BYTES: Readonly<Record<WeightDtype, number>> = { F32: 4, F16: 2, BF16: 2 };

/** Raw elements of a storage type: float32 values, or 16-bit patterns. */
type Elements = Float32Array | Uint16Array;

/**
 * A weight as float32, in row-major order; F16 and BF16 are widened exactly.
 * For a source in memory this is its own array, not a copy: do not write into it.
 * @throws WeightFileError if the file cannot be opened or has become too short since its header was read.
 */
export async function readWeight(source: WeightSource): Promise<Float32Array> {
  if (source.kind === 'data') return source.data;
  return readElements(source, 0, elementCount(source));
}

/** {@link readWeight}, blocking. */
export function readWeightSync(source: WeightSource): Float32Array {
  if (source.kind === 'data') return source.data;
  const elements = allocate(source.dtype, elementCount(source));
  let descriptor: number;
  try {
    descriptor = openSync(source.file, 'r');
  } catch (cause) {
    throw unreadable(source, cause);
  }
  try {
    checkLength(source, fstatSync(descriptor).size);
    const read = readFullySync(descriptor, bytesOf(elements), source.offset);
    checkLength(source, source.offset + read);
  } finally {
    closeSync(descriptor);
  }
  return widen(source.dtype, elements);
}

/**
 * Elements `first` to `first + count - 1` of a weight in a file, as float32.
 * @throws WeightFileError as {@link readWeight}.
 */
export async function readElements(
  source: WeightReference,
  first: number,
  count: number,
): Promise<Float32Array> {
  const elements = allocate(source.dtype, count);
  const start = source.offset + first * WEIGHT_BYTES[source.dtype];
  const handle = await open(source.file, 'r').catch((cause: unknown) => {
    throw unreadable(source, cause);
  });
  try {
    checkLength(source, (await handle.stat()).size);
    const read = await readFully(handle, bytesOf(elements), start);
    if (read < elements.byteLength) checkLength(source, start + read);
  } finally {
    await handle.close();
  }
  return widen(source.dtype, elements);
}

/** Number of elements of a weight in a file. */
export function elementCount(source: WeightReference): number {
  return source.byteLength / WEIGHT_BYTES[source.dtype];
}

function allocate(dtype: WeightDtype, count: number): Elements {
  return dtype === 'F32' ? new Float32Array(count) : new Uint16Array(count);
}

function widen(dtype: WeightDtype, elements: Elements): Float32Array {
  if (elements instanceof Float32Array) return elements;
  return dtype === 'F16' ? widenF16(elements) : widenBf16(elements);
}

function checkLength(source: WeightReference, length: number): void {
  const needed = source.offset + source.byteLength;
  if (length >= needed) return;
  const problem = `has ${length} bytes, but a tensor in it ends at byte ${needed}`;
  throw new WeightFileError(source.file, `${problem}; the file was cut since it was opened, restore it`);
}

function unreadable(source: WeightReference, cause: unknown): WeightFileError {
  return new WeightFileError(source.file, `cannot be read: ${(cause as Error).message}`, { cause });
}
