import { mkdirSync, realpathSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import expected from '../../test/fixtures/weights/mixed.json' with { type: 'json' };
import { bitsOf, placed, rawFile, temporaryFolder } from '../../test/weightFiles.ts';
import { WeightFileError } from './error.ts';
import { readWeight, readWeightSync } from './read.ts';
import { readSafetensorsHeader } from './safetensors.ts';

const folder = temporaryFolder();
const fixture = join(import.meta.dirname, '../../test/fixtures/weights/mixed.safetensors');
const dtypeNames = { F32: 'float32', F16: 'float16', BF16: 'bfloat16' };

describe('a file written by the safetensors library', () => {
  it('reads equal: shapes, types, every bit of every float tensor', async () => {
    const { tensors } = await readSafetensorsHeader(fixture);
    expect([...tensors.keys()].sort()).toEqual(Object.keys(expected.tensors).sort());
    for (const [name, { shape, dtype, bits }] of Object.entries(expected.tensors)) {
      const reference = tensors.get(name)!;
      expect(reference.shape, name).toEqual(shape);
      expect(dtypeNames[reference.dtype], name).toBe(dtype);
      expect(bitsOf(await readWeight(reference)), name).toEqual(bits);
      expect(bitsOf(readWeightSync(reference)), name).toEqual(bits);
    }
  });

  it('lists tensors of other types apart, and its metadata', async () => {
    const { others, metadata } = await readSafetensorsHeader(fixture);
    expect(Object.fromEntries([...others].map(([name, { shape }]) => [name, shape]))).toEqual(
      expected.others,
    );
    expect(others.get('embeddings.position_ids')!.dtype).toBe('I64');
    expect(metadata).toEqual(expected.metadata);
  });
});

describe('valid corners', () => {
  it('takes a file without tensors, padding spaces, and fields it does not know', async () => {
    const empty = await readSafetensorsHeader(placed(folder, 'empty', rawFile('{}   ')));
    expect([empty.tensors.size, empty.metadata]).toEqual([0, {}]);
    const extra = { a: { dtype: 'F32', shape: [1], data_offsets: [0, 4], later: [{ x: '"}' }] } };
    const { tensors } = await readSafetensorsHeader(placed(folder, 'extra', rawFile(extra, 4)));
    expect(tensors.get('a')!.byteLength).toBe(4);
  });

  it('takes empty tensors between others, and packed types that fill whole bytes', async () => {
    const header = {
      b: { dtype: 'F16', shape: [2], data_offsets: [3, 7] },
      none: { dtype: 'F32', shape: [3, 0, 2], data_offsets: [3, 3] },
      packed: { dtype: 'F6_E2M3', shape: [4], data_offsets: [0, 3] },
    };
    const file = await readSafetensorsHeader(placed(folder, 'packed', rawFile(header, 7)));
    expect([...file.tensors.keys()]).toEqual(['none', 'b']);
    expect(await readWeight(file.tensors.get('none')!)).toHaveLength(0);
    expect(file.others.get('packed')).toEqual({ dtype: 'F6_E2M3', shape: [4] });
  });

  it('keeps tensors apart whose names mean something to JavaScript', async () => {
    const header = `{"__proto__":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},
      "constructor":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}`;
    const { tensors } = await readSafetensorsHeader(placed(folder, 'proto', rawFile(header, 8)));
    expect([...tensors.keys()]).toEqual(['__proto__', 'constructor']);
  });

  it('names the real file behind links, as a Hub cache lays them', async () => {
    mkdirSync(join(folder, 'blobs'));
    mkdirSync(join(folder, 'snapshots/abc'), { recursive: true });
    const blob = placed(
      folder,
      'blobs/5f3a',
      rawFile({ a: { dtype: 'F32', shape: [], data_offsets: [0, 4] } }, 4),
    );
    const link = join(folder, 'snapshots/abc/model.safetensors');
    symlinkSync('../../blobs/5f3a', link);
    const { file, tensors } = await readSafetensorsHeader(link);
    expect(file).toBe(realpathSync(blob));
    expect(tensors.get('a')!.file).toBe(file);
  });
});

/** A header of one F32 tensor "a" with some fields replaced. */
const one = (fields: object) => ({ a: { dtype: 'F32', shape: [2], data_offsets: [0, 8], ...fields } });
const f32 = (begin: number, end: number) => ({
  dtype: 'F32',
  shape: [(end - begin) / 4],
  data_offsets: [begin, end],
});

const hostile: [what: string, bytes: Uint8Array | string, message: string][] = [
  ['an empty file', '', 'has at least 8 bytes, this one has 0'],
  ['fewer than 8 bytes', '1234567', 'has at least 8 bytes, this one has 7'],
  ['a Git LFS pointer', 'version https://git-lfs.github.com/spec/v1\noid sha256:0\n', '`git lfs pull`'],
  ['a header length of 0', rawFile('', 4), 'the header length is 0'],
  ['a header length over the cap', rawFile('{}', 0, 100_000_001n), 'at most 100000000, got 100000001'],
  ['the largest length', rawFile('{}', 0, 2n ** 64n - 1n), 'got 18446744073709551615'],
  ['a header beyond the file', rawFile('{}', 0, 3n), 'takes 3 bytes, but only 2 follow its length'],
  ['bytes that are no UTF-8', rawFile(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d])), 'is not valid UTF-8'],
  ['a byte order mark', rawFile('\ufeff{}'), 'must begin with {, got "\ufeff{}"'],
  ['an array', rawFile('[1]'), 'must begin with {, got "[1]"'],
  ['leading space', rawFile(' {}'), 'must begin with {, got " {}"'],
  ['broken JSON', rawFile('{"a": }'), 'the header is not valid JSON: Unexpected token'],
  ['data in the header', rawFile('{}\0\0'), 'the header is not valid JSON'],
  ['very deep JSON', rawFile(`{"a":${'['.repeat(200_000)}`), 'the header is not valid JSON'],
  [
    'a tensor named twice',
    rawFile(`{"a":${JSON.stringify(f32(0, 4))},"b":{},"a":${JSON.stringify(f32(0, 8))}}`, 8),
    'the header states "a" twice',
  ],
  ['a name twice by escape', rawFile('{"a":{},"\\u0061":{}}'), 'the header states "a" twice'],
  [
    'a field named twice',
    rawFile('{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"shape":[1]}}', 4),
    'the header states "shape" twice',
  ],
  ['an entry that is null', rawFile({ a: null }), 'tensor "a": must be an object with dtype, shape'],
  ['an entry that is an array', rawFile({ a: [0, 4] }), 'and data_offsets, got [0,4]'],
  ['an entry that is text', rawFile({ a: 'F32' }), 'and data_offsets, got "F32"'],
  [
    'metadata that is text',
    rawFile({ __metadata__: 'pt' }),
    '__metadata__ must be an object of strings, got "pt"',
  ],
  [
    'metadata that is null',
    rawFile({ __metadata__: null }),
    '__metadata__ must be an object of strings, got null',
  ],
  ['metadata of numbers', rawFile({ __metadata__: { n: 1 } }), '__metadata__ "n" must be a string, got 1'],
  ['an unknown dtype', rawFile(one({ dtype: 'F31' }), 8), 'tensor "a": dtype must be one of BOOL, U8'],
  ['a dtype in lower case', rawFile(one({ dtype: 'f32' }), 8), ', got "f32"'],
  ['a dtype from Object', rawFile(one({ dtype: 'toString' }), 8), ', got "toString"'],
  ['no dtype', rawFile(one({ dtype: undefined }), 8), ', got undefined'],
  ['a shape that is a number', rawFile(one({ shape: 2 }), 8), 'shape must be an array of integers from 0'],
  ['no shape', rawFile(one({ shape: undefined }), 8), '2^53 - 1, got undefined'],
  ['a negative size', rawFile(one({ shape: [-1, -2] }), 8), '2^53 - 1, got [-1,-2]'],
  ['a fractional size', rawFile(one({ shape: [0.5, 4] }), 8), '2^53 - 1, got [0.5,4]'],
  ['a size that is text', rawFile(one({ shape: ['2'] }), 8), '2^53 - 1, got ["2"]'],
  ['an unsafe size', rawFile(one({ shape: [2 ** 53] }), 8), '2^53 - 1, got [9007199254740992]'],
  [
    'a product that overflows',
    rawFile(one({ shape: [2 ** 32, 2 ** 32] }), 8),
    'the size of shape must be below 2^53 bits, got [4294967296,4294967296]',
  ],
  [
    'a product that overflows to infinity',
    rawFile(one({ shape: new Array(30).fill(2 ** 52) }), 8),
    'the size of shape must be below 2^53 bits',
  ],
  ['no offsets', rawFile(one({ data_offsets: undefined }), 8), 'data_offsets must be two integers'],
  ['one offset', rawFile(one({ data_offsets: [8] }), 8), '2^53 - 1, got [8]'],
  ['three offsets', rawFile(one({ data_offsets: [0, 8, 8] }), 8), '2^53 - 1, got [0,8,8]'],
  ['a negative offset', rawFile(one({ data_offsets: [-8, 0] }), 8), '2^53 - 1, got [-8,0]'],
  ['a fractional offset', rawFile(one({ data_offsets: [0.5, 8.5] }), 9), '2^53 - 1, got [0.5,8.5]'],
  [
    'an unsafe offset',
    rawFile('{"a":{"dtype":"F32","shape":[2],"data_offsets":[9007199254740993,9007199254741001]}}', 8),
    '2^53 - 1, got [9007199254740992,9007199254741000]',
  ],
  [
    'an offset beyond every number',
    rawFile('{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,1e999]}}', 8),
    'got [0,null]',
  ],
  [
    'offsets in the wrong order',
    rawFile(one({ data_offsets: [8, 0] }), 8),
    'not end before they begin, got [8,0]',
  ],
  [
    'data that is cut short',
    rawFile(one({}), 7),
    'within the 7 bytes of data (is the file cut short?), got [0,8]',
  ],
  [
    'offsets outside',
    rawFile(one({ data_offsets: [8, 16] }), 8),
    'within the 8 bytes of data (is the file cut',
  ],
  [
    'too many bytes',
    rawFile(one({ shape: [1] }), 8),
    'shape [1] of F32 takes 4 bytes, but data_offsets [0,8] hold 8',
  ],
  [
    'too few bytes',
    rawFile(one({ dtype: 'F64' }), 8),
    'shape [2] of F64 takes 16 bytes, but data_offsets [0,8]',
  ],
  ['part of a byte', rawFile({ a: { dtype: 'F4', shape: [3], data_offsets: [0, 1] } }, 1), 'takes 1.5 bytes'],
  [
    'tensors that overlap',
    rawFile({ a: f32(0, 8), b: f32(4, 12) }, 12),
    'tensors overlap: "b" begins at byte 4 of the data, but "a" ends at 8',
  ],
  [
    'tensors that share their bytes',
    rawFile({ a: f32(0, 8), b: f32(0, 8) }, 8),
    'tensors overlap: "b" begins',
  ],
  [
    'an overlap of different types',
    rawFile({ a: f32(0, 8), b: { dtype: 'I64', shape: [1], data_offsets: [0, 8] } }, 8),
    'tensors overlap',
  ],
  ['an empty tensor inside another', rawFile({ a: f32(0, 8), b: f32(4, 4) }, 8), 'tensors overlap: "b"'],
  [
    'a hole at the start',
    rawFile({ a: f32(4, 8) }, 8),
    'a hole between tensors: "a" begins at byte 4 of the data, but the header ends at 0',
  ],
  [
    'a hole between',
    rawFile({ b: f32(8, 12), a: f32(0, 4) }, 12),
    '"b" begins at byte 8 of the data, but "a" ends at 4',
  ],
  [
    'data after the last tensor',
    rawFile(one({}), 9),
    'the tensors end at byte 8 of the data, but the file goes on to byte 9',
  ],
  ['data without tensors', rawFile('{}', 5), 'end at byte 0 of the data, but the file goes on to byte 5'],
  ['a long hostile name', rawFile({ ['x\n'.repeat(500)]: null }), '(1502 characters): must be an object'],
];

