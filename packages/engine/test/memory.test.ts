/** Estimates of memory against sums made by hand, and 16-bit weights in place against widened ones. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  compile,
  estimateMemory,
  loop,
  outlineWeight,
  type ProgramFunction,
  RandomStream,
  readSafetensorsHeader,
  type Signature,
  type TensorValue,
  tf,
  traceOptimised,
  type WeightSource,
  writeSafetensors,
} from '@psoft/engine';
import { afterAll, describe, expect, test } from 'vitest';

const f32 = (...shape: number[]) => ({ shape, dtype: 'float32' as const });
const half = (...shape: number[]): WeightSource => ({
  kind: 'file',
  file: '/nowhere',
  offset: 0,
  byteLength: 2 * shape.reduce((a, b) => a * b, 1),
  dtype: 'BF16',
  shape,
});

function estimate(fn: ProgramFunction, signature: Signature, options = {}) {
  return estimateMemory(traceOptimised(fn, signature), signature.weights ?? new Map(), options);
}

describe('estimate', () => {
  test('of a chain: what is read later, the result, and no views', () => {
    const fn: ProgramFunction = ({ x }) => {
      const first = tf.sin(x!);
      const wide = tf.tile(tf.reshape(first, [100, 1]), [1, 10]);
      return { y: tf.add(tf.sum(wide, 1), first) };
    };
    expect(estimate(fn, { inputs: { x: f32(100) } })).toEqual({
      weightsBytes: 0,
      packedBytes: 0,
      constantsBytes: 0,
      inputsBytes: 400,
      outputsBytes: 400,
      // sin(x), its 10 copies and their sum.
      peakActivationBytes: 400 + 4000 + 400,
      peakNode: 'f32[100] = Sum(f32[100,10])',
    });
  });

  test('an operand that nothing reads again makes room for the result', () => {
    const fn: ProgramFunction = ({ x }) => ({ y: tf.neg(tf.exp(tf.sin(x!))) });
    expect(estimate(fn, { inputs: { x: f32(100) } }).peakActivationBytes).toBe(400);
  });

  test('of 16-bit weights: in place one float32 copy at a time, widened one for each direction', () => {
    const weights = new Map([
      ['a', half(64, 32)],
      ['b', half(64, 64)],
    ]);
    const fn: ProgramFunction = ({ x }, weight) => ({
      dx: tf.grad((t) => {
        const first = tf.matMul(t as never, weight('a') as never, false, true);
        return tf.sum(tf.square(tf.matMul(first, weight('b') as never, false, true)));
      })(x!),
    });
    const signature = { inputs: { x: f32(1, 32) }, weights };
    const inPlace = estimate(fn, signature, { halfWeights: 'inPlace' });
    const widened = estimate(fn, signature, { halfWeights: 'widened' });
    expect(inPlace.weightsBytes).toBe(2 * (64 * 32 + 64 * 64));
    const copies = 2 * 4 * (64 * 32 + 64 * 64);
    expect([inPlace.packedBytes, widened.packedBytes]).toEqual([0, copies]);
    expect(inPlace.peakActivationBytes).toBe(widened.peakActivationBytes + 4 * 64 * 64);
  });

  test('rows are picked from a 16-bit table before they are widened', () => {
    const weights = new Map([['table', half(1000, 8)]]);
    const fn: ProgramFunction = ({ ids }, weight) => ({ y: tf.gather(weight('table'), ids as never) });
    const signature = { inputs: { ids: { shape: [3], dtype: 'int32' as const } }, weights };
    const estimated = estimate(fn, signature, { halfWeights: 'inPlace' });
    expect(estimated.peakActivationBytes).toBe(3 * 8 * 6);
  });

  test('of a loop: its state twice, and what a step takes', () => {
    const fn: ProgramFunction = ({ x }) =>
      loop({ x: x! }, 4, (state) => ({
        state: { x: tf.sum(tf.tile(tf.sin(state.x), [10, 1]), 0, true) },
        isDone: tf.scalar(false, 'bool'),
      }));
    const { peakActivationBytes } = estimate(fn, { inputs: { x: f32(1, 100) } });
    expect(peakActivationBytes).toBe(400 + 400 + (4000 + 400));
  });

  test('of a model of billions of weights takes no memory', () => {
    const layers = 28;
    const weights = new Map(
      Array.from({ length: layers }, (_, i) => [`w${i}`, outlineWeight([8192, 8192])] as const),
    );
    const before = process.memoryUsage();
    const { weightsBytes } = estimate(
      ({ x }, weight) => {
        let y = x!;
        for (let i = 0; i < layers; i++) y = tf.matMul(y as never, weight(`w${i}`) as never);
        return { y };
      },
      { inputs: { x: f32(4, 8192) }, weights },
    );
    const after = process.memoryUsage();
    expect(weightsBytes).toBe(layers * 8192 * 8192 * 4);
    // One of the weights has 268 MB.
    expect(after.rss - before.rss).toBeLessThan(200e6);
  });
});

describe('weights stored in 16 bits', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'memory-test-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const [rows, columns] = [2048, 4096];
  const rng = RandomStream.from(4, 'half');
  const pool = Float32Array.from({ length: 4099 }, () => rng.normal() / 64);
  const x = Float32Array.from({ length: 2 * columns }, () => rng.normal());

  const anonymousBytes = () =>
    1024 * Number(/RssAnon:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))![1]);

  describe.skipIf(!existsSync('/proc/self/status')).each(['BF16', 'F16'] as const)('%s', (dtype) => {
    test('give the same results in place, and stay there', async () => {
      const data = Float32Array.from({ length: rows * columns }, (_, i) => pool[i % pool.length]!);
      const file = path.join(folder, `${dtype}.safetensors`);
      await writeSafetensors(file, [['w', { kind: 'data', data, shape: [rows, columns] }]], {
        dtype,
      });
      const { tensors } = await readSafetensorsHeader(file);
      const fn: ProgramFunction = (inputs, weight) => {
        const w = weight('w') as never;
        const square = (t: never) => tf.sum(tf.square(tf.matMul(t, w, false, true)));
        return {
          dx: tf.grad(square as never)(inputs.x!),
          rows: tf.gather(w, inputs.ids as never),
        };
      };
      const inputs = { x: f32(2, columns), ids: { shape: [3], dtype: 'int32' as const } };
      const feeds = { x, ids: Int32Array.of(5, 0, 2047) };
      const results: Record<string, TensorValue>[] = [];
      const grown = [];
      for (const halfWeights of ['inPlace', 'widened'] as const) {
        const before = anonymousBytes();
        const program = await compile(fn, { inputs, weights: tensors }, { halfWeights });
        grown.push(anonymousBytes() - before);
        results.push(await program.run(feeds));
        await program.dispose();
      }
      expect(results[0]!.rows).toEqual(results[1]!.rows);
      results[0]!.dx!.data.forEach((value, i) => {
        expect(Math.abs(value - results[1]!.dx!.data[i]!)).toBeLessThan(1e-3);
      });
      const widenedBytes = 4 * rows * columns;
      expect(grown[0]).toBeLessThan(widenedBytes / 2);
      expect(grown[1]).toBeGreaterThan(widenedBytes / 2);
    });
  });
});

test('a large matrix in 16 bits is widened some rows at a time, in both directions', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'memory-test-'));
  const [rows, columns] = [16500, 1024];
  const rng = RandomStream.from(6, 'pieces');
  const pool = Float32Array.from({ length: 4099 }, () => rng.normal() / 32);
  const data = Float32Array.from({ length: rows * columns }, (_, i) => pool[i % pool.length]!);
  const file = path.join(folder, 'model.safetensors');
  await writeSafetensors(file, [['w', { kind: 'data', data, shape: [rows, columns] }]], { dtype: 'BF16' });
  const { tensors: weights } = await readSafetensorsHeader(file);
  const fn: ProgramFunction = ({ x, bias }, weight) => {
    const model = (t: typeof x) =>
      tf.add(tf.matMul(t as never, weight('w') as never, false, true), bias!) as never;
    return { y: model(x!), dx: tf.grad((t) => tf.sum(tf.square(model(t))))(x!) };
  };
  const signature = { inputs: { x: f32(2, columns), bias: f32(rows) }, weights };
  const feeds = {
    x: Float32Array.from({ length: 2 * columns }, () => rng.normal()),
    bias: Float32Array.from({ length: rows }, () => rng.normal()),
  };
  try {
    const results: Record<string, TensorValue>[] = [];
    for (const halfWeights of ['inPlace', 'widened'] as const) {
      const program = await compile(fn, signature, { halfWeights });
      results.push(await program.run(feeds));
      await program.dispose();
    }
    for (const name of ['y', 'dx'])
      results[0]![name]!.data.forEach((value, i) => {
        expect(Math.abs(value - results[1]![name]!.data[i]!)).toBeLessThan(1e-3);
      });
    const { peakActivationBytes } = estimateMemory(traceOptimised(fn, signature), weights, {
      halfWeights: 'inPlace',
    });
    expect(peakActivationBytes).toBeLessThan(0.6 * 4 * rows * columns);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
