/** Parity: each compiled kernel against tfjs's own cpu backend, value and gradient, on random inputs and shapes. */
import {
  CompileError,
  checkGraph,
  compile,
  type ProgramFunction,
  RandomStream,
  type Tensor,
  type TensorMap,
  type TensorSpec,
  type TypedArray,
  tf,
  traceOptimised,
  traceUnoptimised,
} from '@psoft/engine';
import { describe, expect, test } from 'vitest';
import { kernels } from '../src/kernels/index.ts';
import { type InputCase, type KernelCase, kernelCases } from './kernelCases.ts';

const SEEDS = [1, 2, 3];
/** float32 sums of a few dozen terms in another order. */
const TOLERANCE = 2e-5;

/** Kernels that only appear in another one's row. */
const COVERED_BY: Record<string, string> = {
  GeluGrad: 'Gelu',
  LayerNormGrad: 'LayerNorm',
  RmsNormGrad: 'RmsNorm',
  TokenLossGrad: 'TokenLoss',
};

describe('the case table', () => {
  test('has a row for every kernel that can be compiled', () => {
    const compiled = Object.entries(kernels).flatMap(([name, entry]) => ('infer' in entry ? [name] : []));
    const covered = new Set([...kernelCases.map((row) => row.kernel), ...Object.keys(COVERED_BY)]);
    expect(compiled.filter((name) => !covered.has(name))).toEqual([]);
  });
});

describe.each(kernelCases.map((row) => [`${row.kernel}${row.note ? ` (${row.note})` : ''}`, row] as const))(
  '%s',
  (_, row) => {
    test.each(SEEDS)('agrees with tfjs (seed %i)', async (seed) => {
      const rng = RandomStream.from(seed, row.kernel, row.note ?? '');
      const inputs = row.inputs(rng);
      const specs: Record<string, TensorSpec> = {};
      const values: Record<string, TypedArray> = {};
      inputs.forEach((input, i) => {
        specs[`x${i}`] = { shape: input.shape, dtype: input.dtype ?? 'float32' };
        values[`x${i}`] = draw(input, rng);
      });
      const fn = programOf(row, inputs, seed);
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
      expect(Object.keys(actual)).toEqual(Object.keys(expected));
      for (const [name, want] of Object.entries(expected)) {
        expect(actual[name]!.shape, `shape of ${name}`).toEqual(want.shape);
        expectClose(
          actual[name]!.data,
          want.data,
          `${row.kernel} ${name}, seed ${seed}, shapes ${JSON.stringify(inputs)}`,
        );
      }
    });
  },
);

/** The row's outputs, and its gradients under a loss that weighs every output element differently. */
function programOf(row: KernelCase, inputs: InputCase[], seed: number): ProgramFunction {
  const call = (tensors: Tensor[]): Tensor[] => {
    const result = row.call(...tensors);
    return Array.isArray(result) ? result : [result];
  };
  return (named) => {
    const tensors = inputs.map((_, i) => named[`x${i}`]!);
    const outputs: TensorMap = Object.fromEntries(call(tensors).map((y, i) => [`y${i}`, y]));
    if (!row.gradient) return outputs;
    const trained = inputs.flatMap((input, i) => ((input.dtype ?? 'float32') === 'float32' ? [i] : []));
    const loss = (...some: Tensor[]) => {
      const all = [...tensors];
      trained.forEach((index, k) => {
        all[index] = some[k]!;
      });
      const rng = RandomStream.from(seed, 'loss weights');
      const terms = call(all).map((y) => {
        const weights = Float32Array.from({ length: y.size }, () => rng.uniform() * 2 - 1);
        return tf.sum(tf.mul(y, tf.tensor(weights, y.shape)));
      });
      return terms.reduce((a, b) => tf.add(a, b)) as never;
    };
    tf.grads(loss as never)(trained.map((i) => tensors[i]!)).forEach((gradient, k) => {
      outputs[`d${trained[k]}`] = gradient;
    });
    return outputs;
  };
}

function draw({ shape, dtype = 'float32', low = -2, high = 2 }: InputCase, rng: RandomStream): TypedArray {
  const length = shape.reduce((x, y) => x * y, 1);
  if (dtype === 'float32') return Float32Array.from({ length }, () => low + (high - low) * rng.uniform());
  const integers = Array.from({ length }, () => low + rng.integer(high - low));
  return dtype === 'int32' ? Int32Array.from(integers) : Uint8Array.from(integers);
}

function expectClose(actual: TypedArray, expected: TypedArray, what: string): void {
  expect(actual.length, what).toBe(expected.length);
  let scale = 1;
  for (const one of expected) if (Number.isFinite(one)) scale = Math.max(scale, Math.abs(one));
  for (let i = 0; i < expected.length; i++) {
    const [a, b] = [actual[i]!, expected[i]!];
    if (Object.is(a, b) || a === b) continue;
    if (!(Math.abs(a - b) <= TOLERANCE * scale)) expect.fail(`${what}: element ${i} is ${a}, tfjs has ${b}`);
  }
}

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
    expect(failing((t) => tf.add(tf.zeros([5000, 5000]), t))).toThrow(/\[5000,5000\].*100000000 bytes/);
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
