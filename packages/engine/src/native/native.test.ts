import { afterEach, describe, expect, test } from 'vitest';
import { compile } from '../compile.ts';
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
});
