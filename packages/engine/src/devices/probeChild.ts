/** The process of {@link ./probe.ts}: a product by one executor, and how far it is from the true one. */
import { openBoundSession } from '../native/boundSession.ts';
import { encodeModel, OnnxType } from '../onnx/proto.ts';
import { RandomStream } from '../random.ts';
import { openNodeSession } from '../run/nodeSession.ts';
import { type Device, type EagerExecutor, type Executor, isDevice } from '../run/program.ts';
import { settleTf32 } from '../run/tf32.ts';
import type { Probe } from './probe.ts';
import { oneLine } from './reason.ts';

/** Rows and columns: enough for the kernels that larger products use. */
const SIZE = 256;

/** A number that float32 holds and TF32 rounds to 1: its last bit is 2⁻¹². */
const FINE = 1 + 2 ** -12;

type Product = (a: Float32Array, b: Float32Array) => Promise<Float32Array>;

async function productOn(device: Device, isTf32: boolean): Promise<Product> {
  const value = (name: string) => ({ name, type: OnnxType.FLOAT, dims: [SIZE, SIZE] });
  const model = encodeModel({
    name: 'probe',
    inputs: [value('in:a'), value('in:b')],
    outputs: [value('out:y')],
    initializers: [],
    nodes: [{ op: 'MatMul', name: 'product', inputs: ['in:a', 'in:b'], outputs: ['out:y'], attributes: {} }],
  });
  const spec = { shape: [SIZE, SIZE], dtype: 'float32' } as const;
  const settings = {
    inputs: { a: spec, b: spec },
    outputs: { y: spec },
    // What the provider cannot do must not be done by the CPU instead.
    entries: device === 'cpu' ? {} : { 'session.disable_cpu_ep_fallback': '1' },
  };
  // As programs are run there.
  const session =
    device === 'cuda'
      ? await openBoundSession(model, {
          ...settings,
          device,
          resident: {},
          isPlanned: false,
          isRecorded: true,
          provider: { device_id: '0', use_tf32: isTf32 ? '1' : '0', enable_cuda_graph: '1' },
        })
      : await openNodeSession(model, { ...settings, device, provider: {} });
  return async (a, b) => (await session.run({ a, b })).y as Float32Array;
}

async function eagerProduct(executor: EagerExecutor): Promise<Product> {
  const [{ useBackend }, { tf }] = await Promise.all([import('../run/eager.ts'), import('../tf.ts')]);
  await useBackend(executor);
  const shape: [number, number] = [SIZE, SIZE];
  return async (a, b) => (await tf.matMul(tf.tensor(a, shape), tf.tensor(b, shape)).data()) as Float32Array;
}

function largestError(a: Float32Array, b: Float32Array, y: Float32Array): number {
  let largest = 0;
  for (let row = 0; row < SIZE; row++)
    for (let column = 0; column < SIZE; column++) {
      let sum = 0;
      for (let k = 0; k < SIZE; k++) sum += a[row * SIZE + k]! * b[k * SIZE + column]!;
      largest = Math.max(largest, Math.abs(sum - y[row * SIZE + column]!));
    }
  return largest;
}

async function probe(executor: Executor, isTf32: boolean): Promise<Probe> {
  if (executor === 'cuda') settleTf32(isTf32);
  const start = performance.now();
  const rng = RandomStream.from(1, 'probe');
  const drawn = () => Float32Array.from({ length: SIZE * SIZE }, () => rng.normal() / 16);
  const [a, b] = [drawn(), drawn()];
  const product = await (isDevice(executor) ? productOn(executor, isTf32) : eagerProduct(executor));
  const y = await product(a, b);
  const seconds = (performance.now() - start) / 1000;
  const error = largestError(a, b, y);
  // Sums of 256 products of the size 1/256: 2⁻¹¹ of TF32 comes to about 1e-3, a wrong result to about 1.
  if (!(error < 0.02)) throw new Error(`its product is wrong: off by ${error}`);
  const identity = new Float32Array(SIZE * SIZE);
  for (let i = 0; i < SIZE; i++) identity[i * SIZE + i] = 1;
  const fine = await product(new Float32Array(SIZE * SIZE).fill(FINE), identity);
  return {
    executor,
    isUsable: true,
    seconds,
    largestError: error,
    ...(executor === 'cuda' ? { tf32: fine[0] !== Math.fround(FINE) } : {}),
  };
}

const [executor, tf32] = process.argv.slice(2) as [Executor, string];
const answer = await probe(executor, tf32 === 'true').catch(
  (error: Error): Probe => ({ executor, isUsable: false, reason: oneLine(error.message) }),
);
// Without an orderly end: some drivers fail while they are unloaded.
process.send!(answer, undefined, undefined, () => process.kill(process.pid, 'SIGKILL'));
