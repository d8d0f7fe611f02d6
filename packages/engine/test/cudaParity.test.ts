/** CUDA, where there is a card: every kernel, value and gradient, against tfjs's own cpu backend, recorded as a CUDA graph. */
import { compile, deviceProblem, inverse, RandomStream, ResidentTensor, tf, tokenLoss } from '@psoft/engine';
import { describe, expect, test } from 'vitest';
import { cudaObstacle } from '../src/devices/index.ts';
import { kernelCases } from './kernelCases.ts';
import { drawCase, expectParity, titleOf } from './kernelParity.ts';

const problem = cudaObstacle() ?? (await deviceProblem('cuda'));
const title = problem === undefined ? 'CUDA' : `CUDA, not here: ${problem}`;

describe.skipIf(problem !== undefined)(title, () => {
  describe.each(kernelCases.map((row) => [titleOf(row), row] as const))('%s', (_, row) => {
    test('agrees with tfjs, recorded and replayed', async () => {
      const { fn, specs, values, inputs } = drawCase(row, 1);
      const [cuda, eager] = [
        await compile(fn, { inputs: specs }, { executor: 'cuda' }),
        await compile(fn, { inputs: specs }, { executor: 'eager-cpu' }),
      ];
      try {
        const what = `${row.kernel}, shapes ${JSON.stringify(inputs)}`;
        const expected = await eager.run(values);
        for (let run = 0; run < 3; run++) expectParity(await cuda.run(values), expected, what, 1e-4);
      } finally {
        await Promise.all([cuda.dispose(), eager.dispose()]);
      }
    });
  });

  // In shared memory, and beyond it.
  test.each([1, 2, 46, 110, 130])('the inverse of matrices of %i rows', async (n) => {
    const rng = RandomStream.from(n, 'inverse on a card');
    // As the Cayley map has them, the identity and a skew matrix, with rows exchanged so that pivots have to be found.
    const x = new Float32Array(3 * n * n);
    const at = (matrix: number, row: number, column: number) => (matrix * n + ((row + 1) % n)) * n + column;
    for (let m = 0; m < 3; m++)
      for (let i = 0; i < n; i++) {
        x[at(m, i, i)] = 1;
        for (let j = 0; j < i; j++) {
          x[at(m, i, j)] = rng.normal() / Math.sqrt(n);
          x[at(m, j, i)] = -x[at(m, i, j)]!;
        }
      }
    const inputs = { x: { shape: [3, n, n], dtype: 'float32' } } as const;
    const program = await compile(({ x }) => ({ y: inverse(x!) }), { inputs }, { executor: 'cuda' });
    const y = (await program.run({ x })).y!.data;
    await program.dispose();
    for (let m = 0; m < 3; m++)
      for (let i = 0; i < n; i++)
        for (let j = 0; j < n; j++) {
          let sum = 0;
          for (let k = 0; k < n; k++) sum += x[(m * n + i) * n + k]! * y[(m * n + k) * n + j]!;
          expect(Math.abs(sum - Number(i === j)), `matrix ${m} at ${i}, ${j}`).toBeLessThan(1e-3);
        }
  });

  test('a tensor stays on the card, and is updated there', async () => {
    const vector = { shape: [5], dtype: 'float32' } as const;
    const total = await ResidentTensor.create('cuda', vector);
    await total.write(Float32Array.of(1, 2, 3, 4, 5));
    const program = await compile(
      ({ total, by }) => ({ total: tf.add(total!, by!) }),
      { inputs: { total: vector, by: { shape: [], dtype: 'float32' } } },
      { executor: 'cuda', resident: { total } },
    );
    for (let i = 0; i < 4; i++) await program.run({ by: Float32Array.of(10) });
    expect([...total.read()]).toEqual([41, 42, 43, 44, 45]);
    await program.dispose();
    total.dispose();
  });

  test('a row with NaN has the loss NaN', async () => {
    const inputs = {
      x: { shape: [3, 300], dtype: 'float32' },
      labels: { shape: [3], dtype: 'int32' },
    } as const;
    const program = await compile(
      ({ x, labels }) => ({
        dx: tf.grad((t) => tf.sum(tokenLoss(t as never, labels as never)) as never)(x!),
        losses: tokenLoss(x as never, labels as never),
      }),
      { inputs },
      { executor: 'cuda' },
    );
    const x = new Float32Array(900).fill(1);
    x[450] = Number.NaN;
    const { losses } = await program.run({ x, labels: Int32Array.of(0, 7, 299) });
    await program.dispose();
    expect([...losses!.data].map(Number.isNaN)).toEqual([false, true, false]);
  });

  test('large inputs arrive whole, from several threads', async () => {
    const size = 3_000_001;
    const program = await compile(
      ({ x }) => ({ y: tf.neg(x!) }),
      { inputs: { x: { shape: [size], dtype: 'float32' } } },
      { executor: 'cuda' },
    );
    const x = Float32Array.from({ length: size }, (_, i) => i);
    const { y } = await program.run({ x });
    await program.dispose();
    expect(y!.data.every((value, i) => value === -i)).toBe(true);
  });
});
