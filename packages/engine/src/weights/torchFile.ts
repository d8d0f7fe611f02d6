/** Reads what torch.save wrote, without torch and without running the pickle code in it. */
import { type FileHandle, open, realpath } from 'node:fs/promises';
import { type Entry, fromRandomAccessReader, RandomAccessReader, type ZipFile } from 'yauzl';
import { reasonOf, shown } from '../errors.ts';
import { readFully } from './bytes.ts';
import { WeightFileError } from './error.ts';
import { type PickledTensor, readPickle } from './pickle.ts';
import { WEIGHT_BYTES } from './read.ts';
import type { OtherTensor, SafetensorsFile } from './safetensors.ts';
import type { WeightDtype, WeightReference } from './source.ts';

/** Storage classes of torch: those that hold float weights, and the names that safetensors gives the others. */
const WEIGHTS: Readonly<Record<string, WeightDtype>> = {
  FloatStorage: 'F32',
  HalfStorage: 'F16',
  BFloat16Storage: 'BF16',
};
const OTHERS: Readonly<Record<string, string>> = {
  DoubleStorage: 'F64',
  LongStorage: 'I64',
  IntStorage: 'I32',
  ShortStorage: 'I16',
  CharStorage: 'I8',
  ByteStorage: 'U8',
  BoolStorage: 'BOOL',
};

/** What stands at the start of a zip archive. */
const ZIP_MAGIC = 'PK\x03\x04';
const MAX_PICKLE_BYTES = 1e8;

/**
 * The tensors of a PyTorch weight file (pytorch_model.bin, in the zip form of torch 1.6 and later): where their bytes lie,
 * nothing of which is read. The pickle that names them is interpreted by {@link readPickle}, which can build nothing but
 * descriptions of tensors.
 * @throws WeightFileError if the file is no such archive, its pickle asks for anything else, or a tensor does not lie in
 *   its storage row by row
 */
export async function readTorchFile(path: string): Promise<SafetensorsFile> {
  const unreadable = (cause: unknown) => {
    throw new WeightFileError(path, `cannot be read: ${(cause as Error).message}`, { cause });
  };
  const file = await realpath(path).catch(unreadable);
  const handle = await open(file, 'r').catch(unreadable);
  try {
    const start = Buffer.alloc(ZIP_MAGIC.length);
    await readFully(handle, start, 0);
    if (start.toString('latin1') !== ZIP_MAGIC)
      throw new WeightFileError(
        path,
        'is no zip archive: files of torch before 1.6 are not read; save it again with a newer torch, or as safetensors',
      );
    const entries = await listEntries(path, handle);
    return await readArchive(path, file, handle, entries);
  } finally {
    await handle.close();
  }
}

interface StoredFile {
  readonly offset: number;
  readonly byteLength: number;
}

/** Every file of the archive by its path below the archive's own folder. */
async function listEntries(path: string, handle: FileHandle): Promise<Map<string, StoredFile>> {
  const reader = new ArchiveReader(handle, (await handle.stat()).size);
  const orBroken = <T>(step: Promise<T>): Promise<T> =>
    Promise.race([step, reader.failure]).catch((error: unknown) => {
      throw new WeightFileError(path, `is a broken zip archive: ${reasonOf(error)}`, { cause: error });
    });
  const zip = await orBroken(
    new Promise<ZipFile>((resolve, reject) => {
      fromRandomAccessReader(reader, reader.size, { lazyEntries: true, autoClose: false }, (error, opened) =>
        error ? reject(error) : resolve(opened),
      );
    }),
  );
  const found: Entry[] = [];
  await orBroken(
    new Promise<void>((resolve, reject) => {
      zip.on('entry', (entry: Entry) => {
        found.push(entry);
        zip.readEntry();
      });
      zip.on('end', () => resolve());
      zip.on('error', reject);
      zip.readEntry();
    }),
  );
  const files = new Map<string, StoredFile>();
  for (const entry of found) {
    if (entry.compressionMethod !== 0)
      throw new WeightFileError(
        path,
        `holds ${shown(entry.fileName)} compressed; torch stores its files plainly`,
      );
    const { fileDataStart } = await orBroken(
      new Promise<{ fileDataStart: number }>((resolve, reject) => {
        zip.readLocalFileHeader(entry, { minimal: true }, (error, header) =>
          error ? reject(error) : resolve(header),
        );
      }),
    );
    const name = entry.fileName.slice(entry.fileName.indexOf('/') + 1);
    files.set(name, { offset: fileDataStart, byteLength: entry.uncompressedSize });
  }
  return files;
}

/**
 * Reads for yauzl, whose own reader hands any position on to Node, which throws out of a callback for some: no caller
 * could catch that, and a file would end the process.
 */
