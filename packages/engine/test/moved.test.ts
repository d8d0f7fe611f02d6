/** Arrays moved into a file: the same numbers, and memory only once. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import {
  compile,
  estimateMemory,
  fingerprintWeights,
  moveToFile,
  type ProgramFunction,
  placeOf,
  RandomStream,
  readWeight,
  tf,
  traceOptimised,
  type WeightData,
  type WeightDtype,
} from '@psoft/engine';
import { describe, expect, test } from 'vitest';
import { temporaryFolder } from './weightFiles.ts';

const folder = temporaryFolder();
const rng = RandomStream.from(11, 'moved');
const made = (...shape: number[]): WeightData => ({
  kind: 'data',
  shape,
  data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => rng.normal()),
});
const fn: ProgramFunction = ({ x }, weight) => {
  const model = (t: typeof x) =>
    tf.matMul(tf.matMul(t as never, weight('a') as never, false, true), weight('b') as never);
  return { y: model(x!), dx: tf.grad((t) => tf.sum(tf.square(model(t))))(x!) };
};
const inputs = { x: { shape: [3, 20], dtype: 'float32' as const } };
const x = Float32Array.from({ length: 60 }, () => rng.normal());

async function run(weights: ReadonlyMap<string, WeightData>, executor: 'cpu' | 'eager-cpu') {
  const program = await compile(fn, { inputs, weights }, { executor });
  const { y, dx } = await program.run({ x });
  await program.dispose();
  return [...y!.data, ...dx!.data];
}

describe.each<[WeightDtype, number]>([
  ['F32', 0],
  ['BF16', 2 ** -8],
])('in %s', (dtype, rounding) => {
  test('programs and readers see the values of the file', async () => {
    const weights = new Map([
      ['a', made(12, 20)],
      ['b', made(12, 5)],
    ]);
    const before = { cpu: await run(weights, 'cpu'), values: weights.get('a')!.data };
    const fingerprint = await fingerprintWeights(weights);
    const file = path.join(folder, `${dtype}.safetensors`);
    expect(await moveToFile(file, weights, dtype)).toBe(300 * (dtype === 'F32' ? 4 : 2));

    expect(placeOf(weights.get('a')!)).toMatchObject({ kind: 'file', dtype, shape: [12, 20] });
    const after = await readWeight(weights.get('a')!);
    after.forEach((value, i) => {
      expect(Math.abs(value - before.values[i]!)).toBeLessThanOrEqual(rounding * Math.abs(before.values[i]!));
    });
    expect(weights.get('a')!.data).toEqual(after);
    expect(weights.get('a')!.data).not.toBe(weights.get('a')!.data);
    if (dtype === 'F32') {
      expect(await run(weights, 'cpu')).toEqual(before.cpu);
      expect(await fingerprintWeights(weights)).toBe(fingerprint);
    } else expect(await fingerprintWeights(weights)).not.toBe(fingerprint);
    const eager = await run(weights, 'eager-cpu');
    (await run(weights, 'cpu')).forEach((value, i) => {
      expect(Math.abs(value - eager[i]!)).toBeLessThan(2e-5 * Math.max(1, Math.abs(eager[i]!)));
    });
    const { weightsBytes } = estimateMemory(traceOptimised(fn, { inputs, weights }), weights);
    expect(weightsBytes).toBe(300 * (dtype === 'F32' ? 4 : 2));
  });
});

test('moving again moves the new ones alone', async () => {
  const weights = new Map([['a', made(12, 20)]]);
  await moveToFile(path.join(folder, 'first.safetensors'), weights);
  const place = placeOf(weights.get('a')!);
  weights.set('b', made(12, 5));
  expect(await moveToFile(path.join(folder, 'second.safetensors'), weights)).toBe(4 * 60);
  expect(placeOf(weights.get('a')!)).toBe(place);
});

test('an array that cannot be written stays', async () => {
  const weights = new Map([['a', made(2, 2)]]);
  await expect(moveToFile(path.join(folder, 'none', 'w.safetensors'), weights)).rejects.toThrow('ENOENT');
  expect(placeOf(weights.get('a')!)).toBe(weights.get('a'));
});

test('the array itself goes', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  // Made in a function of its own, so that no register of this one keeps the array.
  const largeWeights = () => {
    const data = new Float32Array(2 ** 24);
    const weights = new Map<string, WeightData>([['a', { kind: 'data', shape: [data.length], data }]]);
    return { weights, array: new WeakRef(data.buffer) };
  };
  const { weights, array } = largeWeights();
  await moveToFile(path.join(folder, 'large.safetensors'), weights);
  await expect
    .poll(() => {
      collect();
      return array.deref();
    })
    .toBeUndefined();
  expect(placeOf(weights.get('a')!)).toMatchObject({ kind: 'file' });
  expect(readFileSync(path.join(folder, 'large.safetensors')).length).toBeGreaterThan(2 ** 26);
});
