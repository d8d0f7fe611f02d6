/**
 * The header of a safetensors file as text, checked without trusting any of it. Format:
 * https://huggingface.co/docs/safetensors - eight bytes of header length, a JSON object, then the tensors' bytes,
 * which must cover the rest of the file exactly.
 */
import { shown } from '../errors.ts';
import { WeightFileError } from './error.ts';

/** The largest header accepted, bytes: the format's own limit. */
export const MAX_HEADER_BYTES = 100_000_000;

/** Bits of one element of each type that the format knows. Types below 8 bits are packed. */
const DTYPE_BITS: Readonly<Record<string, number>> = {
  BOOL: 8,
  U8: 8,
  I8: 8,
  U16: 16,
  I16: 16,
  U32: 32,
  I32: 32,
  U64: 64,
  I64: 64,
  F16: 16,
  BF16: 16,
  F32: 32,
  F64: 64,
  C64: 64,
  F8_E4M3: 8,
  F8_E5M2: 8,
  F8_E8M0: 8,
  F8_E4M3FNUZ: 8,
  F8_E5M2FNUZ: 8,
  F6_E2M3: 6,
  F6_E3M2: 6,
  F4: 4,
};

/** One tensor as the header states it; begin and end count from the first byte after the header. */
export interface HeaderEntry {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

export interface Header {
  /** In the order of their bytes. */
  readonly entries: readonly HeaderEntry[];
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * Reads and checks a header.
 * @param bytes the header alone, without its length.
 * @param dataLength bytes of the file after the header.
 * @throws WeightFileError naming `file`, the tensor, what is wrong and the value seen.
 */
export function parseHeader(file: string, bytes: Uint8Array, dataLength: number): Header {
  const text = decode(file, bytes);
  const parsed = parseObject(file, text);
  const duplicate = findDuplicateKey(text);
  if (duplicate !== undefined) throw new WeightFileError(file, `the header states ${shown(duplicate)} twice`);

  const { __metadata__: metadata = {}, ...tensors } = parsed;
  checkMetadata(file, metadata);
  const entries = Object.entries(tensors).map(([name, value]) => checkEntry(file, name, value, dataLength));
  entries.sort((a, b) => a.begin - b.begin || a.end - b.end);
  checkCoverage(file, entries, dataLength);
  return { entries, metadata };
}

function decode(file: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new WeightFileError(file, 'the header is not valid UTF-8; this is no safetensors file', { cause });
  }
}

function parseObject(file: string, text: string): Record<string, unknown> {
  if (!text.startsWith('{')) {
    throw new WeightFileError(file, `the header must begin with {, got ${shown(text.slice(0, 20))}`);
  }
  try {
    // Text that begins with { and parses is an object.
    return JSON.parse(text) as Record<string, unknown>;
  } catch (cause) {
    throw new WeightFileError(file, `the header is not valid JSON: ${(cause as Error).message}`, { cause });
  }
}

function checkMetadata(file: string, metadata: unknown): asserts metadata is Record<string, string> {
  if (!isObject(metadata)) {
    throw new WeightFileError(file, `__metadata__ must be an object of strings, got ${shown(metadata)}`);
  }
  for (const [key, value] of Object.entries(metadata)) {
    if (typeof value === 'string') continue;
    throw new WeightFileError(file, `__metadata__ ${shown(key)} must be a string, got ${shown(value)}`);
  }
}

function checkEntry(file: string, name: string, value: unknown, dataLength: number): HeaderEntry {
  const fail = (problem: string, seen: unknown): never => {
    throw new WeightFileError(file, `tensor ${shown(name)}: ${problem}, got ${shown(seen)}`);
  };
  if (!isObject(value)) return fail('must be an object with dtype, shape and data_offsets', value);
  const { dtype, shape, data_offsets: offsets } = value;

  if (typeof dtype !== 'string' || !Object.hasOwn(DTYPE_BITS, dtype)) {
    return fail(`dtype must be one of ${Object.keys(DTYPE_BITS).join(', ')}`, dtype);
  }
  if (!Array.isArray(shape) || !shape.every(isCount)) {
    return fail('shape must be an array of integers from 0 to 2^53 - 1', shape);
  }
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount)) {
    return fail('data_offsets must be two integers from 0 to 2^53 - 1', offsets);
  }
  const [begin, end] = offsets as [number, number];
  if (begin > end) return fail('data_offsets must not end before they begin', offsets);
  if (end > dataLength) {
    return fail(
      `data_offsets must lie within the ${dataLength} bytes of data (is the file cut short?)`,
      offsets,
    );
  }
  const bits = (shape as number[]).reduce((product, size) => product * size, DTYPE_BITS[dtype]!);
  if (!Number.isSafeInteger(bits)) return fail('the size of shape must be below 2^53 bits', shape);
  if (bits !== 8 * (end - begin)) {
    const seen = `data_offsets ${shown(offsets)} hold ${end - begin}`;
    const problem = `shape ${shown(shape)} of ${dtype} takes ${bits / 8} bytes, but ${seen}`;
    throw new WeightFileError(file, `tensor ${shown(name)}: ${problem}`);
  }
  return { name, dtype, shape: shape as number[], begin, end };
}

/** Each byte after the header belongs to exactly one tensor: nothing can hide in a hole or be read as two things. */
function checkCoverage(file: string, entries: readonly HeaderEntry[], dataLength: number): void {
  let covered = 0;
  let before = 'the header';
  for (const { name, begin, end } of entries) {
    const place = `${shown(name)} begins at byte ${begin} of the data, but ${before} ends at ${covered}`;
    if (begin < covered) throw new WeightFileError(file, `tensors overlap: ${place}`);
    if (begin > covered) throw new WeightFileError(file, `there is a hole between tensors: ${place}`);
    covered = end;
    before = shown(name);
  }
  if (covered === dataLength) return;
  const problem = `the tensors end at byte ${covered} of the data, but the file goes on to byte ${dataLength}`;
  throw new WeightFileError(file, `${problem}; the rest belongs to no tensor`);
}

/** The first key that some object of a valid JSON text states twice: JSON.parse would silently keep the last. */
function findDuplicateKey(text: string): string | undefined {
  const open: (Set<string> | undefined)[] = [];
  let atKey = false;
  for (let i = 0; i < text.length; i++) {
    const char = text[i];
    if (char === '{' || char === '[') {
      atKey = char === '{';
      open.push(atKey ? new Set() : undefined);
    } else if (char === '}' || char === ']') {
      open.pop();
      atKey = false;
    } else if (char === ',') {
      atKey = open.at(-1) !== undefined;
    } else if (char === '"') {
      const start = i++;
      while (text[i] !== '"') i += text[i] === '\\' ? 2 : 1;
      if (!atKey) continue;
      atKey = false;
      const key = JSON.parse(text.slice(start, i + 1)) as string;
      const keys = open.at(-1)!;
      if (keys.has(key)) return key;
      keys.add(key);
    }
  }
  return undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
