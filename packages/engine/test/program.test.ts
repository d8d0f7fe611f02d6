import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  compile,
  EXECUTORS,
  type Executor,
  isExecutorInstalled,
  type ProgramFunction,
  ProgramInputError,
  tf,
} from '@psoft/engine';
import { describe, expect, onTestFinished, test, vi } from 'vitest';

const inputs = {
  x: { shape: [2, 2], dtype: 'float32' as const },
  unused: { shape: [3], dtype: 'int32' as const },
};
const values = { x: Float32Array.of(1, 2, 3, 4), unused: new Int32Array(3) };

for (const executor of [...EXECUTORS, 'eager-node'] as const)
  describe.skipIf(!isExecutorInstalled(executor))(executor, () => behaviour(executor));

function behaviour(executor: Executor): void {
  test('takes unused inputs; gives an input, a constant and one value twice as outputs', async () => {
    const fn: ProgramFunction = ({ x }) => {
      const twice = tf.add(x!, x!);
      return { same: x!, constant: tf.ones([2]), a: twice, b: twice };
    };
    const program = await compile(fn, { inputs }, { executor });
    for (let run = 0; run < 2; run++) {
      const result = await program.run(values);
      expect([...result.same!.data]).toEqual([1, 2, 3, 4]);
      expect([...result.constant!.data]).toEqual([1, 1]);
      expect([...result.a!.data]).toEqual([2, 4, 6, 8]);
      expect(result.b).toEqual(result.a);
    }
    await program.dispose();
  });

  test('leaks no tensors', async () => {
    const program = await compile(
      ({ x }) => ({ y: tf.grad((t) => tf.sum(tf.square(t)))(x!) }),
      { inputs },
      { executor },
    );
    await program.run(values);
    const before = tf.memory().numTensors;
    for (let run = 0; run < 3; run++) await program.run(values);
    expect(tf.memory().numTensors).toBe(before);
    await program.dispose();
  });

  test.each<[string, Record<string, Float32Array | Int32Array>, RegExp]>([
    ['missing', { x: values.x }, /"unused" is missing: give a Int32Array of 3/],
    ['unknown', { ...values, z: values.x }, /unknown input "z": the program takes x, unused/],
    [
      'too short',
      { ...values, x: new Float32Array(3) },
      /"x" is a Float32Array of 3 elements: give a Float32Array of 4/,
    ],
    ['of the wrong type', { ...values, x: new Int32Array(4) }, /"x" is a Int32Array/],
  ])('an input that is %s is an error', async (_, wrong, message) => {
    const program = await compile(({ x }) => ({ y: tf.neg(x!) }), { inputs }, { executor });
    await expect(program.run(wrong)).rejects.toThrow(message);
    await expect(program.run(wrong)).rejects.toThrow(ProgramInputError);
    await program.dispose();
  });
}

test('no file of constants stays behind, also when the session cannot be made', async () => {
  // A folder for temporary files of this test's own: other tests make some at the same time.
  const folder = mkdtempSync(path.join(tmpdir(), 'psoft-constants-'));
  vi.stubEnv('TMPDIR', folder);
  onTestFinished(() => {
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true });
  });
  const left = () => readdirSync(folder);
  const large = new Float32Array(4096).fill(2);
  const program = await compile(({ x }) => ({ y: tf.add(tf.sum(x!), tf.tensor(large)) }), { inputs });
  expect(left()).toEqual([]);
  expect((await program.run(values)).y!.data[4095]).toBe(12);
  await expect(
    compile(({ x }, weight) => ({ y: tf.add(x!, weight('w')) }), {
      inputs,
      weights: new Map([
        [
          'w',
          { kind: 'file', file: '/nowhere/w.bin', offset: 0, byteLength: 16, dtype: 'F32', shape: [2, 2] },
        ],
      ]),
    }),
  ).rejects.toThrow(/w\.bin|nowhere/);
  expect(left()).toEqual([]);
});
