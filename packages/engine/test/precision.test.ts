/** Products in 16 bits against roundings made independently of the engine's, and how far they take a gradient. */
import {
  compile,
  loop,
  type Precision,
  type ProgramFunction,
  RandomStream,
  tf,
  traceOptimised,
  type WeightSource,
} from '@psoft/engine';
import { describe, expect, test } from 'vitest';
import { lower } from '../src/onnx/lower.ts';
import { ANY_TARGET } from '../src/onnx/target.ts';
import { stack } from './stack.ts';

/** Bits of the significand, the leading one included; exponents of the tests' numbers are in both types' range. */
const SIGNIFICAND = { bf16: 8, f16: 11 } as const;

/** To the nearest number of that many bits, ties to even. */
function nearest(x: number, bits: number): number {
  if (x === 0) return 0;
  const step = 2 ** (Math.floor(Math.log2(Math.abs(x))) + 1 - bits);
  const scaled = x / step;
  const floor = Math.floor(scaled);
  const rest = scaled - floor;
  return step * (rest > 0.5 || (rest === 0.5 && floor % 2 !== 0) ? floor + 1 : floor);
}

const rng = RandomStream.from(11, 'precision');
const random = (length: number) => Float32Array.from({ length }, () => rng.normal());
const f32 = (...shape: number[]) => ({ shape, dtype: 'float32' as const });
const roundings = (
  fn: ProgramFunction,
  signature: Parameters<typeof traceOptimised>[1],
  precision: Precision,
) => traceOptimised(fn, signature, { precision }).nodes.filter(({ op }) => op === 'RoundTo').length;

const BINDINGS = process.platform === 'linux' ? (['package', 'native'] as const) : (['package'] as const);

describe.each(
  BINDINGS.flatMap((binding) => (['bf16', 'f16'] as const).map((precision) => [precision, binding] as const)),
)('%s, called by way of: %s', (precision, binding) => {
  test('a product is that of the rounded operands, summed in float32; its bias is not rounded', async () => {
    const [a, b, c] = [random(5 * 7), random(7 * 3), random(3)];
    const program = await compile(
      (inputs) => ({ y: tf.add(tf.matMul(inputs.a as never, inputs.b as never), inputs.c!) }),
      { inputs: { a: f32(5, 7), b: f32(7, 3), c: f32(3) } },
      { precision, binding },
    );
    const { data } = (await program.run({ a, b, c })).y!;
    await program.dispose();
    const [ra, rb] = [a, b].map((one) => Array.from(one, (x) => nearest(x, SIGNIFICAND[precision])));
    data.forEach((value, at) => {
      const [i, j] = [Math.floor(at / 3), at % 3];
      let sum = c[j]!;
      for (let k = 0; k < 7; k++) sum += ra![7 * i + k]! * rb![3 * k + j]!;
      expect(Math.abs(value - sum)).toBeLessThan(4e-6);
    });
    // It is not the unrounded product.
    const exact = c[0]! + [...Array(7).keys()].reduce((sum, k) => sum + a[k]! * b[3 * k]!, 0);
    expect(Math.abs(data[0]! - exact)).toBeGreaterThan(1e-5);
  });

  test('loss and gradient of a stack stay near those of float32, as far as the type allows', async () => {
    const { fn, signature, feeds } = stack({ layers: 3, tokens: 16, width: 32, rank: 4 });
    const results = [];
    for (const one of ['f32', precision] as const) {
      const program = await compile(fn, signature, { precision: one, binding });
      results.push(await program.run(feeds));
      await program.dispose();
    }
    const [exact, rounded] = results as [(typeof results)[0], (typeof results)[0]];
    // Half a unit in the last place of each operand; errors of different signs mostly cancel.
    const unit = 2 ** -SIGNIFICAND[precision];
    const lossDrift = Math.abs(rounded.loss!.data[0]! / exact.loss!.data[0]! - 1);
    expect(lossDrift).toBeLessThan(unit);
    const norm = (data: ArrayLike<number>) => Math.hypot(...Array.from(data));
    const difference = exact.gradient!.data.map((value, i) => value - rounded.gradient!.data[i]!);
    const drift = norm(difference) / norm(exact.gradient!.data);
    expect(drift).toBeLessThan(5 * unit);
    expect(drift).toBeGreaterThan(0.2 * unit);
  });
});

