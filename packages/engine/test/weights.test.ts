/** Weights inside a checkpoint's own file: every storage type, sharded and behind links, on every executor. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  compile,
  openCheckpoint,
  type ProgramFunction,
  RandomStream,
  readWeight,
  tf,
  type WeightData,
  type WeightDtype,
  writeSafetensors,
} from '@psoft/engine';
import { afterAll, describe, expect, test } from 'vitest';

const folder = mkdtempSync(path.join(tmpdir(), 'psoft-weights-test-'));
afterAll(() => rmSync(folder, { recursive: true }));

const rng = RandomStream.from(5, 'weights test');
const random = (...shape: number[]): WeightData => ({
  kind: 'data',
  shape,
  data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => rng.normal()),
});
// Odd sizes: the tensors of a half-precision file then start at offsets that are no multiple of 4.
const weights = new Map([
  ['a', random(3)],
  ['dense.bias', random(5)],
  ['dense.weight', random(5, 7)],
]);
const x = Float32Array.from({ length: 2 * 7 }, () => rng.normal());
const fn: ProgramFunction = (inputs, weight) => {
  const gradient = tf.grad((t) =>
    tf.sum(tf.square(tf.matMul(t as never, weight('dense.weight') as never, false, true))),
  );
  return {
    y: tf.add(
      tf.matMul(inputs.x as never, weight('dense.weight') as never, false, true),
      weight('dense.bias'),
    ),
    dx: gradient(inputs.x!),
  };
};

async function run(dir: string, executor: 'cpu' | 'eager-cpu' | 'eager-wasm') {
  const checkpoint = await openCheckpoint(dir);
  const signature = {
    inputs: { x: { shape: [2, 7], dtype: 'float32' as const } },
    weights: checkpoint.weights,
  };
  const program = await compile(fn, signature, { executor });
  const result = await program.run({ x });
  await program.dispose();
  return [...result.y!.data, ...result.dx!.data];
}

async function save(name: string, dtype: WeightDtype): Promise<string> {
  const dir = path.join(folder, name);
  mkdirSync(dir);
  writeFileSync(path.join(dir, 'config.json'), '{}');
  await writeSafetensors(path.join(dir, 'model.safetensors'), weights, { dtype });
  return dir;
}

describe.each(['F32', 'F16', 'BF16'] as const)('%s weights', (dtype) => {
  test('give the same results compiled and eagerly', async () => {
    const dir = await save(dtype, dtype);
    const expected = await run(dir, 'eager-cpu');
    for (const executor of ['cpu', 'eager-wasm'] as const) {
      const actual = await run(dir, executor);
      actual.forEach((value, i) => {
        expect(Math.abs(value - expected[i]!)).toBeLessThan(2e-5 * Math.max(1, Math.abs(expected[i]!)));
      });
    }
    const { weights: stored } = await openCheckpoint(dir);
    expect(stored.get('dense.weight')).toMatchObject({ kind: 'file', dtype });
    expect(await readWeight(stored.get('dense.weight')!)).toHaveLength(35);
  });
});

test('shards in a cache of links, as the Hub lays it out', async () => {
  const blobs = path.join(folder, 'blobs');
  const snapshot = path.join(folder, 'snapshots', 'main');
  mkdirSync(blobs);
  mkdirSync(snapshot, { recursive: true });
  const weightMap: Record<string, string> = {};
  for (const [i, name] of [...weights.keys()].entries()) {
    const shard = `model-0000${i + 1}-of-00003.safetensors`;
    await writeSafetensors(path.join(blobs, `blob${i}`), new Map([[name, weights.get(name)!]]), {});
    symlinkSync(path.join('..', '..', 'blobs', `blob${i}`), path.join(snapshot, shard));
    weightMap[name] = shard;
  }
  writeFileSync(path.join(snapshot, 'config.json'), '{}');
  writeFileSync(
    path.join(snapshot, 'model.safetensors.index.json'),
    JSON.stringify({ weight_map: weightMap }),
  );
  const whole = await save('whole', 'F32');
  expect(await run(snapshot, 'cpu')).toEqual(await run(whole, 'cpu'));
});

test('an unknown weight is an error that names it', async () => {
  const signature = { inputs: { x: { shape: [2, 7], dtype: 'float32' as const } }, weights: new Map() };
  await expect(compile(fn, signature)).rejects.toThrow(/unknown weight "dense.weight"/);
});
