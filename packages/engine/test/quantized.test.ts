/** Weights in 4 bits against the float32 values they stand for: products, gradients, memory, every executor. */
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import {
  type CompileOptions,
  checkpoint,
  compile,
  estimateMemory,
  fingerprintWeights,
  loop,
  openCheckpoint,
  outlineQuantized,
  type ProgramFunction,
  quantizeInto,
  RandomStream,
  readSafetensorsHeader,
  readWeight,
  readWeightSync,
  type ScaleDtype,
  type Signature,
  tf,
  traceOptimised,
  type WeightData,
  type WeightSource,
  writeSafetensors,
} from '@psoft/engine';
import { describe, expect, test } from 'vitest';
import { quantizationConfig } from '../src/weights/quantizedCheckpoint.ts';
import { temporaryFolder } from './weightFiles.ts';

const folder = temporaryFolder();
const f32 = (...shape: number[]) => ({ shape, dtype: 'float32' as const });

let folders = 0;
/** A checkpoint in 4 bits, opened: `chosen` weights are quantised. */
async function quantised(
  weights: ReadonlyMap<string, WeightData>,
  blockSize: number,
  scaleDtype: ScaleDtype = 'F16',
  chosen: (name: string) => boolean = (name) => name.endsWith('.weight'),
): Promise<Map<string, WeightSource>> {
  const dir = temporaryName();
  const whole = path.join(folder, `whole${folders}.safetensors`);
  await writeSafetensors(whole, weights);
  const { tensors } = await readSafetensorsHeader(whole);
  mkdirSync(dir);
  await quantizeInto(path.join(dir, 'model.safetensors'), tensors, { blockSize, scaleDtype, chosen });
  const config = { quantization_config: quantizationConfig({ blockSize, scaleDtype }) };
  writeFileSync(path.join(dir, 'config.json'), JSON.stringify(config));
  return (await openCheckpoint(dir)).weights;
}
const temporaryName = () => path.join(folder, `quantised${folders++}`);

function random(seed: string, shapes: Record<string, number[]>): Map<string, WeightData> {
  const rng = RandomStream.from(7, seed);
  return new Map(
    Object.entries(shapes).map(([name, shape]) => {
      const length = shape.reduce((a, b) => a * b, 1);
      return [
        name,
        { kind: 'data', shape, data: Float32Array.from({ length }, () => 0.1 * rng.normal()) },
      ] as const;
    }),
  );
}

/** The same values in float32, in memory. */
async function asFloats(weights: ReadonlyMap<string, WeightSource>): Promise<Map<string, WeightData>> {
  const floats = new Map<string, WeightData>();
  for (const [name, source] of weights)
    floats.set(name, { kind: 'data', shape: source.shape, data: await readWeight(source) });
  return floats;
}

async function outputsOf(
  fn: ProgramFunction,
  signature: Signature,
  feeds: Record<string, Float32Array>,
  options: CompileOptions = {},
) {
  const program = await compile(fn, signature, options);
  const outputs = await program.run(feeds);
  await program.dispose();
  return outputs;
}

/** Largest difference, in units of the largest value. */
function drift(a: Awaited<ReturnType<typeof outputsOf>>, b: Awaited<ReturnType<typeof outputsOf>>): number {
  let most = 0;
  for (const [name, { data }] of Object.entries(b)) {
    const largest = Math.max(...Array.from(data, Math.abs));
    data.forEach((value, i) => {
      most = Math.max(most, Math.abs(a[name]!.data[i]! - value) / largest);
    });
  }
  return most;
}

/** Sums of some hundred products in another order. */
const FLOAT32 = 3e-6;

const x = Float32Array.from({ length: 5 * 256 }, (_, i) => Math.sin(i));
const inputs = { x: f32(5, 256) };
/** Two layers, one with a bias, and the gradient of their input. */
const layers: ProgramFunction = ({ x }, weight) => {
  const model = (t: typeof x) => {
    const inner = tf.add(tf.matMul(t as never, weight('a.weight') as never, false, true), weight('a.bias'));
    return tf.matMul(checkpoint(tf.tanh(inner)) as never, weight('b.weight') as never, false, true);
  };
  const { value, grad } = tf.valueAndGrad((t) => tf.sum(tf.square(model(checkpoint(t)))))(x!);
  return { y: model(x!), loss: value, dx: grad };
};
const values = random('layers', { 'a.weight': [384, 256], 'a.bias': [384], 'b.weight': [96, 384] });

