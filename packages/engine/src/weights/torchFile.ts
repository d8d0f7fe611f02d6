/** Reads what torch.save wrote, without torch and without running the pickle code in it. */
import { type FileHandle, open, realpath } from 'node:fs/promises';
import { type Entry, fromFd, type ZipFile } from 'yauzl';
import { readFully } from './bytes.ts';
import { shown, WeightFileError } from './error.ts';
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
  const broken = (error: unknown): never => {
    throw new WeightFileError(path, `is a broken zip archive: ${(error as Error).message}`, { cause: error });
  };
  const zip = await new Promise<ZipFile>((resolve, reject) => {
    fromFd(handle.fd, { lazyEntries: true, autoClose: false }, (error, opened) =>
      error ? reject(error) : resolve(opened),
    );
  }).catch(broken);
  const found: Entry[] = [];
  await new Promise<void>((resolve, reject) => {
    zip.on('entry', (entry: Entry) => {
      found.push(entry);
      zip.readEntry();
    });
    zip.on('end', () => resolve());
    zip.on('error', reject);
    zip.readEntry();
  }).catch(broken);
  const files = new Map<string, StoredFile>();
  for (const entry of found) {
    if (entry.compressionMethod !== 0)
      throw new WeightFileError(
        path,
        `holds ${shown(entry.fileName)} compressed; torch stores its files plainly`,
      );
    const { fileDataStart } = await new Promise<{ fileDataStart: number }>((resolve, reject) => {
      zip.readLocalFileHeader(entry, { minimal: true }, (error, header) =>
        error ? reject(error) : resolve(header),
      );
    }).catch(broken);
    const name = entry.fileName.slice(entry.fileName.indexOf('/') + 1);
    files.set(name, { offset: fileDataStart, byteLength: entry.uncompressedSize });
  }
  return files;
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
    await readFully(handle, bytes, stored.offset);
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
    throw new WeightFileError(path, `its data.pkl ${(cause as Error).message}`, { cause });
  }
  if (!(root instanceof Map))
    throw new WeightFileError(path, 'holds no dictionary of tensors: save the state_dict, not the model');
  const tensors = new Map<string, WeightReference>();
  const others = new Map<string, OtherTensor>();
  for (const [name, value] of root) {
    if ((value as PickledTensor | null)?.kind !== 'tensor')
      throw new WeightFileError(
        path,
        `${shown(name)} is no tensor: save the state_dict, not a training state`,
      );
    const { reference, other } = locate(path, file, String(name), value as PickledTensor, files);
    if (reference) tensors.set(String(name), reference);
    else others.set(String(name), other!);
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
  if (stored === undefined || (offset + size) * bytes > stored.byteLength)
    throw new WeightFileError(
      path,
      `${shown(name)} needs ${(offset + size) * bytes} bytes of data/${storage.key}, which has ${stored?.byteLength ?? 'none'}`,
    );
  return {
    reference: { kind: 'file', file, offset: stored.offset + offset * bytes, byteLength, dtype, shape },
  };
}
