import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { bitsOf, data, placed, temporaryFolder } from '../../test/weightFiles.ts';
import { RandomStream } from '../random.ts';
import { narrowBf16, narrowF16, widenBf16, widenF16 } from './half.ts';
import { readWeight } from './read.ts';
import { readSafetensorsHeader } from './safetensors.ts';
import type { WeightData, WeightSource } from './source.ts';
import { encodeSafetensors, writeSafetensors } from './write.ts';

const folder = temporaryFolder();
const weights = new Map<string, WeightData>([
  ['b', data([2, 2], [1, -2.5, 3e-42, Number.NaN])],
  ['a', data([3], [0.1, -0, Number.POSITIVE_INFINITY])],
]);

describe('writeSafetensors', () => {
  it('gives these bytes: sorted, padded, little-endian', () => {
    const bytes = encodeSafetensors(
      [
        ['b', data([1], [1])],
        ['a', data([], [-2])],
      ],
      { metadata: { z: '1', k: 'é' } },
    );
    const header =
      '{"__metadata__":{"k":"é","z":"1"},"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]},' +
      '"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}';
    const length = Number(bytes.readBigUInt64LE());
    expect(length % 8).toBe(0);
    expect(bytes.subarray(8, 8 + length).toString()).toBe(
      header.padEnd(length - (Buffer.byteLength(header) - header.length)),
    );
    expect(bytes.subarray(8 + length).toString('hex')).toBe('000000c00000803f');
  });

  it('writes a file that reads back bit for bit, and leaves nothing else', async () => {
    const home = join(folder, 'round');
    mkdirSync(home);
    const path = join(home, 'w.safetensors');
    await writeSafetensors(path, weights, { metadata: { format: 'pt' } });
    const file = await readSafetensorsHeader(path);
    expect(file.metadata).toEqual({ format: 'pt' });
    expect([...file.tensors.keys()]).toEqual(['a', 'b']);
    for (const [name, { data: values, shape }] of weights) {
      const reference = file.tensors.get(name)!;
      expect(reference.shape).toEqual(shape);
      expect(bitsOf(await readWeight(reference))).toEqual(bitsOf(values));
    }
    expect(readdirSync(home)).toEqual(['w.safetensors']);
    expect(readFileSync(path)).toEqual(encodeSafetensors(weights, { metadata: { format: 'pt' } }));
  });

  it('does not depend on the order given', () => {
    const reversed = new Map([...weights].reverse());
    expect(encodeSafetensors(reversed)).toEqual(encodeSafetensors(weights));
  });

  it.each([
    ['F16', (x: Float32Array) => widenF16(narrowF16(x))],
    ['BF16', (x: Float32Array) => widenBf16(narrowBf16(x))],
  ] as const)('stores %s rounded to nearest', async (dtype, rounded) => {
    const path = join(folder, `${dtype}.safetensors`);
    await writeSafetensors(path, weights, { dtype });
    const { tensors } = await readSafetensorsHeader(path);
    for (const [name, { data: values }] of weights) {
      const reference = tensors.get(name)!;
      expect(reference.dtype).toBe(dtype);
      expect(bitsOf(await readWeight(reference))).toEqual(bitsOf(rounded(values)));
    }
  });

  it('copies weights that lie in files, even in the file it replaces', async () => {
    const path = join(folder, 'self.safetensors');
    await writeSafetensors(path, weights, { dtype: 'BF16' });
    const before = readFileSync(path);
    await writeSafetensors(path, (await readSafetensorsHeader(path)).tensors, { dtype: 'BF16' });
    expect(readFileSync(path)).toEqual(before);
  });

  it('carries names that mean something to JavaScript or to JSON', async () => {
    const names = ['10', '9', '__proto__', 'a"b\\c\n', 'é', ''].sort();
    const path = join(folder, 'names.safetensors');
    await writeSafetensors(
      path,
      names.map((name, i) => [name, data([1], [i])] as const),
    );
    const { tensors } = await readSafetensorsHeader(path);
    expect([...tensors.keys()]).toEqual(names);
    for (const [i, name] of names.entries()) expect([...(await readWeight(tensors.get(name)!))]).toEqual([i]);
  });

  it('brings random sets of tensors back (seeds 0 to 29)', async () => {
    for (let seed = 0; seed < 30; seed++) {
      const random = RandomStream.from(seed, 'weights');
      const set = new Map<string, WeightData>();
      for (let i = random.integer(8); i > 0; i--) {
        const shape = Array.from({ length: random.integer(4) }, () => random.integer(6));
        const count = shape.reduce((a, b) => a * b, 1);
        const bits = Uint32Array.from({ length: count }, () => random.uint32());
        set.set(`layer.${random.integer(1000)}`, {
          kind: 'data',
          data: new Float32Array(bits.buffer),
          shape,
        });
      }
      const path = join(folder, 'random.safetensors');
      await writeSafetensors(path, set);
      const { tensors } = await readSafetensorsHeader(path);
      expect([...tensors.keys()].sort(), `seed ${seed}`).toEqual([...set.keys()].sort());
      for (const [name, { data: values, shape }] of set) {
        expect(tensors.get(name)!.shape, `seed ${seed} ${name}`).toEqual(shape);
        expect(bitsOf(await readWeight(tensors.get(name)!)), `seed ${seed} ${name}`).toEqual(bitsOf(values));
      }
    }
  });
});

