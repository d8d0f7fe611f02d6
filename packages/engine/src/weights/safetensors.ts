import { type FileHandle, open, realpath } from 'node:fs/promises';
import { readFully } from './bytes.ts';
import { WeightFileError } from './error.ts';
import { MAX_HEADER_BYTES, parseHeader } from './header.ts';
import { WEIGHT_BYTES } from './read.ts';
import type { ByteRange, WeightDtype, WeightReference } from './source.ts';

/** A tensor that is no float weight: a buffer such as position_ids, of which nothing is read, or part of a weight. */
export interface OtherTensor {
  /** As the format names it: "I64", "BOOL", "F64". */
  readonly dtype: string;
  readonly shape: readonly number[];
  /** Of U8 tensors in safetensors files: weights in 4 bits consist of such. */
  readonly place?: ByteRange;
}

/** What a safetensors file says it holds. */
export interface SafetensorsFile {
  /** Absolute path of the real file. */
  readonly file: string;
  /** Tensors of F32, F16 and BF16, in the order of their bytes. */
  readonly tensors: Map<string, WeightReference>;
  /** Tensors of the format's other types. */
  readonly others: Map<string, OtherTensor>;
  /** The file's `__metadata__`; empty if it has none. */
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * Reads and checks the header of a safetensors file; of the tensors nothing is read. Links are followed, so that a
 * reference names the real file in a Hub cache.
 * @throws WeightFileError if the file cannot be read or breaks any rule of the format.
 */
export async function readSafetensorsHeader(path: string): Promise<SafetensorsFile> {
  const unreadable = (cause: unknown) => {
    throw new WeightFileError(path, `cannot be read: ${(cause as Error).message}`, { cause });
  };
  const file = await realpath(path).catch(unreadable);
  const handle = await open(file, 'r').catch(unreadable);
  try {
    return await readOpenFile(path, file, handle);
  } finally {
    await handle.close();
  }
}

async function readOpenFile(path: string, file: string, handle: FileHandle): Promise<SafetensorsFile> {
  const stat = await handle.stat();
  if (!stat.isFile()) throw new WeightFileError(path, 'is not a regular file');
  const headerLength = await readHeaderLength(path, handle, stat.size);
  const dataStart = LENGTH_BYTES + headerLength;
  const bytes = Buffer.alloc(headerLength);
  const read = await readFully(handle, bytes, LENGTH_BYTES);
  if (read < headerLength)
    throw new WeightFileError(path, `ended after ${read} of ${headerLength} header bytes`);

  const { entries, metadata } = parseHeader(path, bytes, stat.size - dataStart);
  const tensors = new Map<string, WeightReference>();
  const others = new Map<string, OtherTensor>();
  for (const { name, dtype, shape, begin, end } of entries) {
    const place = { file, offset: dataStart + begin, byteLength: end - begin };
    if (isWeightDtype(dtype)) tensors.set(name, { kind: 'file', ...place, dtype, shape });
    else others.set(name, { dtype, shape, ...(dtype === 'U8' ? { place } : {}) });
  }
  return { file, tensors, others, metadata };
}

const LENGTH_BYTES = 8;

async function readHeaderLength(path: string, handle: FileHandle, size: number): Promise<number> {
  const start = Buffer.alloc(LENGTH_BYTES);
  const read = await readFully(handle, start, 0);
  if (read < LENGTH_BYTES) {
    throw new WeightFileError(
      path,
      `a safetensors file has at least ${LENGTH_BYTES} bytes, this one has ${read}`,
    );
  }
  if (start.toString('latin1') === 'version ') {
    throw new WeightFileError(
      path,
      'is text, likely a Git LFS pointer; fetch the real file with `git lfs pull`',
    );
  }
  // As BigInt: a hostile length may exceed every number's precision.
  const length = start.readBigUInt64LE();
  if (length === 0n) throw new WeightFileError(path, 'the header length is 0; this is no safetensors file');
  if (length > BigInt(MAX_HEADER_BYTES)) {
    const problem = `the header length must be at most ${MAX_HEADER_BYTES}, got ${length}`;
    throw new WeightFileError(path, `${problem}; this is no safetensors file`);
  }
  const rest = size - LENGTH_BYTES;
  if (length > BigInt(rest)) {
    const problem = `the header takes ${length} bytes, but only ${rest} follow its length`;
    throw new WeightFileError(path, `${problem}; the file is cut short, fetch it again`);
  }
  return Number(length);
}

function isWeightDtype(dtype: string): dtype is WeightDtype {
  return Object.hasOwn(WEIGHT_BYTES, dtype);
}
