import { compile, RandomStream, type Tensor, tf } from '@psoft/engine';
import { best, timed } from './base.ts';

/** GFLOP/s of 2048 x 768 x 768 products with a constant right side, which ONNX Runtime packs once. */
export async function matrixPeak(threads: number | undefined): Promise<number> {
  const [rows, width, count] = [2048, 768, 8];
  const rng = RandomStream.from(1, 'bench');
  const weight = Float32Array.from({ length: width * width }, () => rng.normal() / Math.sqrt(width));
  const program = await compile(
    ({ x }, w) => {
      let y = x as Tensor;
      for (let i = 0; i < count; i++) y = tf.matMul(y, w('w'));
      return { y: tf.mean(y) };
    },
    {
      inputs: { x: { shape: [rows, width], dtype: 'float32' } },
      weights: new Map([['w', { kind: 'data', data: weight, shape: [width, width] }]]),
    },
    threads === undefined ? {} : { threads },
  );
  const x = Float32Array.from({ length: rows * width }, () => rng.normal());
  const times = await timed(12, () => program.run({ x }));
  await program.dispose();
  return (2 * rows * width * width * count) / best(times) / 1e6;
}
