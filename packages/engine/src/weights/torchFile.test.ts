import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openCheckpoint } from './checkpoint.ts';
import { readWeight } from './read.ts';
import { readTorchFile } from './torchFile.ts';

/** Written by tools/reference/torch_files.py. */
const FIXTURES = path.join(import.meta.dirname, '..', '..', 'test', 'fixtures', 'torch');
const expected: Record<string, Record<string, { shape: number[]; values: number[] }>> = JSON.parse(
  await readFile(path.join(FIXTURES, 'expected.json'), 'utf8'),
);
const fixture = (name: string): string => path.join(FIXTURES, `${name}.bin`);

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'torch-'));
});
afterEach(() => rm(folder, { recursive: true }));

describe.each(Object.entries(expected))('%s', (name, tensors) => {
  test('has every float tensor where it lies', async () => {
    const file = await readTorchFile(fixture(name));
    expect([...file.tensors.keys()].sort()).toEqual(Object.keys(tensors).sort());
    for (const [key, { shape, values }] of Object.entries(tensors)) {
      const source = file.tensors.get(key)!;
      expect(source.shape, key).toEqual(shape);
      expect([...(await readWeight(source))], key).toEqual(values);
    }
  });
});

test('names other types, and shared tensors point at the same bytes', async () => {
  const { tensors, others } = await readTorchFile(fixture('plain'));
  expect(Object.fromEntries(others)).toEqual({
    position_ids: { dtype: 'I64', shape: [1, 7] },
    double: { dtype: 'F64', shape: [2] },
    mask: { dtype: 'BOOL', shape: [2] },
  });
  expect(tensors.get('decoder.weight')!.offset).toBe(tensors.get('embedding.weight')!.offset);
  expect(tensors.get('half')!.dtype).toBe('F16');
  expect(tensors.get('bfloat')!.dtype).toBe('BF16');
});

test('a checkpoint folder may hold one, or shards of it', async () => {
  await writeFile(path.join(folder, 'config.json'), '{"model_type":"toy"}');
  await copyFile(fixture('state_dict'), path.join(folder, 'pytorch_model.bin'));
  expect([...(await openCheckpoint(folder)).weights.keys()].sort()).toEqual(
    Object.keys(expected.state_dict!).sort(),
  );
  await rm(path.join(folder, 'pytorch_model.bin'));
  await copyFile(fixture('state_dict'), path.join(folder, 'pytorch_model-00001-of-00001.bin'));
  const index = { weight_map: { '0.weight': 'pytorch_model-00001-of-00001.bin' } };
  await writeFile(path.join(folder, 'pytorch_model.bin.index.json'), JSON.stringify(index));
  expect([...(await openCheckpoint(folder)).weights.keys()]).toEqual(['0.weight']);
});

describe('refuses', () => {
  test.each([
    ['malicious', /refers to (posix|nt)\.system, which no weight file needs: nothing of it was run/],
    ['transposed', /"weight" \[4,3\] does not lie row by row in its storage \(strides 1,4\)/],
    ['training_state', '"epoch" is no tensor: save the state_dict'],
    ['tensor', 'holds no dictionary of tensors'],
    ['legacy', 'is no zip archive: files of torch before 1.6'],
  ])('%s', async (name, message) => {
    await expect(readTorchFile(fixture(name))).rejects.toThrow(message);
  });

  test('what is not there', async () => {
    await expect(readTorchFile(path.join(folder, 'none.bin'))).rejects.toThrow('none.bin: cannot be read');
  });

  test('a file that was cut, or whose pickle was', async () => {
    const bytes = await readFile(fixture('plain'));
    const file = path.join(folder, 'cut.bin');
    for (const length of [3, 500, bytes.length - 30]) {
      await writeFile(file, bytes.subarray(0, length));
      await expect(readTorchFile(file)).rejects.toThrow(
        /cut\.bin: (is no zip archive|is a broken zip archive)/,
      );
    }
  });

  test('any pickle with a byte changed, or reads it as tensors inside the file', async () => {
    const bytes = await readFile(fixture('state_dict'));
    const start = bytes.indexOf('\x80\x02', 0, 'latin1');
    const end = bytes.indexOf('PK\x03\x04', start, 'latin1');
    let refused = 0;
    for (let at = start; at < end; at++) {
      const broken = Buffer.from(bytes);
      broken[at]! ^= 0x15;
      const file = path.join(folder, 'broken.bin');
      await writeFile(file, broken);
      try {
        const { tensors } = await readTorchFile(file);
        for (const { offset, byteLength } of tensors.values())
          expect(offset + byteLength).toBeLessThanOrEqual(bytes.length);
      } catch (error) {
        expect((error as Error).name).toBe('WeightFileError');
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(100);
  });
});
