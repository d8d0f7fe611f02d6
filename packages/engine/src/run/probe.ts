/** Whether a device can be used at all. */
import { compile } from '../compile.ts';
import { tf } from '../tf.ts';
import type { Device } from './program.ts';

/**
 * Runs a tiny program on a device.
 * @returns why it cannot be used, in one line; undefined where it can
 */
export async function deviceProblem(device: Device): Promise<string | undefined> {
  try {
    const inputs = { x: { shape: [2, 2], dtype: 'float32' } } as const;
    const fn = ({ x }: Record<string, unknown>) => ({ y: tf.matMul(x as never, x as never) });
    const program = await compile(fn, { inputs }, { executor: device, name: 'probe' });
    const { y } = await program.run({ x: Float32Array.of(1, 2, 3, 4) });
    await program.dispose();
    const isRight = String([...y!.data]) === '7,10,15,22';
    return isRight ? undefined : `the device "${device}" computes wrongly: [1 2; 3 4]² is [${y!.data}] there`;
  } catch (error) {
    return (error as Error).message.split('\n')[0]!;
  }
}