class ArchiveReader extends RandomAccessReader {
  /** Never fulfilled; rejected with what is thrown in a callback. */
  readonly failure: Promise<never>;
  #fail: (error: unknown) => void = () => undefined;

  constructor(
    private readonly handle: FileHandle,
    readonly size: number,
  ) {
    super();
    this.failure = new Promise((_, reject) => {
      this.#fail = reject;
    });
    // It is looked at in races only.
    this.failure.catch(() => undefined);
  }

  override read(
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
    callback: (error: Error | null) => void,
  ): void {
    this.#read(buffer, offset, length, position).then(callback).catch(this.#fail);
  }

  async #read(buffer: Buffer, offset: number, length: number, position: number): Promise<Error | null> {
    if (!(position >= 0 && position + length <= this.size))
      return new Error(`it names bytes from ${position} on, and has ${this.size}`);
    const read = await readFully(this.handle, buffer.subarray(offset, offset + length), position);
    return read === length ? null : new Error('it was cut off while it was read');
  }
}

async function readArchive(
  path: string,
  file: string,
  handle: FileHandle,
  files: ReadonlyMap<string, StoredFile>,
): Promise<SafetensorsFile> {
  const read = async (name: string): Promise<Buffer | undefined> => {
    const stored = files.get(name);
    if (stored === undefined) return undefined;
    if (stored.byteLength > MAX_PICKLE_BYTES)
      throw new WeightFileError(
        path,
        `its ${name} has ${stored.byteLength} bytes, more than any weight file's`,
      );
    const bytes = Buffer.alloc(stored.byteLength);
    const got = await readFully(handle, bytes, stored.offset);
    if (got < bytes.length) throw new WeightFileError(path, `ends within its ${name}: fetch it again`);
    return bytes;
  };
  const order = (await read('byteorder'))?.toString('latin1').trim() ?? 'little';
  if (order !== 'little')
    throw new WeightFileError(path, `its numbers are ${shown(order)}-endian: save it on another machine`);
  const pickle = await read('data.pkl');
  if (pickle === undefined)
    throw new WeightFileError(
      path,
      'has no data.pkl: it is a zip archive, but not one that torch.save wrote',
    );
  let root: unknown;
  try {
    root = readPickle(pickle);
  } catch (cause) {
    throw new WeightFileError(path, `its data.pkl ${reasonOf(cause)}`, { cause });
  }
  if (!(root instanceof Map))
    throw new WeightFileError(path, 'holds no dictionary of tensors: save the state_dict, not the model');
  const tensors = new Map<string, WeightReference>();
  const others = new Map<string, OtherTensor>();
  for (const [name, value] of root) {
    if (typeof name !== 'string')
      throw new WeightFileError(path, 'holds a dictionary whose keys are no names: save the state_dict');
    if ((value as PickledTensor | null)?.kind !== 'tensor')
      throw new WeightFileError(
        path,
        `${shown(name)} is no tensor: save the state_dict, not a training state`,
      );
    const { reference, other } = locate(path, file, name, value as PickledTensor, files);
    if (reference) tensors.set(name, reference);
    else others.set(name, other!);
  }
  return { file, tensors, others, metadata: {} };
}

function locate(
  path: string,
  file: string,
  name: string,
  { storage, offset, shape, strides }: PickledTensor,
  files: ReadonlyMap<string, StoredFile>,
): { reference?: WeightReference; other?: OtherTensor } {
  const dtype = WEIGHTS[storage.type];
  if (dtype === undefined) {
    const other = OTHERS[storage.type];
    if (other === undefined)
      throw new WeightFileError(path, `${shown(name)} has the unknown type ${storage.type}`);
    return { other: { dtype: other, shape } };
  }
  const size = shape.reduce((product, length) => product * length, 1);
  let expected = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis]! > 1 && strides[axis] !== expected)
      throw new WeightFileError(
        path,
        `${shown(name)} [${shape}] does not lie row by row in its storage (strides ${strides}): save it contiguous`,
      );
    expected *= shape[axis]!;
  }
  const bytes = WEIGHT_BYTES[dtype];
  const stored = files.get(`data/${storage.key}`);
  const byteLength = size * bytes;
  const end = (offset + size) * bytes;
  // A product beyond what numbers hold is no size either.
  if (stored === undefined || !Number.isSafeInteger(end) || end > stored.byteLength)
    throw new WeightFileError(
      path,
      `${shown(name)} ${shown(shape)} needs ${Number.isSafeInteger(end) ? end : 'more than 2^53'} bytes of data/${storage.key}, which has ${stored?.byteLength ?? 'none'}`,
    );
  return {
    reference: { kind: 'file', file, offset: stored.offset + offset * bytes, byteLength, dtype, shape },
  };
}