describe('what is not rounded', () => {
  const stored = (dtype: 'BF16' | 'F16'): WeightSource => ({
    kind: 'file',
    file: '/nowhere',
    offset: 0,
    byteLength: 24,
    dtype,
    shape: [4, 3],
  });
  test('a weight stored in the type, also when reshaped', () => {
    const fn: ProgramFunction = ({ x }, weight) => ({
      y: tf.matMul(x as never, tf.transpose(weight('w')) as never),
    });
    const signature = (dtype: 'BF16' | 'F16') => ({
      inputs: { x: f32(2, 3) },
      weights: new Map([['w', stored(dtype)]]),
    });
    expect(roundings(fn, signature('BF16'), 'bf16')).toBe(1);
    expect(roundings(fn, signature('F16'), 'bf16')).toBe(2);
    expect(roundings(fn, signature('F16'), 'f32')).toBe(0);
  });

  test('products of parameters among themselves, and the way back through them', () => {
    const fn: ProgramFunction = ({ p, x }) => ({
      g: tf.grad((q) => tf.sum(tf.square(tf.matMul(x as never, tf.matMul(q as never, q as never)))))(p!),
    });
    const inputs = { p: f32(3, 3), x: f32(5, 3) };
    // x, p p, and the gradient of their product; had p been data, p and the gradient of p p besides.
    expect(roundings(fn, { inputs, parameters: ['p'] }, 'bf16')).toBe(3);
    expect(roundings(fn, { inputs }, 'bf16')).toBe(5);
  });

  test('in a loop too, what is rounded before it is not rounded in it', () => {
    const fn: ProgramFunction = ({ x, w }) =>
      loop({ x: x! }, 3, (state) => ({
        state: { x: tf.matMul(state.x as never, w as never) },
        isDone: tf.scalar(false, 'bool'),
      }));
    const inputs = { x: f32(2, 3), w: f32(3, 3) };
    // That of w, which no step changes.
    expect(roundings(fn, { inputs }, 'bf16')).toBe(1);
  });
});

describe('where the device multiplies 16-bit numbers', () => {
  const text = (fn: ProgramFunction, signature: Parameters<typeof traceOptimised>[1], isSo = true) => {
    const graph = traceOptimised(fn, signature, { precision: 'bf16' });
    const { model } = lower(graph, signature.weights ?? new Map(), 'm', '/tmp/none', {
      target: { ...ANY_TARGET, multipliesHalves: isSo },
      widenAtUse: true,
    });
    return [...model.nodes]
      .reverse()
      .map(({ op, attributes }) => (op === 'Cast' ? `Cast ${attributes.to}` : op));
  };
  /** By ONNX's numbers of types. */
  const [F32, BF16] = [1, 16];

  test('products take and give them; the sum with a bias, and what others read, is float32', () => {
    const fn: ProgramFunction = ({ a, b, c }) => {
      const product = tf.add(tf.matMul(a as never, b as never), c!);
      return { y: product, z: tf.matMul(a as never, b as never, true, false) };
    };
    const signature = { inputs: { a: f32(4, 4), b: f32(4, 4), c: f32(4) } };
    expect(text(fn, signature)).toEqual([
      ...[`Cast ${BF16}`, `Cast ${BF16}`, 'MatMul', `Cast ${F32}`, 'Add', 'Identity'],
      ...['Gemm', `Cast ${F32}`, 'Identity'],
    ]);
    expect(text(fn, signature, false).filter((op) => op === `Cast ${F32}`)).toHaveLength(2);
    expect(text(fn, signature, false)).toContain('Gemm');
  });

  test('a weight stored in the type is an operand as it is', () => {
    const weights = new Map<string, WeightSource>([
      ['w', { kind: 'file', file: '/nowhere', offset: 0, byteLength: 24, dtype: 'BF16', shape: [4, 3] }],
    ]);
    const fn: ProgramFunction = ({ x }, weight) => ({
      y: tf.matMul(x as never, weight('w') as never, false, true),
    });
    expect(text(fn, { inputs: { x: f32(2, 3) }, weights })).toEqual([
      ...[`Cast ${BF16}`, 'Gemm', `Cast ${F32}`, 'Identity'],
    ]);
  });
});
