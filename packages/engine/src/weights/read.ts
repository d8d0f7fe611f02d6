import { closeSync, fstatSync, openSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { bytesOf, readFully, readFullySync } from './bytes.ts';
import { WeightFileError } from './error.ts';
import { widenBf16, widenF16 } from './half.ts';
import { dequantizeBlocks } from './quantize.ts';
import type {
  ByteRange,
  QuantizedWeight,
  StoredWeight,
  WeightDtype,
  WeightReference,
  WeightSource,
} from './source.ts';

/** Bytes of one element of each storage type. */
export const WEIGHT_BYTES: Readonly<Record<WeightDtype, number>> = { F32: 4, F16: 2, BF16: 2 };

/** Raw elements of a storage type: float32 values, or 16-bit patterns. */
type Elements = Float32Array | Uint16Array;

/**
 * A weight as float32, in row-major order; F16 and BF16 are widened exactly, 4 bits become the values they stand for.
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
  const plan = planOf(source, 0, elementCount(source));
  for (const { range, target } of plan.parts) readRangeSync(range, target);
  return plan.finish();
}

/**
 * Elements `first` to `first + count - 1` of a weight in a file, as float32. Of a weight in 4 bits both are multiples of
 * two blocks.
 * @throws WeightFileError as {@link readWeight}.
 */
export async function readElements(
  source: StoredWeight,
  first: number,
  count: number,
): Promise<Float32Array> {
  const plan = planOf(source, first, count);
  for (const { range, target } of plan.parts) await readRange(range, target);
  return plan.finish();
}

/** Number of elements of a weight in a file. */
export function elementCount(source: StoredWeight): number {
  if (source.kind === 'quantized') return 2 * source.packed.byteLength;
  return source.byteLength / WEIGHT_BYTES[source.dtype];
}

/** Bytes that a weight takes where it lies: in its file, or as an array. */
export function storedBytes(source: WeightSource): number {
  if (source.kind === 'data') return source.data.byteLength;
  if (source.kind === 'file') return source.byteLength;
  return source.packed.byteLength + source.scales.byteLength + source.zeroPoints.byteLength;
}

/** Which bytes to read where, and what to make of them. */
interface ReadPlan {
  readonly parts: readonly { readonly range: PartialRange; readonly target: Uint8Array }[];
  finish(): Float32Array;
}

/** Some bytes of a tensor; `end` is where the tensor ends in its file. */
interface PartialRange {
  readonly file: string;
  readonly start: number;
  readonly end: number;
}

const within = ({ file, offset, byteLength }: ByteRange, first: number): PartialRange => ({
  file,
  start: offset + first,
  end: offset + byteLength,
});

function planOf(source: StoredWeight, first: number, count: number): ReadPlan {
  return source.kind === 'quantized'
    ? planOfBlocks(source, first, count)
    : planOfElements(source, first, count);
}

function planOfElements(source: WeightReference, first: number, count: number): ReadPlan {
  const { dtype } = source;
  const elements: Elements = dtype === 'F32' ? new Float32Array(count) : new Uint16Array(count);
  return {
    parts: [{ range: within(source, first * WEIGHT_BYTES[dtype]), target: bytesOf(elements) }],
    finish() {
      if (elements instanceof Float32Array) return elements;
      return dtype === 'F16' ? widenF16(elements) : widenBf16(elements);
    },
  };
}

function planOfBlocks(source: QuantizedWeight, first: number, count: number): ReadPlan {
  const { packed, scales, zeroPoints, blockSize } = source;
  const [firstBlock, blocks] = [first / blockSize, count / blockSize];
  const values = new Uint8Array(count / 2);
  const zeros = new Uint8Array(blocks / 2);
  const ofScales = planOfElements(scales, firstBlock, blocks);
  return {
    parts: [
      { range: within(packed, first / 2), target: values },
      ...ofScales.parts,
      { range: within(zeroPoints, firstBlock / 2), target: zeros },
    ],
    finish: () => dequantizeBlocks(values, ofScales.finish(), zeros, blockSize),
  };
}

async function readRange(range: PartialRange, target: Uint8Array): Promise<void> {
  const handle = await open(range.file, 'r').catch((cause: unknown) => {
    throw unreadable(range, cause);
  });
  try {
    checkLength(range, (await handle.stat()).size);
    const read = await readFully(handle, target, range.start);
    if (read < target.length) checkLength(range, range.start + read);
  } finally {
    await handle.close();
  }
}

function readRangeSync(range: PartialRange, target: Uint8Array): void {
  let descriptor: number;
  try {
    descriptor = openSync(range.file, 'r');
  } catch (cause) {
    throw unreadable(range, cause);
  }
  try {
    checkLength(range, fstatSync(descriptor).size);
    const read = readFullySync(descriptor, target, range.start);
    if (read < target.length) checkLength(range, range.start + read);
  } finally {
    closeSync(descriptor);
  }
}

function checkLength({ file, end }: PartialRange, length: number): void {
  if (length >= end) return;
  const problem = `has ${length} bytes, but a tensor in it ends at byte ${end}`;
  throw new WeightFileError(file, `${problem}; the file was cut since it was opened, restore it`);
}

function unreadable({ file }: PartialRange, cause: unknown): WeightFileError {
  return new WeightFileError(file, `cannot be read: ${(cause as Error).message}`, { cause });
}
