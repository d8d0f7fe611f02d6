import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { data, temporaryFolder } from '../../test/weightFiles.ts';
import { RandomStream } from '../random.ts';
import { fingerprintWeights } from './fingerprint.ts';
import { readSafetensorsHeader } from './safetensors.ts';
import type { WeightSource } from './source.ts';
import { writeSafetensors } from './write.ts';

const folder = temporaryFolder();
/** Values that F16 and BF16 hold exactly; "large" spans several chunks of the hash. */
const random = RandomStream.from(3);
const weights = new Map<string, WeightSource>([
  [
    'large',
    data(
      [2_500_000],
      Float32Array.from({ length: 2_500_000 }, () => random.integer(256) - 128),
    ),
  ],
  ['b', data([2, 2], [1, -0.5, 2, 0])],
  ['a', data([3], [1, 2, 3])],
]);

const changed = (name: string, source: WeightSource) => new Map([...weights, [name, source]]);

describe('fingerprintWeights', () => {
  it('is the SHA-256 of names, shapes and float32 values in the order of names', async () => {
    const hash = createHash('sha256')
      .update('["a",[3]]\n')
      .update(new Uint8Array(Float32Array.of(1, 2, 3).buffer))
      .update('["b",[2,2]]\n')
      .update(new Uint8Array(Float32Array.of(1, -0.5, 2, 0).buffer));
    const small = new Map([...weights].filter(([name]) => name !== 'large'));
    expect(await fingerprintWeights(small)).toBe(hash.digest('hex'));
  });

  it('is the same in memory, in any order, in one file or shards, in any storage type', async () => {
    const expected = await fingerprintWeights(weights);
    expect(await fingerprintWeights(new Map([...weights].reverse()))).toBe(expected);
    for (const dtype of ['F32', 'F16', 'BF16'] as const) {
      const path = join(folder, `${dtype}.safetensors`);
      await writeSafetensors(path, weights, { dtype, metadata: { dtype } });
      expect(await fingerprintWeights((await readSafetensorsHeader(path)).tensors), dtype).toBe(expected);
    }
    const shards = new Map<string, WeightSource>();
    for (const [name, source] of weights) {
      const path = join(folder, `shard-${name}.safetensors`);
      await writeSafetensors(path, [[name, source]]);
      for (const [key, reference] of (await readSafetensorsHeader(path)).tensors) shards.set(key, reference);
    }
    expect(await fingerprintWeights(shards)).toBe(expected);
  });

  it('changes with a value, the sign of a zero, a shape, a name, one weight more or less', async () => {
    const without = new Map(weights);
    without.delete('b');
    const variants = [
      weights,
      changed('b', data([2, 2], [1, -0.5, 2, 1e-45])),
      changed('b', data([2, 2], [1, -0.5, 2, -0])),
      changed('b', data([4], [1, -0.5, 2, 0])),
      changed('c', data([0], [])),
      without,
      new Map([...without, ['B', weights.get('b')!]]),
      new Map<string, WeightSource>(),
    ];
    const prints = await Promise.all(variants.map(fingerprintWeights));
    expect(new Set(prints).size).toBe(variants.length);
  });

  it('refuses a shape that does not describe its data', async () => {
    const message = 'fingerprint of weight "b": shape [3] does not describe its 2 elements';
    await expect(fingerprintWeights(changed('b', data([3], [1, 2])))).rejects.toThrow(message);
  });
});
