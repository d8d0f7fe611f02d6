/**
 * `tsx packages/engine/bench/memory.ts STACK [VARIANT...]`: memory and time of a training step's forward and backward
 * pass on stacks of transformer layers, each variant in a process of its own. A variant is JSON of compile options,
 * with `dtype` for the weights' storage type; "4-bit" is the matrices of BF16 layers in 4 bits. Prints one line a
 * variant; asserts nothing.
 *
 * Anonymous memory (RssAnon) is what the session takes for itself; mapped weight files, counted in what is resident
 * besides, can be dropped by the system.
 */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  type CompileOptions,
  compile,
  estimateMemory,
  openCheckpoint,
  quantizationConfig,
  quantizeInto,
  RandomStream,
  readSafetensorsHeader,
  type WeightDtype,
  type WeightSource,
  writeSafetensors,
} from '../src/index.ts';
import { STACKS, stackProgram, stackWeights } from './stacks.ts';

type Variant = CompileOptions & { dtype?: WeightDtype | '4-bit'; runs?: number };

const MEGA = 2 ** 20;

/** Anonymous and all resident memory of a process. */
function bytesOf(pid: number | 'self'): { anonymous: number; resident: number } {
  const file = `/proc/${pid}/status`;
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const bytes = (key: string) => 1024 * Number(new RegExp(`${key}:\\s+(\\d+)`).exec(text)?.[1] ?? 0);
  return { anonymous: bytes('RssAnon'), resident: bytes('VmRSS') };
}

/** The peak of what `child` holds, asked for every few milliseconds: a running session blocks its own thread. */
async function child(folder: string, stack: string, variant: Variant): Promise<Record<string, unknown>> {
  const worker = spawn(
    process.execPath,
    [
      ...process.execArgv,
      '--expose-gc',
      fileURLToPath(import.meta.url),
      '--child',
      folder,
      stack,
      JSON.stringify(variant),
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let text = '';
  let [peak, resident] = [0, 0];
  worker.stdout.on('data', (part) => {
    text += part;
  });
  const timer = setInterval(() => {
    const now = bytesOf(worker.pid!);
    peak = Math.max(peak, now.anonymous);
    resident = Math.max(resident, now.resident);
  }, 5);
  const code = await new Promise((done) => worker.on('close', done));
  clearInterval(timer);
  if (code !== 0) throw new Error(`${stack} ${JSON.stringify(variant)}: the child ended with ${code}`);
  return { ...JSON.parse(text.trim().split('\n').at(-1)!), peak, resident };
}

async function measure(folder: string, stack: string, { dtype: _, runs = 4, ...options }: Variant) {
  const shape = STACKS[stack]!;
  const { weights } = await openCheckpoint(folder);
  const { fn, signature } = stackProgram(shape, weights);
  const rng = RandomStream.from(1, 'inputs');
  const random = (length: number, scale: number) => Float32Array.from({ length }, () => scale * rng.normal());
  const { parameters, x, labels } = signature.inputs as Record<string, { shape: readonly number[] }>;
  const feeds = {
    parameters: random(parameters!.shape[0]!, 0.02),
    x: random(x!.shape[0]! * x!.shape[1]!, 1),
    labels: Int32Array.from({ length: labels!.shape[0]! }, () => rng.integer(shape.vocabulary)),
  };
  globalThis.gc?.();
  const { anonymous: before, resident: residentBefore } = bytesOf('self');
  const program = await compile(fn, signature, options);
  globalThis.gc?.();
  const session = bytesOf('self').anonymous;
  const seconds: number[] = [];
  const processor: number[] = [];
  let loss = Number.NaN;
  for (let run = 0; run < runs; run++) {
    const start = performance.now();
    const used = process.cpuUsage();
    const result = await program.run(feeds);
    const { user, system } = process.cpuUsage(used);
    processor.push((user + system) / 1e6);
    seconds.push((performance.now() - start) / 1000);
    loss = result.loss!.data[0]!;
  }
  const { stats, graph } = program;
  const estimate = estimateMemory(graph!, weights, options);
  const times = { seconds: Math.min(...seconds), processor: Math.min(...processor) };
  console.log(JSON.stringify({ before, residentBefore, session, loss, ...times, ...stats, ...estimate }));
}

async function main(stack: string, variants: readonly Variant[]): Promise<void> {
  const shape = STACKS[stack];
  if (shape === undefined)
    throw new Error(`stack must be one of ${Object.keys(STACKS).join(', ')}, got "${stack}"`);
  for (const variant of variants) {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'memory-bench-'));
    try {
      await writeCheckpoint(folder, randomWeights(stackWeights(shape)), variant.dtype ?? 'F32');
      const result = await child(folder, stack, variant);
      const mega = (key: string) => Math.round(((result[key] as number) - (result.before as number)) / MEGA);
      const size = (key: string) => Math.round((result[key] as number) / MEGA);
      console.log(
        `${stack} ${JSON.stringify(variant)}: session ${mega('session')} MB, at most ${mega('peak')} MB, ` +
          `resident with files ${Math.round(((result.resident as number) - (result.residentBefore as number)) / MEGA)} MB, ` +
          `${(result.seconds as number).toFixed(3)} s a step (${(result.processor as number).toFixed(3)} s of processors), ` +
          `session in ${Math.round(result.sessionMilliseconds as number)} ms, ${result.onnxNodes} nodes, loss ${result.loss}; ` +
          `estimated: weights ${size('weightsBytes')}, packed ${size('packedBytes')}, constants ${size('constantsBytes')}, outputs ${size('outputsBytes')}, ` +
          `activations ${size('peakActivationBytes')} MB at ${result.peakNode}`,
      );
    } finally {
      await rm(folder, { recursive: true });
    }
  }
}