describe.each([
  [32, 'F16'],
  [32, 'F32'],
  [64, 'F16'],
] as const)('blocks of %d, scales in %s', (blockSize, scaleDtype) => {
  const made = quantised(values, blockSize, scaleDtype);
  test.each<[string, CompileOptions]>([
    ['packed', { packWeights: true }],
    ['not packed', { packWeights: false }],
    ['packed, 16 bits in place', { packWeights: true, halfWeights: 'inPlace' }],
    ['not packed, 16 bits in place', { packWeights: false, halfWeights: 'inPlace' }],
    ['recomputed', { recompute: true, halfWeights: 'inPlace' }],
    ['eagerly', { executor: 'eager-cpu' }],
    ['eagerly on wasm', { executor: 'eager-wasm' }],
  ])('%s: outputs and gradients are those of the dequantised model', async (_, options) => {
    const weights = await made;
    const expected = await outputsOf(layers, { inputs, weights: await asFloats(weights) }, { x });
    expect(drift(await outputsOf(layers, { inputs, weights }, { x }, options), expected)).toBeLessThan(
      FLOAT32,
    );
  });

  test.each(['bf16', 'f16'] as const)('precision %s rounds what the weights stand for', async (precision) => {
    const weights = await made;
    // One product each way: behind a first one, sums in another order may round to another neighbour.
    const fn: ProgramFunction = ({ x, dy }, weight) => ({
      y: tf.matMul(x as never, weight('a.weight') as never, false, true),
      dx: tf.matMul(dy as never, weight('a.weight') as never),
    });
    const feeds = { x, dy: Float32Array.from({ length: 5 * 384 }, (_, i) => Math.cos(i)) };
    const signature = { inputs: { ...inputs, dy: f32(5, 384) }, weights };
    const floats = { ...signature, weights: await asFloats(weights) };
    const expected = await outputsOf(fn, floats, feeds, { precision });
    expect(drift(expected, await outputsOf(fn, floats, feeds))).toBeGreaterThan(5e-5);
    for (const packWeights of [true, false]) {
      const actual = await outputsOf(fn, signature, feeds, { precision, packWeights });
      expect(drift(actual, expected)).toBeLessThan(FLOAT32);
    }
  });
});

test('blocks of 128', async () => {
  const weights = await quantised(random('128', { 'a.weight': [7, 512] }), 128);
  const fn: ProgramFunction = ({ x }, weight) => ({
    y: tf.matMul(x as never, weight('a.weight') as never, false, true),
  });
  const feeds = { x: x.subarray(0, 1024) };
  const signature = { inputs: { x: f32(2, 512) }, weights };
  const expected = await outputsOf(fn, { ...signature, weights: await asFloats(weights) }, feeds);
  expect(drift(await outputsOf(fn, signature, feeds), expected)).toBeLessThan(FLOAT32);
});

describe('other readers', () => {
  const made = quantised(values, 32);
  const same = async (fn: ProgramFunction, options: CompileOptions = {}) => {
    const weights = await made;
    const expected = await outputsOf(fn, { inputs, weights: await asFloats(weights) }, { x });
    expect(drift(await outputsOf(fn, { inputs, weights }, { x }, options), expected)).toBeLessThan(FLOAT32);
  };
  test('get all of it in float32: norms, transposes, rows, batches, the weight itself', () =>
    same(({ x }, weight) => {
      const a = weight('a.weight');
      return {
        norms: tf.sqrt(tf.sum(tf.square(a), 1)),
        product: tf.matMul(x as never, tf.transpose(a) as never),
        rows: tf.gather(a, tf.tensor1d([3, 0, 383], 'int32')),
        batch: tf.matMul(
          tf.reshape(x!, [5, 1, 256]) as never,
          tf.tile(tf.reshape(a, [1, 384, 256]), [5, 1, 1]) as never,
          false,
          true,
        ),
        left: tf.matMul(a as never, x as never, false, true),
        a: tf.add(a, 0),
      };
    }));
  test('the bodies of loops, and of loops in 16 bits', async () => {
    const fn: ProgramFunction = ({ x }, weight) =>
      loop({ x: x! }, 3, (state) => {
        const inner = tf.tanh(tf.matMul(state.x as never, weight('a.weight') as never, false, true));
        return {
          state: { x: tf.tanh(tf.matMul(inner as never, weight('a.weight') as never)) },
          isDone: tf.scalar(false, 'bool'),
        };
      });
    await same(fn);
    await same(fn, { packWeights: false, halfWeights: 'inPlace' });
  });
});

