import { afterEach, describe, expect, test } from 'vitest';
import { type CompileOptions, compile } from '../compile.ts';
import { type Tensor, tf } from '../tf.ts';
import type { TensorSpec } from '../trace/trace.ts';
import { ResidentTensor } from './residentTensor.ts';

const vector = (size: number): TensorSpec => ({ shape: [size], dtype: 'float32' });

const held: { dispose(): void | Promise<void> }[] = [];
const kept = <T extends { dispose(): void | Promise<void> }>(one: T): T => {
  held.push(one);
  return one;
};
afterEach(async () => {
  for (const one of held.splice(0)) await one.dispose();
});

describe.runIf(process.platform === 'linux')('a program bound natively', () => {
  test('gives what one run through the package gives', async () => {
    const inputs = { x: { shape: [64, 48], dtype: 'float32' }, at: { shape: [2], dtype: 'int32' } } as const;
    const fn = ({ x, at }: Record<string, Tensor>) => {
      const rows = tf.gather(x!, at as never) as Tensor;
      const y = tf.softmax(tf.matMul(x as never, x as never, false, true) as Tensor) as Tensor;
      return { y, rows, same: x!, sign: tf.greater(rows, tf.scalar(0)) };
    };
    const data = {
      x: Float32Array.from({ length: 64 * 48 }, (_, i) => Math.sin(i)),
      at: Int32Array.of(3, 60),
    };
    const [one, other] = [
      kept(await compile(fn as never, { inputs }, {})),
      kept(await compile(fn as never, { inputs }, { binding: 'native' })),
    ];
    expect(await other.run(data)).toEqual(await one.run(data));
    data.x[7] = 3;
    data.at[0] = 5;
    expect(await other.run(data)).toEqual(await one.run(data));
  });

  test('takes runs that were begun together one after the other', async () => {
    const inputs = { x: vector(2), y: vector(2) };
    const program = kept(
      await compile(({ x, y }) => ({ z: tf.sub(x!, y!) }), { inputs }, { binding: 'native' }),
    );
    const pairs = Array.from({ length: 6 }, (_, i) => [i, 10 * i] as const);
    const results = await Promise.all(
      pairs.map(([x, y]) => program.run({ x: Float32Array.of(x, 1), y: Float32Array.of(y, 0) })),
    );
    expect(results.map(({ z }) => [...z!.data])).toEqual(pairs.map(([x, y]) => [x - y, 1]));
    const failed = program.run({ x: Float32Array.of(1), y: Float32Array.of(1, 2) });
    await expect(failed).rejects.toThrow(/input "x" is a Float32Array of 1 elements/);
  });

  test('reads and updates what stays on the device', async () => {
    const [total, step] = [
      kept(await ResidentTensor.create('cpu', vector(3))),
      kept(await ResidentTensor.create('cpu', vector(3))),
    ];
    const program = kept(
      await compile(
        (({ total, step, factor }: Record<string, Tensor>) => {
          const next = tf.add(total!, tf.mul(step!, factor!));
          return { total: next, sum: tf.sum(next) };
        }) as never,
        { inputs: { total: vector(3), step: vector(3), factor: { shape: [], dtype: 'float32' } } },
        { binding: 'native', resident: { total, step } },
      ),
    );
    await total.write(Float32Array.of(1, 2, 3));
    await step.write(Float32Array.of(1, 10, 100));
    expect(Object.keys(program.inputs)).toEqual(['factor']);
    const { sum, ...others } = await program.run({ factor: Float32Array.of(2) });
    expect([sum!.data[0], others]).toEqual([228, {}]);
    await program.run({ factor: Float32Array.of(0.5) });
    expect(total.read()).toEqual(Float32Array.of(3.5, 27, 253));
    step.copyFrom(total);
    expect(step.read()).toEqual(total.read());
  });

  test('says what cannot be done in place, and which tensor does not fit', async () => {
    const total = kept(await ResidentTensor.create('cpu', vector(3)));
    const other = kept(await ResidentTensor.create('cpu', vector(4)));
    const compiled = (fn: (total: Tensor) => Tensor, options: CompileOptions) =>
      compile(
        (({ total }: Record<string, Tensor>) => ({ total: fn(total!) })) as never,
        { inputs: { total: vector(3) } },
        options,
      );
    const twice = (x: Tensor) => tf.add(x, tf.mul(x, tf.sum(x))) as Tensor;
    const once = (x: Tensor) => tf.mul(x, 2) as Tensor;
    const native = { binding: 'native' } as const;
    await expect(compiled(twice, { ...native, resident: { total } })).rejects.toThrow(
      '"total" is updated in place and read 3 times: a program may read it once',
    );
    await expect(compiled(once, { ...native, resident: { total }, planMemory: true })).rejects.toThrow(
      /updates a tensor in place can be neither recorded nor planned/,
    );
    await expect(compiled(once, { ...native, resident: { total: other } })).rejects.toThrow(
      '"total" is float32 [3], the resident tensor given for it float32 [4]',
    );
    await expect(compiled(once, { ...native, resident: { sum: total } })).rejects.toThrow(
      '"sum" is given as a resident tensor, and is no input or output: those are total',
    );
    await expect(compiled(once, { resident: { total } })).rejects.toThrow(/called natively/);
    await expect(total.write(new Float32Array(2))).rejects.toThrow(/of 12 bytes \(shape \[3\]\) got 8/);
  });
});
