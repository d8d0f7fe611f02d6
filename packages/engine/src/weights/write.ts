import { writeFileAtomically } from '../atomic.ts';
import { shown } from '../errors.ts';
import { bytesOf, writeFully } from './bytes.ts';
import { WeightFileError } from './error.ts';
import { narrowBf16, narrowF16 } from './half.ts';
import { MAX_HEADER_BYTES } from './header.ts';
import { elementCount, readWeight, readWeightSync, WEIGHT_BYTES } from './read.ts';
import type { WeightDtype, WeightSource } from './source.ts';

/** Weights by name: a Map, or pairs. */
export type NamedWeights = Iterable<readonly [string, WeightSource]>;

export interface SafetensorsOptions {
  /** Storage type of every tensor, default F32. F16 and BF16 round to nearest, ties to even. */
  readonly dtype?: WeightDtype;
  /** The file's `__metadata__`. transformers wants `{ format: 'pt' }` in files that it is to load. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/**
 * Writes a safetensors file. The same weights give the same bytes: tensors and metadata lie in the order of their
 * names, and spaces bring the header to a multiple of 8 bytes. Weights in files are read one at a time; those in 4 bits
 * are written as the values they stand for.
 *
 * Atomic: everything goes to a temporary file in the same folder, which is synced and renamed onto `path`. On any
 * failure it is removed, and what was at `path` stays.
 * @throws WeightFileError for weights that make no valid file, or the error of the file system.
 */
export async function writeSafetensors(
  path: string,
  weights: NamedWeights,
  options: SafetensorsOptions = {},
): Promise<void> {
  const { ordered, header, dtype } = layOut(path, weights, options);
  await writeFileAtomically(path, async (handle) => {
    await writeFully(handle, header);
    for (const [, source] of ordered) await writeFully(handle, encode(await readWeight(source), dtype));
  });
}

/** The bytes that {@link writeSafetensors} writes, in memory. */
export function encodeSafetensors(weights: NamedWeights, options: SafetensorsOptions = {}): Buffer {
  const { ordered, header, dtype } = layOut('safetensors', weights, options);
  return Buffer.concat([header, ...ordered.map(([, source]) => encode(readWeightSync(source), dtype))]);
}

interface Layout {
  readonly ordered: readonly (readonly [string, WeightSource])[];
  readonly header: Buffer;
  readonly dtype: WeightDtype;
}

function layOut(path: string, weights: NamedWeights, options: SafetensorsOptions): Layout {
  const { dtype = 'F32', metadata = {} } = options;
  if (!Object.hasOwn(WEIGHT_BYTES, dtype)) {
    const known = Object.keys(WEIGHT_BYTES).join(', ');
    throw new WeightFileError(path, `dtype must be one of ${known}, got ${shown(dtype)}`);
  }
  const ordered = [...weights].sort(([a], [b]) => compare(a, b));
  const entries = ordered.map(([name, source]) => {
    const byteLength = checkedCount(path, name, source) * WEIGHT_BYTES[dtype];
    return { name, dtype, shape: source.shape, byteLength };
  });
  return { ordered, header: encodeHeader(path, entries, metadata), dtype };
}

/** One tensor of a file to be written. */
export interface TensorEntry {
  readonly name: string;
  /** As the format names it. */
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly byteLength: number;
}

/**
 * What stands before the tensors' bytes: header length, JSON and padding.
 * @param entries in the order of their bytes, equal names side by side
 */
export function encodeHeader(
  path: string,
  entries: readonly TensorEntry[],
  metadata: Readonly<Record<string, string>>,
): Buffer {
  const members: string[] = [];
  const described = Object.entries(metadata).sort(([a], [b]) => compare(a, b));
  if (described.length > 0) {
    const pairs = described.map(([key, value]) => `${quoted(path, key)}:${quoted(path, value)}`);
    members.push(`"__metadata__":{${pairs.join(',')}}`);
  }
  let begin = 0;
  for (const [i, { name, dtype, shape, byteLength }] of entries.entries()) {
    if (name === '__metadata__') throw new WeightFileError(path, 'no tensor may be named "__metadata__"');
    if (name === entries[i - 1]?.name)
      throw new WeightFileError(path, `tensor ${shown(name)} is given twice`);
    const end = begin + byteLength;
    // Written out by hand: an object would lose a tensor named "__proto__" and sort names that are numbers.
    const entry = `{"dtype":"${dtype}","shape":${JSON.stringify(shape)},"data_offsets":[${begin},${end}]}`;
    members.push(`${quoted(path, name)}:${entry}`);
    begin = end;
  }
  const json = Buffer.from(`{${members.join(',')}}`);
  const length = Math.ceil(json.length / 8) * 8;
  if (length > MAX_HEADER_BYTES) {
    throw new WeightFileError(path, `the header must be at most ${MAX_HEADER_BYTES} bytes, got ${length}`);
  }
  const header = Buffer.alloc(8 + length, ' ');
  header.writeBigUInt64LE(BigInt(length));
  json.copy(header, 8);
  return header;
}

/** Number of elements, after a check that shape and data agree. */
function checkedCount(path: string, name: string, source: WeightSource): number {
  const count = source.shape.reduce((product, size) => product * size, 1);
  const isShape = source.shape.every((size) => Number.isSafeInteger(size) && size >= 0);
  const held = source.kind === 'data' ? source.data.length : elementCount(source);
  if (isShape && held === count) return count;
  const problem = `shape ${shown(source.shape)} does not describe its ${held} elements`;
  throw new WeightFileError(path, `tensor ${shown(name)}: ${problem}`);
}

/** A JSON string. A lone surrogate has no UTF-8 form, and readers refuse its escape. */
function quoted(path: string, text: unknown): string {
  if (typeof text === 'string' && Buffer.from(text).toString() === text) return JSON.stringify(text);
  throw new WeightFileError(path, `names and metadata must be well-formed strings, got ${shown(text)}`);
}

function encode(values: Float32Array, dtype: WeightDtype): Uint8Array {
  if (dtype === 'F32') return bytesOf(values);
  return bytesOf(dtype === 'F16' ? narrowF16(values) : narrowBf16(values));
}

/** By UTF-16 code unit: the same on every machine, whatever its locale. */
export function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
