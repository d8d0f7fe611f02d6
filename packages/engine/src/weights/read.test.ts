import { truncateSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { data, temporaryFolder } from '../../test/weightFiles.ts';
import { readElements, readWeight, readWeightSync } from './read.ts';
import { readSafetensorsHeader } from './safetensors.ts';
import type { WeightDtype, WeightReference } from './source.ts';
import { writeSafetensors } from './write.ts';

const folder = temporaryFolder();
const values = [1, -2, 0.5, 4, 5, 6];

async function written(name: string, dtype: WeightDtype = 'F32'): Promise<WeightReference> {
  const path = join(folder, name);
  await writeSafetensors(
    path,
    [
      ['a', data([1], [9])],
      ['b', data([2, 3], values)],
    ],
    { dtype },
  );
  return (await readSafetensorsHeader(path)).tensors.get('b')!;
}

describe('readWeight', () => {
  it.each(['F32', 'F16', 'BF16'] as const)('reads %s in both ways, whole and in part', async (dtype) => {
    const reference = await written(dtype, dtype);
    expect([...(await readWeight(reference))]).toEqual(values);
    expect([...readWeightSync(reference)]).toEqual(values);
    expect([...(await readElements(reference, 2, 3))]).toEqual([0.5, 4, 5]);
  });

  it('hands out the array of a source in memory', async () => {
    const source = data([2], [1, 2]);
    expect(await readWeight(source)).toBe(source.data);
    expect(readWeightSync(source)).toBe(source.data);
  });

  it('reports a file that was cut since its header was read', async () => {
    const reference = await written('cut');
    const end = reference.offset + reference.byteLength;
    truncateSync(reference.file, end - 1);
    const message = `${reference.file}: has ${end - 1} bytes, but a tensor in it ends at byte ${end}; the file was cut`;
    await expect(readWeight(reference)).rejects.toThrow(message);
    expect(() => readWeightSync(reference)).toThrow(message);
  });

  it('reports a file that is gone', async () => {
    const reference = { ...(await written('there')), file: join(folder, 'gone') };
    await expect(readWeight(reference)).rejects.toThrow('gone: cannot be read: ENOENT');
    expect(() => readWeightSync(reference)).toThrow('gone: cannot be read: ENOENT');
  });
});
