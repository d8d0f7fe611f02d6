/** What is written for WebGPU computes what it stands for: run on the CPU, which every machine has. */
import { compile, inverse, type ProgramFunction, RandomStream, tf, traceOptimised } from '@psoft/engine';
import { describe, expect, test } from 'vitest';
import { TARGETS } from '../src/onnx/target.ts';
import { kernelCases } from './kernelCases.ts';
import { drawCase, expectParity, titleOf } from './kernelParity.ts';
import { runLowered } from './lowered.ts';

/** Rows whose nodes are others there. */
const OTHERS =
  /^(BatchMatMul|_FusedMatMul|FloorDiv|IsInf|IsNan|IsFinite|LogicalOr|MatrixInverse|Mod|OneHot|Pow|RmsNorm|Round|Sign|Slice|SplitV|Step|TokenLoss|Unpack|AddN|DropoutRows)/;

describe.each(
  kernelCases.filter(({ kernel }) => OTHERS.test(kernel)).map((row) => [titleOf(row), row] as const),
)('%s', (_, row) => {
  test('agrees with tfjs', async () => {
    const { fn, specs, values, inputs } = drawCase(row, 2);
    const eager = await compile(fn, { inputs: specs }, { executor: 'eager-cpu' });
    const actual = await runLowered(traceOptimised(fn, { inputs: specs }), TARGETS.webgpu, values);
    expectParity(actual, await eager.run(values), `${row.kernel}, shapes ${JSON.stringify(inputs)}`);
    await eager.dispose();
  });
});

test('a factor on a product of batches is kept', async () => {
  const fn: ProgramFunction = ({ x }) => ({
    y: tf.mul(tf.matMul(x! as never, x! as never, false, true), 0.25),
  });
  const graph = traceOptimised(fn, { inputs: { x: { shape: [2, 2, 2], dtype: 'float32' } } });
  expect(graph.nodes.map(({ op }) => op)).toEqual(['BatchMatMul']);
  const { y } = await runLowered(graph, TARGETS.webgpu, { x: Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8) });
  expect([...y!.data]).toEqual([5, 11, 11, 25, 61, 83, 83, 113].map((one) => one / 4));
});

test('more parts than a shader can write are cut in groups', async () => {
  const sizes = Array.from({ length: 60 }, (_, i) => 1 + (i % 5));
  const length = sizes.reduce((a, b) => a + b, 0);
  const fn: ProgramFunction = ({ x }) =>
    Object.fromEntries(tf.split(x!, sizes, 0).map((part, i) => [`y${i}`, tf.mul(part, i + 1)]));
  const graph = traceOptimised(fn, { inputs: { x: { shape: [length], dtype: 'float32' } } });
  const x = Float32Array.from({ length }, (_, i) => i);
  const results = await runLowered(graph, TARGETS.webgpu, { x });
  let at = 0;
  for (const [i, size] of sizes.entries()) {
    expect([...results[`y${i}`]!.data], `part ${i}`).toEqual(
      [...x.subarray(at, at + size)].map((v) => v * (i + 1)),
    );
    at += size;
  }
});

describe('the inverse from products', () => {
  const run = async (x: Float32Array, n: number) => {
    const inputs = { x: { shape: [x.length / n / n, n, n], dtype: 'float32' } } as const;
    const graph = traceOptimised(({ x }) => ({ y: inverse(x!) }), { inputs });
    return (await runLowered(graph, TARGETS.webgpu, { x })).y!.data as Float32Array;
  };
  /** I - Q, for a random Q with a largest column sum of about `size`. */
  const cayley = (n: number, size: number, seed: number) => {
    const rng = RandomStream.from(seed, 'inverse');
    const x = Float32Array.from({ length: n * n }, (_, i) => (i % (n + 1) === 0 ? 1 : 0));
    const scale = size / (n * Math.sqrt(2 / Math.PI));
    for (let i = 0; i < n; i++)
      for (let j = 0; j < i; j++) {
        const q = scale * rng.normal();
        x[i * n + j] = -q;
        x[j * n + i] = q;
      }
    return x;
  };
  /** Largest entry of X Y - I, in double precision. */
  const residual = (x: Float32Array, y: Float32Array, n: number) => {
    let worst = 0;
    for (let i = 0; i < n; i++)
      for (let j = 0; j < n; j++) {
        let sum = i === j ? -1 : 0;
        for (let k = 0; k < n; k++) sum += x[i * n + k]! * y[k * n + j]!;
        worst = Math.max(worst, Math.abs(sum));
      }
    return worst;
  };

  test.each([
    [8, 0.5],
    [46, 5],
    [46, 40],
    [128, 80],
  ])('of I - Q, %i x %i-ish', async (n, size) => {
    const x = cayley(n, size, n);
    // Rounding errors of products of n numbers whose sizes are those of a row of X.
    expect(residual(x, await run(x, n), n)).toBeLessThan(size * 2e-6);
  });

  test('of what does not converge is NaN, and nothing else of the batch', async () => {
    // Of an odd size, Q is singular: the smallest singular value of I - Q is 1.
    const good = cayley(5, 1, 1);
    const singular = new Float32Array(25).fill(1);
    const far = cayley(5, 1000, 2);
    const y = await run(Float32Array.of(...good, ...singular, ...far), 5);
    expect(residual(good, y.subarray(0, 25), 5)).toBeLessThan(1e-5);
    expect([...y.subarray(25)].every(Number.isNaN)).toBe(true);
  });
});