describe('failures', () => {
  const gone: WeightSource = {
    kind: 'file',
    file: join(folder, 'gone.safetensors'),
    offset: 0,
    byteLength: 4,
    dtype: 'F32',
    shape: [1],
  };

  it('keeps the old file and leaves no temporary one when a tensor cannot be read', async () => {
    const home = join(folder, 'unreadable');
    mkdirSync(home);
    const path = placed(home, 'target', 'old');
    await expect(
      writeSafetensors(path, [
        ['a', data([1], [1])],
        ['b', gone],
      ]),
    ).rejects.toThrow('ENOENT');
    expect(readdirSync(home)).toEqual(['target']);
    expect(readFileSync(path, 'utf8')).toBe('old');
  });

  it('leaves no temporary file when the rename fails', async () => {
    const home = join(folder, 'taken');
    mkdirSync(join(home, 'target'), { recursive: true });
    await expect(writeSafetensors(join(home, 'target'), weights)).rejects.toThrow('EISDIR');
    expect(readdirSync(home)).toEqual(['target']);
  });

  it('reports a folder that is not there', async () => {
    await expect(writeSafetensors(join(folder, 'none/target'), weights)).rejects.toThrow('ENOENT');
  });

  it.each<[string, Iterable<readonly [string, WeightSource]>, object, string]>([
    [
      'a name given twice',
      [
        ['a', data([1], [1])],
        ['a', data([1], [2])],
      ],
      {},
      'tensor "a" is given twice',
    ],
    ['the reserved name', [['__metadata__', data([1], [1])]], {}, 'no tensor may be named "__metadata__"'],
    ['a shape that does not fit', [['a', data([2], [1])]], {}, 'shape [2] does not describe its 1 elements'],
    [
      'a shape that multiplies by chance',
      [['a', data([-1, -1], [1])]],
      {},
      'shape [-1,-1] does not describe',
    ],
    [
      'a reference of the wrong length',
      [['a', { ...gone, shape: [2] }]],
      {},
      'shape [2] does not describe its 1',
    ],
    ['a lone surrogate', [['\ud800', data([1], [1])]], {}, 'must be well-formed strings'],
    ['metadata that is no text', [], { metadata: { epoch: 1 } }, 'must be well-formed strings, got 1'],
    ['an unknown dtype', [], { dtype: 'F64' }, 'dtype must be one of F32, F16, BF16, got "F64"'],
  ])('refuses %s before it writes', async (_, given, options, message) => {
    const path = join(folder, 'refused.safetensors');
    await expect(writeSafetensors(path, given, options)).rejects.toThrow(message);
    expect(existsSync(path)).toBe(false);
  });
});
