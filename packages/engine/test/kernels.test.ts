/** Parity: each compiled kernel against tfjs's own cpu backend, value and gradient, on random inputs and shapes. */
import {
  CompileError,
  checkGraph,
  compile,
  gelu,
  type Tensor,
  tf,
  traceOptimised,
  traceUnoptimised,
} from '@psoft/engine';
import { describe, expect, test } from 'vitest';
import { fusedKernels } from '../src/kernels/fused.ts';
import { kernels } from '../src/kernels/index.ts';
import { kernelCases } from './kernelCases.ts';
import { drawCase, expectParity, SEEDS, titleOf } from './kernelParity.ts';

/** Kernels that only appear in another one's row. */
const COVERED_BY: Record<string, string> = {
  GeluGrad: 'Gelu',
  LayerNormGrad: 'LayerNorm',
  RmsNormGrad: 'RmsNorm',
  SwigluGrad: 'Swiglu',
  TokenLossGrad: 'TokenLoss',
};

describe('the case table', () => {
  test('has a row for every kernel that can be compiled', () => {
    const compiled = Object.entries(kernels).flatMap(([name, entry]) => ('infer' in entry ? [name] : []));
    const covered = new Set([...kernelCases.map((row) => row.kernel), ...Object.keys(COVERED_BY)]);
    // Passes make them of others: fusion.test.ts.
    expect(compiled.filter((name) => !covered.has(name))).toEqual(Object.keys(fusedKernels));
  });
});

describe.each(kernelCases.map((row) => [titleOf(row), row] as const))('%s', (_, row) => {
  test.each(SEEDS)('agrees with tfjs (seed %i)', async (seed) => {
    const { fn, specs, values, inputs } = drawCase(row, seed);
    const graph = traceOptimised(fn, { inputs: specs });
    checkGraph(graph);
    // As recorded, or as the passes left it: the row must exercise the kernel it is named after.
    const ops = [graph, traceUnoptimised(fn, { inputs: specs })].flatMap(({ nodes }) =>
      nodes.map(({ op }) => op),
    );
    expect(ops).toContain(row.kernel);
    const compiled = await compile(fn, { inputs: specs });
    const eager = await compile(fn, { inputs: specs }, { executor: 'eager-cpu' });
    const [actual, expected] = [await compiled.run(values), await eager.run(values)];
    await Promise.all([compiled.dispose(), eager.dispose()]);
    expectParity(actual, expected, `${row.kernel}, seed ${seed}, shapes ${JSON.stringify(inputs)}`);
  });
});

describe('refusals', () => {
  const x = { shape: [2, 3], dtype: 'float32' } as const;
  const failing = (fn: (x: Tensor) => Tensor) => () =>
    traceOptimised((named) => ({ y: fn(named.x!) }), { inputs: { x } });

  test('an unknown kernel names the operation, its input and the remedy', () => {
    expect(failing((t) => tf.asinh(t))).toThrow(/cannot compile Asinh\(f32\[2,3\]\).*docs\/operators\.md/);
  });
  test('a refused kernel says why', () => {
    expect(failing((t) => tf.einsum('ij->j', t))).toThrow(/Einsum.*no gradient/);
  });
  test('a read of a traced value says where', () => {
    expect(failing((t) => tf.scalar(t.dataSync()[0]!))).toThrow(/reads the value.*kernels\.test\.ts/s);
  });
  test('a constant over the limit is refused with its size', () => {
    const numbers = Float32Array.from({ length: 25e6 }, (_, i) => i);
    expect(failing((t) => tf.add(tf.tensor(numbers, [5000, 5000]), t))).toThrow(
      /\[5000,5000\].*100000000 bytes/,
    );
  });
  test('a tensor made outside is a constant of every program that reads it, and stays usable', async () => {
    const outer = tf.tensor([1, 2, 3]);
    const fn = ({ x }: Record<string, Tensor>) => ({ y: tf.add(tf.mul(x!, outer), outer) });
    for (let time = 0; time < 2; time++) {
      const program = await compile(fn, { inputs: { x: { shape: [3], dtype: 'float32' } } });
      expect([...(await program.run({ x: Float32Array.of(1, 2, 3) })).y!.data]).toEqual([2, 6, 12]);
      await program.dispose();
    }
    expect([...outer.dataSync()]).toEqual([1, 2, 3]);
  });
  test('a compile inside a trace is refused', () => {
    expect(
      failing((t) => {
        traceOptimised((named) => named, { inputs: { x } });
        return t;
      }),
    ).toThrow(CompileError);
  });
});

test('the slope of GELU far from 0, where its exponential overflows', async () => {
  const program = await compile(({ x }) => ({ slope: tf.grad((t) => gelu(t as Tensor) as never)(x!) }), {
    inputs: { x: { shape: [6], dtype: 'float32' } },
  });
  const { slope } = await program.run({ x: Float32Array.of(-1e5, -20, -14, 14, 20, 1e5) });
  expect([...slope!.data].map((value) => value + 0)).toEqual([0, 0, 0, 1, 1, 1]);
  await program.dispose();
});