describe('a weight of several pieces', () => {
  const [rows, columns] = [8250, 2048];
  const pool = random('pieces', { pool: [4099] }).get('pool')!.data;
  const data = Float32Array.from({ length: rows * columns }, (_, i) => pool[i % pool.length]!);
  const made = quantised(
    new Map([['w.weight', { kind: 'data' as const, data, shape: [rows, columns] }]]),
    32,
  );
  const signature = { inputs: { x: f32(3, columns) } };
  const feeds = { x: Float32Array.from({ length: 3 * columns }, (_, i) => Math.cos(i)) };
  const fn: ProgramFunction = ({ x }, weight) => {
    const model = (t: typeof x) => tf.matMul(t as never, weight('w.weight') as never, false, true) as never;
    return { y: model(x!), dx: tf.grad((t) => tf.sum(tf.square(model(t))))(x!) };
  };
  const anonymousBytes = () =>
    1024 * Number(/RssAnon:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))![1]);

  test.skipIf(!existsSync('/proc/self/status'))('is never there whole in float32', async () => {
    const weights = await made;
    const whole = 4 * rows * columns;
    const before = anonymousBytes();
    const program = await compile(
      fn,
      { ...signature, weights },
      { packWeights: false, halfWeights: 'inPlace' },
    );
    const actual = await program.run(feeds);
    const grown = anonymousBytes() - before;
    await program.dispose();
    expect(grown).toBeLessThan(0.9 * whole);
    const expected = await outputsOf(fn, { ...signature, weights: await asFloats(weights) }, feeds);
    expect(drift(actual, expected)).toBeLessThan(2 * FLOAT32);
  });

  test('and the estimate says so', async () => {
    const graph = traceOptimised(fn, { ...signature, weights: await made });
    const bytes = rows * columns * (1 / 2 + 2 / 32 + 1 / 64);
    const packed = estimateMemory(graph, await made, { packWeights: true, halfWeights: 'inPlace' });
    const unpacked = estimateMemory(graph, await made, { packWeights: false, halfWeights: 'inPlace' });
    expect([packed.weightsBytes, unpacked.weightsBytes]).toEqual([bytes, bytes]);
    expect([packed.packedBytes, unpacked.packedBytes]).toEqual([(rows * columns) / 2, 0]);
    // Half of the rows with their scales; y, its gradient and half of its columns, the two sums of dx.
    const piece = (rows / 2) * (4 * columns + (4 * columns) / 32);
    const activations = 4 * 3 * (1.5 * rows + 2 * columns);
    expect(unpacked.peakActivationBytes).toBeGreaterThanOrEqual(piece + activations);
    expect(unpacked.peakActivationBytes).toBeLessThanOrEqual(piece + activations + 4 * 3 * 2 * rows);
  });
});

describe('the estimate', () => {
  const shape = [8192, 8192] as const;
  const count = 32;
  const weights = new Map(
    Array.from({ length: count }, (_, i) => [`w${i}`, outlineQuantized(shape, 32, 'F16')] as const),
  );
  const model = (x: ReturnType<typeof tf.scalar>, weight: (name: string) => typeof x) => {
    let y = x;
    for (let i = 0; i < count; i++) y = tf.matMul(y as never, weight(`w${i}`) as never, false, true);
    return y;
  };
  const signature = { inputs: { x: f32(4, 8192) }, weights };
  const weightBytes = (count * shape[0] * shape[1] * 37) / 64;

  test('lays weights of more than 1 GB out where nothing is trained through them', () => {
    const graph = traceOptimised(({ x }, weight) => ({ y: model(x as never, weight as never) }), signature);
    const estimate = estimateMemory(graph, weights);
    expect(estimate.weightsBytes).toBe(weightBytes);
    expect(estimate.packedBytes).toBe((count * shape[0] * shape[1]) / 2);
    // The scales, less than 1 GB of 16 bits, stay in place beside so much in 4: widened for one product at a time.
    expect(estimate.peakActivationBytes).toBe(2 * 4 * 4 * 8192 + (4 * shape[0] * shape[1]) / 32);
  });

  test('and leaves them in their file where something is', () => {
    const gradient: ProgramFunction = ({ x }, weight) => ({
      dx: tf.grad((t) => tf.sum(tf.square(model(t as never, weight as never))))(x!),
    });
    const graph = traceOptimised(gradient, signature);
    const { packedBytes, peakActivationBytes } = estimateMemory(graph, weights);
    expect(packedBytes).toBe(0);
    expect(peakActivationBytes).toBeLessThan(1.2 * 2 ** 26);
  });
});

