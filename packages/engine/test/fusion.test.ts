/** Kernels of our own: each expression, and which computations become one kernel. */
import { compile, RandomStream, type Tensor, type TensorSpec, tf, traceOptimised } from '@psoft/engine';
import { describe, expect, test } from 'vitest';
import { ELEMENT_EXPRESSIONS } from '../src/cuda/expressions.ts';
import { checkGraph } from '../src/ir/check.ts';
import { type Graph, sizeOf } from '../src/ir/graph.ts';
import { broadcastIndex, type Region } from '../src/ir/region.ts';
import { hasCompiler, hostKernels } from './hostKernels.ts';
import { kernelCases } from './kernelCases.ts';
import { drawCase, SEEDS, titleOf } from './kernelDraw.ts';
import { kernelInterpreter } from './kernelInterpreter.ts';
import { expectParity } from './kernelParity.ts';

type Fn = (inputs: Record<string, Tensor>) => Record<string, Tensor>;

const f32 = (...shape: number[]): TensorSpec => ({ shape, dtype: 'float32' });

/** What the fused nodes of a program do. */
function regions(fn: Fn, inputs: Record<string, TensorSpec>): Region[] {
  const graph = traceOptimised(fn as never, { inputs }, { hasKernels: true });
  checkGraph(graph);
  return regionsOf(graph);
}

const regionsOf = ({ nodes }: Graph) =>
  nodes.flatMap(({ op, attrs }) => (op === 'Fused' ? [attrs.region as Region] : []));
const names = (all: readonly Region[]) => all.map(({ steps }) => steps.map(({ op }) => op).join(' '));

const OWN = new Set([...Object.keys(ELEMENT_EXPRESSIONS), 'LayerNormGrad', 'RmsNormGrad', 'MatrixInverse']);
OWN.add('LayerNorm').add('RmsNorm');
for (const name of ['Concat', 'Pack', 'SplitV', 'Unpack', 'Slice', 'PadV2', 'RotaryEmbedding', 'Softmax'])
  OWN.add(name);
const rows = kernelCases.filter(({ kernel, note }) => OWN.has(kernel) && note !== 'int32');

/** Where programs can be bound natively. */
const isLinux = process.platform === 'linux';

describe.runIf(isLinux).each(rows.map((row) => [titleOf(row), row] as const))('%s', (_, row) => {
  test.each(SEEDS)('is the same in a kernel of our own (seed %i)', async (seed) => {
    const { fn, specs, values, inputs } = drawCase(row, seed);
    // A single operation is left to ONNX Runtime.
    const longer: Fn = (given) => {
      const outputs = fn(given as never, undefined as never) as Record<string, Tensor>;
      const isNumber = ([, y]: [string, Tensor]) => y.dtype === 'float32';
      return Object.fromEntries(
        Object.entries(outputs)
          .filter(isNumber)
          .map(([name, y]) => [name, tf.mul(tf.add(y, 0.25), 0.5)]),
      );
    };
    const kernels = kernelInterpreter();
    const plain = await compile(longer as never, { inputs: specs });
    const own = await compile(longer as never, { inputs: specs }, { binding: 'native', kernels });
    const [expected, actual] = [await plain.run(values), await own.run(values)];
    await Promise.all([plain.dispose(), own.dispose()]);
    expectParity(actual, expected, `${row.kernel}, seed ${seed}, shapes ${JSON.stringify(inputs)}`);
  });
});

test('an operand that is broadcast is read with as few dimensions as will do', () => {
  expect(broadcastIndex([4, 5], [4, 5])).toEqual({ dims: [20], strides: [1] });
  expect(broadcastIndex([5], [4, 5])).toEqual({ dims: [4, 5], strides: [0, 1] });
  expect(broadcastIndex([4, 1], [4, 5])).toEqual({ dims: [4, 5], strides: [1, 0] });
  expect(broadcastIndex([2, 1, 3, 4], [2, 5, 3, 4])).toEqual({ dims: [2, 5, 12], strides: [12, 0, 1] });
  expect(broadcastIndex([], [2, 3])).toEqual({ dims: [6], strides: [0] });
});