async function writeCheckpoint(
  folder: string,
  weights: Iterable<[string, WeightSource]>,
  dtype: WeightDtype | '4-bit',
): Promise<void> {
  const isQuantized = dtype === '4-bit';
  const file = path.join(folder, 'model.safetensors');
  await writeSafetensors(file, weights, { dtype: isQuantized ? 'BF16' : dtype });
  const settings = { blockSize: 32, scaleDtype: 'F16' as const };
  if (isQuantized) {
    const { tensors } = await readSafetensorsHeader(file);
    const chosen = (name: string) => name !== 'head' && tensors.get(name)!.shape.length === 2;
    // The file is read to its end before the new one takes its place.
    await quantizeInto(file, tensors, { ...settings, chosen });
  }
  const config = isQuantized ? { quantization_config: quantizationConfig(settings) } : {};
  await writeFile(path.join(folder, 'config.json'), JSON.stringify(config));
}

function* randomWeights(shapes: ReadonlyMap<string, number[]>): Generator<[string, WeightSource]> {
  const rng = RandomStream.from(2, 'weights');
  const pool = Float32Array.from({ length: 1 << 16 }, () => rng.normal());
  for (const [name, shape] of shapes) {
    const size = shape.reduce((a, b) => a * b, 1);
    const scale = shape.length === 2 ? 0.5 / Math.sqrt(shape[1]!) : 1;
    const from = rng.integer(1 << 16);
    const data = Float32Array.from({ length: size }, (_, i) =>
      name === 'zero' ? 0 : shape.length === 1 ? 1 : scale * pool[(from + i * 7 + (i >> 16)) & 0xffff]!,
    );
    yield [name, { kind: 'data', data, shape }];
  }
}

const [first, ...rest] = process.argv.slice(2);
if (first === '--child') await measure(rest[0]!, rest[1]!, JSON.parse(rest[2]!));
else
  await main(
    first ?? 'decoder',
    (rest.length > 0 ? rest : ['{}']).map((text) => JSON.parse(text)),
  );