describe('a checkpoint in 4 bits', () => {
  test('has the fingerprint of what it stands for', async () => {
    const weights = await quantised(values, 32);
    const floats = await asFloats(weights);
    expect(await fingerprintWeights(weights)).toBe(await fingerprintWeights(floats));
    expect([...weights.keys()].sort()).toEqual([...values.keys()].sort());
    expect(weights.get('a.weight')).toMatchObject({ kind: 'quantized', shape: [384, 256], blockSize: 32 });
    expect(readWeightSync(weights.get('a.weight')!)).toEqual(floats.get('a.weight')!.data);
    expect(readWeightSync(weights.get('a.bias')!)).toEqual(values.get('a.bias')!.data);
  });

  test('is written as floats where a float file is asked for', async () => {
    const weights = await quantised(values, 32);
    const file = path.join(folder, 'floats.safetensors');
    await writeSafetensors(file, weights);
    const { tensors } = await readSafetensorsHeader(file);
    expect(await fingerprintWeights(tensors)).toBe(await fingerprintWeights(weights));
  });

  const refused = async (quantization_config: unknown, message: string) => {
    const dir = temporaryName();
    mkdirSync(dir);
    await writeSafetensors(path.join(dir, 'model.safetensors'), values);
    writeFileSync(path.join(dir, 'config.json'), JSON.stringify({ quantization_config }));
    await expect(openCheckpoint(dir)).rejects.toThrow(message);
  };
  test.each(['bitsandbytes', 'gptq', 'awq'])('of %s is refused', (method) =>
    refused(
      { quant_method: method, bits: 4 },
      `config.json: the weights are quantised by "${method}", which cannot be read: take the model's unquantised checkpoint`,
    ),
  );
  test('of an unnamed method is refused', () =>
    refused({ load_in_8bit: true }, 'quantised by {"load_in_8bit":true}'));
  test('of other sizes is refused', () =>
    refused({ quant_method: 'psoft', bits: 3, block_size: 32 }, 'bits 4 and block_size 32, 64, 128, got {'));

  test('whose parts do not fit is refused', async () => {
    const dir = temporaryName();
    await quantised(values, 32);
    const good = path.join(folder, `quantised${folders - 1}`);
    mkdirSync(dir);
    copyFileSync(path.join(good, 'model.safetensors'), path.join(dir, 'model.safetensors'));
    const config = { quantization_config: quantizationConfig({ blockSize: 64, scaleDtype: 'F16' }) };
    writeFileSync(path.join(dir, 'config.json'), JSON.stringify(config));
    await expect(openCheckpoint(dir)).rejects.toThrow(
      'the parts of "a.weight" do not fit: [384,8,16], scales [384,8]',
    );
  });
});

test('rows of an odd number of blocks are refused, and nothing is left behind', async () => {
  const file = path.join(folder, 'odd.safetensors');
  await writeSafetensors(file, random('odd', { 'a.weight': [4, 96] }));
  const { tensors } = await readSafetensorsHeader(file);
  const out = path.join(folder, 'odd-out.safetensors');
  const settings = { blockSize: 32, scaleDtype: 'F16' as const, chosen: () => true };
  await expect(quantizeInto(out, tensors, settings)).rejects.toThrow(
    '"a.weight" is [4,96]: 4 bits need a matrix whose rows are an even number of blocks of 32',
  );
  expect(existsSync(out)).toBe(false);
});

test('a broken weight is named, and nothing is left behind', async () => {
  const file = path.join(folder, 'broken.safetensors');
  const broken = random('broken', { 'a.weight': [4, 64] });
  broken.get('a.weight')!.data[70] = Number.NaN;
  await writeSafetensors(file, broken);
  const { tensors } = await readSafetensorsHeader(file);
  const home = temporaryName();
  mkdirSync(home);
  const settings = { blockSize: 32, scaleDtype: 'F16' as const, chosen: () => true };
  await expect(quantizeInto(path.join(home, 'out'), tensors, settings)).rejects.toThrow(
    '"a.weight": value 70 is NaN: the weight is broken',
  );
  expect(readdirSync(home)).toEqual([]);
});

test('sources of 16 bits give the blocks of their float32 values', async () => {
  for (const dtype of ['BF16', 'F16'] as const) {
    const file = path.join(folder, `${dtype}.safetensors`);
    await writeSafetensors(file, random('half', { 'a.weight': [6, 64] }), { dtype });
    const { tensors } = await readSafetensorsHeader(file);
    const weights = await quantised(
      new Map([
        [
          'a.weight',
          { kind: 'data' as const, shape: [6, 64], data: await readWeight(tensors.get('a.weight')!) },
        ],
      ]),
      32,
    );
    const out = path.join(folder, `${dtype}-out.safetensors`);
    const settings = { blockSize: 32, scaleDtype: 'F16' as const, chosen: () => true };
    const report = await quantizeInto(out, tensors, settings);
    expect(report).toMatchObject({ quantized: 1, copied: 0, bytesBefore: 768, bytesAfter: 222 });
    // A block of normal values spans about 4 of their deviations: a step of 0.27, and errors of 0.08.
    expect(report.relativeError).toBeGreaterThan(0.05);
    expect(report.relativeError).toBeLessThan(0.11);
    const written = await readSafetensorsHeader(out);
    const { packed } = weights.get('a.weight') as Extract<WeightSource, { kind: 'quantized' }>;
    const bytes = (one: { file: string; offset: number }) =>
      readFileSync(one.file).subarray(one.offset, one.offset + 192);
    expect(bytes(written.others.get('a.weight.packed')!.place!)).toEqual(bytes(packed));
  }
});