describe('what becomes one kernel', () => {
  const both = { a: f32(8, 6), b: f32(8, 6) };

  test('a chain, whatever shapes it passes through', () => {
    const found = regions(({ a, b }) => {
      const flat = tf.reshape(tf.exp(tf.add(a!, b!)), [48]);
      return { y: tf.mul(flat, 2), column: tf.sum(a!) };
    }, both);
    expect(names(found)).toEqual(['Add Exp Multiply']);
    expect(found[0]!.outputs).toEqual([{ step: 2, output: 0, shape: [48] }]);
  });

  test('with all that others read of it', () => {
    const found = regions(({ a, b }) => {
      const sum = tf.add(a!, b!);
      return { sum, y: tf.exp(sum), other: tf.matMul(sum as never, b as never, false, true) };
    }, both);
    expect(names(found)).toEqual(['Add Exp']);
    expect(found[0]!.outputs.map(({ step }) => step)).toEqual([0, 1]);
  });

  test('not what something else stands between', () => {
    const found = regions(({ a, b }) => {
      const x = tf.exp(tf.add(a!, b!));
      const product = tf.matMul(tf.matMul(x as never, b as never, false, true), a as never) as Tensor;
      return { y: tf.square(tf.add(x, product)) };
    }, both);
    expect(names(found)).toEqual(['Add Exp', 'Add Square']);
  });

  test('not what two kernels would wait for each other for', () => {
    // b waits for a, d for c, and the two pairs would be one kernel each: a with d, b with c.
    const found = regions(({ a, b }) => {
      const one = tf.exp(a!);
      const two = tf.sin(b!);
      const through = (x: Tensor) =>
        tf.matMul(tf.matMul(x as never, b as never, false, true), a as never) as Tensor;
      return { y: tf.add(one, through(two)), z: tf.mul(two, through(one)) };
    }, both);
    expect(names(found).filter((name) => name.includes(' ')).length).toBeLessThan(2);
  });

  test('of other sizes nothing', () => {
    const found = regions(({ a }) => {
      const row = tf.exp(tf.sum(a!, 0));
      return { y: tf.mul(tf.add(a!, row), 3) };
    }, both);
    expect(names(found)).toEqual(['Add Multiply']);
  });

  test('nothing that is made of constants alone', () => {
    const found = regions(({ a }) => {
      const table = tf.tensor(new Float32Array(48).fill(2), [8, 6]);
      return { y: tf.add(a!, tf.exp(tf.sin(table))) };
    }, both);
    expect(names(found)).toEqual([]);
  });
});

/** Element-wise computations at random, with products, sums, broadcasts and other shapes in between. */
function randomProgram(seed: number): {
  fn: Fn;
  specs: Record<string, TensorSpec>;
  values: Record<string, Float32Array>;
} {
  const shapes = [[6, 8], [6, 8], [8], [6, 1], [], [3, 7], [3, 7], [7]];
  const rng = RandomStream.from(seed, 'fusion');
  const specs = Object.fromEntries(shapes.map((shape, i) => [`x${i}`, f32(...shape)]));
  const values = Object.fromEntries(
    shapes.map((shape, i): [string, Float32Array] => {
      return [`x${i}`, Float32Array.from({ length: sizeOf(shape) }, () => rng.normal())];
    }),
  );
  const plan = Array.from(
    { length: 60 },
    () => [rng.integer(10), rng.uniform(), rng.uniform(), rng.uniform()] as const,
  );
  const fn: Fn = (inputs) => {
    const pool = shapes.map((_, i) => inputs[`x${i}`]!);
    for (const [kind, u, v, w] of plan) {
      // Mostly what was made last, so that chains come about.
      const arrays = pool.filter(({ rank }) => rank > 0);
      const pick = (at: number) => arrays[Math.floor(arrays.length * Math.sqrt(at))]!;
      const a = pick(u);
      const fits = pool.filter(
        ({ shape }) =>
          a.shape.length >= shape.length &&
          shape.every((n, i) => n === 1 || n === a.shape.at(i - shape.length)),
      );
      const b = fits[Math.floor(fits.length * v)] ?? a;
      const made =
        kind < 2
          ? tf.add(a, b)
          : kind < 4
            ? tf.mul(a, b)
            : kind === 4
              ? tf.tanh(tf.sub(a, b))
              : kind === 5
                ? tf.sigmoid(a)
                : kind === 6
                  ? tf.maximum(a, b)
                  : kind === 7 && a.rank === 2
                    ? tf.reshape(a, [a.shape[1]!, a.shape[0]!])
                    : kind === 8 && a.rank === 2
                      ? tf.matMul(tf.matMul(a as never, a as never, false, true), a as never).div(50)
                      : w < 0.5
                        ? tf.sin(a)
                        : tf.sum(a);
      pool.push(made as Tensor);
    }
    return Object.fromEntries(pool.slice(-8).map((y, i) => [`y${i}`, tf.mul(y, 1.5)]));
  };
  return { fn, specs, values };
}

test.runIf(isLinux).each([1, 2, 3, 4, 5, 6, 7, 8])(
  'programs at random compute the same (seed %i)',
  async (seed) => {
    const { fn, specs, values } = randomProgram(seed);
    expect(regions(fn, specs).length).toBeGreaterThan(2);
    const kernels = hasCompiler ? hostKernels() : kernelInterpreter();
    const plain = await compile(fn as never, { inputs: specs });
    const own = await compile(fn as never, { inputs: specs }, { binding: 'native', kernels });
    const [expected, actual] = [await plain.run(values), await own.run(values)];
    await Promise.all([plain.dispose(), own.dispose()]);
    expectParity(actual, expected, `seed ${seed}`);
  },
);
