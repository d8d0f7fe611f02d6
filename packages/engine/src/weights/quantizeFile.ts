import { type FileHandle, open } from 'node:fs/promises';
import { writeFileAtomically } from '../atomic.ts';
import { shown } from '../errors.ts';
import { bytesOf, readFully, writeFully } from './bytes.ts';
import { WeightFileError } from './error.ts';
import { widenF16 } from './half.ts';
import { dequantizeBlocks, quantizeBlocks, type ScaleDtype } from './quantize.ts';
import { PARTS, partShapes } from './quantizedCheckpoint.ts';
import { elementCount, readElements } from './read.ts';
import type { WeightReference } from './source.ts';
import { compare, encodeHeader, type TensorEntry } from './write.ts';

/** Elements worked on at a time: memory stays at some 50 MB. A multiple of two blocks of any size. */
const CHUNK = 2 ** 22;

export interface QuantizeSettings {
  /** Neighbours along a row that share a scale: 32, 64 or 128. */
  readonly blockSize: number;
  readonly scaleDtype: ScaleDtype;
  /** Whether a weight becomes 4 bits; others are copied byte by byte. */
  readonly chosen: (name: string) => boolean;
  readonly metadata?: Readonly<Record<string, string>>;
  /** Called after each weight. */
  readonly onWeight?: (done: number, total: number) => void;
}

export interface QuantizeReport {
  readonly quantized: number;
  readonly copied: number;
  readonly bytesBefore: number;
  readonly bytesAfter: number;
  /** |W - quantised W| / |W|, Frobenius norms over all quantised weights. */
  readonly relativeError: number;
}

/** A weight and the tensors that it becomes. */
interface Planned {
  readonly name: string;
  readonly source: WeightReference;
  readonly isQuantized: boolean;
  readonly entries: readonly TensorEntry[];
}

/**
 * Writes weights to one safetensors file, chosen ones in 4 bits. Reads and writes piece by piece; the file appears whole
 * or not at all. The same weights give the same bytes.
 * @throws WeightFileError naming a weight that cannot be quantised
 */
export async function quantizeInto(
  path: string,
  weights: ReadonlyMap<string, WeightReference>,
  settings: QuantizeSettings,
): Promise<QuantizeReport> {
  const plans = [...weights]
    .sort(([a], [b]) => compare(a, b))
    .map(([name, source]) => planOf(name, source, settings));
  const entries = plans.flatMap((plan) => plan.entries);
  const header = encodeHeader(path, entries, settings.metadata ?? {});
  const squares = { error: 0, weight: 0 };
  await writeFileAtomically(path, async (target) => {
    await writeFully(target, header);
    for (const [i, plan] of plans.entries()) {
      if (plan.isQuantized) await writeQuantized(target, plan, settings, squares);
      else await copyBytes(target, plan.source);
      settings.onWeight?.(i + 1, plans.length);
    }
  });
  const quantized = plans.filter(({ isQuantized }) => isQuantized).length;
  return {
    quantized,
    copied: plans.length - quantized,
    bytesBefore: plans.reduce((sum, { source }) => sum + source.byteLength, 0),
    bytesAfter: entries.reduce((sum, { byteLength }) => sum + byteLength, 0),
    relativeError: squares.weight === 0 ? 0 : Math.sqrt(squares.error / squares.weight),
  };
}

function planOf(name: string, source: WeightReference, settings: QuantizeSettings): Planned {
  const { shape, dtype, byteLength } = source;
  if (!settings.chosen(name))
    return { name, source, isQuantized: false, entries: [{ name, dtype, shape, byteLength }] };
  const { blockSize, scaleDtype } = settings;
  if (shape.length !== 2 || shape[1]! % (2 * blockSize) !== 0)
    throw new WeightFileError(
      source.file,
      `${shown(name)} is ${shown(shape)}: 4 bits need a matrix whose rows are an even number of blocks of ${blockSize}; ` +
        'take a smaller block size, or exclude it',
    );
  const matrix = shape as readonly [number, number];
  const shapes = partShapes(matrix, blockSize);
  const sizeOf = (one: readonly number[]) => one.reduce((product, length) => product * length, 1);
  const entry = (part: keyof typeof PARTS, dtype: string, bytes: number): TensorEntry => ({
    name: name + PARTS[part],
    dtype,
    shape: shapes[part],
    byteLength: bytes * sizeOf(shapes[part]),
  });
  const scales = entry('scales', scaleDtype, scaleDtype === 'F16' ? 2 : 4);
  return {
    name,
    source,
    isQuantized: true,
    entries: [entry('packed', 'U8', 1), scales, entry('zeroPoints', 'U8', 1)],
  };
}

async function writeQuantized(
  target: FileHandle,
  { name, source }: Planned,
  { blockSize, scaleDtype }: QuantizeSettings,
  squares: { error: number; weight: number },
): Promise<void> {
  const count = elementCount(source);
  // Scales and zero points follow the packed values; they are few.
  const rest: { scales: Uint8Array[]; zeroPoints: Uint8Array[] } = { scales: [], zeroPoints: [] };
  for (let first = 0; first < count; first += CHUNK) {
    const values = await readElements(source, first, Math.min(CHUNK, count - first));
    const { packed, scales, zeroPoints } = blocksOf(name, source, first, values, blockSize, scaleDtype);
    await writeFully(target, packed);
    rest.scales.push(bytesOf(scales));
    rest.zeroPoints.push(zeroPoints);
    const read = scales instanceof Uint16Array ? widenF16(scales) : scales;
    const stored = dequantizeBlocks(packed, read, zeroPoints, blockSize);
    for (let i = 0; i < values.length; i++) {
      squares.error += (stored[i]! - values[i]!) ** 2;
      squares.weight += values[i]! ** 2;
    }
  }
  for (const part of [...rest.scales, ...rest.zeroPoints]) await writeFully(target, part);
}

function blocksOf(
  name: string,
  source: WeightReference,
  first: number,
  values: Float32Array,
  blockSize: number,
  scaleDtype: ScaleDtype,
) {
  try {
    return quantizeBlocks(values, blockSize, scaleDtype);
  } catch (cause) {
    const where = first === 0 ? '' : ` after its first ${first} values`;
    throw new WeightFileError(source.file, `${shown(name)}${where}: ${(cause as Error).message}`, { cause });
  }
}

async function copyBytes(target: FileHandle, { file, offset, byteLength }: WeightReference): Promise<void> {
  const handle = await open(file, 'r');
  try {
    for (let done = 0; done < byteLength; done += 4 * CHUNK) {
      const bytes = new Uint8Array(Math.min(4 * CHUNK, byteLength - done));
      if ((await readFully(handle, bytes, offset + done)) < bytes.length)
        throw new WeightFileError(file, 'the file was cut since it was opened, restore it');
      await writeFully(target, bytes);
    }
  } finally {
    await handle.close();
  }
}
