/**
 * `tsx packages/engine/bench/memory.ts STACK [VARIANT...]`: memory and time of a training step's forward and backward
 * pass on stacks of transformer layers, each variant in a process of its own. A variant is JSON of compile options,
 * with `dtype` for the weights' storage type. Prints one line a variant; asserts nothing.
 *
 * Anonymous memory (RssAnon) is what the session takes for itself; mapped weight files can be dropped by the system.
 */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  type CompileOptions,
  compile,
  estimateMemory,
  RandomStream,
  readSafetensorsHeader,
  type WeightDtype,
  type WeightSource,
  writeSafetensors,
} from '../src/index.ts';
import { STACKS, stackProgram, stackWeights } from './stacks.ts';

type Variant = CompileOptions & { dtype?: WeightDtype; runs?: number };

const MEGA = 2 ** 20;

function anonymousBytes(pid: number | 'self'): number {
  const file = `/proc/${pid}/status`;
  if (!existsSync(file)) return 0;
  return 1024 * Number(/RssAnon:\s+(\d+)/.exec(readFileSync(file, 'utf8'))?.[1] ?? 0);
}

/** The peak of what `child` holds, asked for every few milliseconds: a running session blocks its own thread. */
async function child(folder: string, stack: string, variant: Variant): Promise<Record<string, unknown>> {
  const worker = spawn(
    process.execPath,
    [...process.execArgv, fileURLToPath(import.meta.url), '--child', folder, stack, JSON.stringify(variant)],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let text = '';
  let peak = 0;
  worker.stdout.on('data', (part) => {
    text += part;
  });
  const timer = setInterval(() => {
    peak = Math.max(peak, anonymousBytes(worker.pid!));
  }, 5);
  const code = await new Promise((done) => worker.on('close', done));
  clearInterval(timer);
  if (code !== 0) throw new Error(`${stack} ${JSON.stringify(variant)}: the child ended with ${code}`);
  return { ...JSON.parse(text.trim().split('\n').at(-1)!), peak };
}

async function measure(folder: string, stack: string, { dtype: _, runs = 4, ...options }: Variant) {
  const shape = STACKS[stack]!;
  const { tensors: weights } = await readSafetensorsHeader(path.join(folder, 'weights.safetensors'));
  const { fn, signature } = stackProgram(shape, weights);
  const rng = RandomStream.from(1, 'inputs');
  const random = (length: number, scale: number) => Float32Array.from({ length }, () => scale * rng.normal());
  const { parameters, x, labels } = signature.inputs as Record<string, { shape: readonly number[] }>;
  const feeds = {
    parameters: random(parameters!.shape[0]!, 0.02),
    x: random(x!.shape[0]! * x!.shape[1]!, 1),
    labels: Int32Array.from({ length: labels!.shape[0]! }, () => rng.integer(shape.vocabulary)),
  };
  const before = anonymousBytes('self');
  const program = await compile(fn, signature, options);
  const session = anonymousBytes('self');
  const seconds: number[] = [];
  let loss = Number.NaN;
  for (let run = 0; run < runs; run++) {
    const start = performance.now();
    const result = await program.run(feeds);
    seconds.push((performance.now() - start) / 1000);
    loss = result.loss!.data[0]!;
  }
  const { stats, graph } = program;
  const estimate = estimateMemory(graph!, weights, options);
  console.log(
    JSON.stringify({ before, session, seconds: Math.min(...seconds), loss, ...stats, ...estimate }),
  );
}

async function main(stack: string, variants: readonly Variant[]): Promise<void> {
  const shape = STACKS[stack];
  if (shape === undefined)
    throw new Error(`stack must be one of ${Object.keys(STACKS).join(', ')}, got "${stack}"`);
  for (const variant of variants) {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'memory-bench-'));
    try {
      await writeSafetensors(path.join(folder, 'weights.safetensors'), randomWeights(stackWeights(shape)), {
        dtype: variant.dtype ?? 'F32',
      });
      const result = await child(folder, stack, variant);
      const mega = (key: string) => Math.round(((result[key] as number) - (result.before as number)) / MEGA);
      const size = (key: string) => Math.round((result[key] as number) / MEGA);
      console.log(
        `${stack} ${JSON.stringify(variant)}: session ${mega('session')} MB, at most ${mega('peak')} MB, ` +
          `${(result.seconds as number).toFixed(3)} s a step, ` +
          `session in ${Math.round(result.sessionMilliseconds as number)} ms, ${result.onnxNodes} nodes, loss ${result.loss}; ` +
          `estimated: packed ${size('packedBytes')}, constants ${size('constantsBytes')}, outputs ${size('outputsBytes')}, ` +
          `activations ${size('peakActivationBytes')} MB at ${result.peakNode}`,
      );
    } finally {
      await rm(folder, { recursive: true });
    }
  }
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