describe('hostile files', () => {
  it.each(hostile)('%s', async (_, bytes, message) => {
    const path = placed(folder, 'hostile.safetensors', bytes);
    const error = await readSafetensorsHeader(path).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(WeightFileError);
    const text = (error as WeightFileError).message;
    expect(text).toContain(message);
    expect(text.startsWith(`${path}: `)).toBe(true);
    expect(text).not.toContain('\n');
    expect(text.length).toBeLessThan(600);
  });

  it('a missing file, a folder and a broken link', async () => {
    await expect(readSafetensorsHeader(join(folder, 'none'))).rejects.toThrow('none: cannot be read: ENOENT');
    await expect(readSafetensorsHeader(folder)).rejects.toThrow(`${folder}: is not a regular file`);
    symlinkSync('gone', join(folder, 'broken'));
    await expect(readSafetensorsHeader(join(folder, 'broken'))).rejects.toThrow(
      'broken: cannot be read: ENOENT',
    );
  });

  it('every cut of a good file is refused', async () => {
    const bytes = rawFile({ a: f32(0, 8), b: f32(8, 16) }, 16);
    for (let length = 0; length < bytes.length; length++) {
      const path = placed(folder, 'cut.safetensors', bytes.subarray(0, length));
      await expect(readSafetensorsHeader(path), `${length} bytes`).rejects.toThrow(WeightFileError);
    }
    await expect(readSafetensorsHeader(placed(folder, 'cut.safetensors', bytes))).resolves.toBeDefined();
  });
});
