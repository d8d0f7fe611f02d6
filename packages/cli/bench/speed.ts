/**
 * `nx run bench:speed`: a training step - forward, backward, clipping and AdamW, dropout on, data ready - of a method at
 * the shape of one of the paper's models, with random weights, on any device. Prints one JSON object a line.
 */
import { execFileSync } from 'node:child_process';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { getPeftModel, METHODS, methodNamed } from '@psoft/adapter';
import { dropoutStep, RandomStream, type TrainableModel } from '@psoft/engine';
import { peakMemoryBytes } from '@psoft/results';
import {
  AdamW,
  clipFactor,
  compileTrainStep,
  gradientNorm,
  ParameterVector,
  trainAll,
  trainHead,
} from '@psoft/training';
import { timed } from './base.ts';
import { type BenchShape, SHAPES, type ShapeName, scaled, storedShape } from './shapes.ts';

const { values } = parseArgs({
  allowPositionals: true,
  options: {
    shape: { type: 'string', default: 'deberta' },
    method: { type: 'string', default: 'psoft' },
    rank: { type: 'string' },
    batch: { type: 'string' },
    length: { type: 'string' },
    layers: { type: 'string' },
    toy: { type: 'boolean', default: false },
    device: { type: 'string', default: 'cpu' },
    precision: { type: 'string', default: 'f32' },
    weights: { type: 'string', default: 'F32' },
    recompute: { type: 'boolean', default: false },
    /** Batches that make up one update; times are then divided by their number. */
    accumulate: { type: 'string', default: '1' },
    neumann: { type: 'boolean', default: false },
    steps: { type: 'string', default: '10' },
    threads: { type: 'string' },
    folder: { type: 'string', default: path.join(os.tmpdir(), 'psoft-bench') },
    profile: { type: 'string' },
    /** Passes of the compiler to leave out. */
    without: { type: 'string', multiple: true, default: [] },
    /** Session entries, name=value. */
    entry: { type: 'string', multiple: true, default: [] },
    /** Options of the device's provider, name=value. */
    provider: { type: 'string', multiple: true, default: [] },
  },
});
const number = (text: string | undefined): number | undefined =>
  text === undefined ? undefined : Number(text);
const median = (times: readonly number[]) => [...times].sort((a, b) => a - b)[times.length >> 1]!;

const { layers: layersText, toy, device, precision } = values;
const layers = number(layersText);
const shape: BenchShape = scaled(SHAPES[values.shape as ShapeName], {
  ...(layers === undefined ? {} : { layers }),
  toy,
});
const extent = {
  batch: number(values.batch) ?? shape.extent.batch,
  length: number(values.length) ?? shape.extent.length,
};
const start = performance.now();
const model = await storedShape(shape, values.weights as 'F32' | 'BF16', values.folder);
const trained = await trainable();
const initialised = performance.now();
const vector = new ParameterVector(trained.parameters);
const threads = number(values.threads);
const parts = Number(values.accumulate);
const step = await compileTrainStep(trained, vector, shape.loss, shape.spec(extent), {
  executor: device as 'cpu',
  precision: precision as 'f32',
  recompute: values.recompute,
  parts,
  without: values.without,
  ...(threads === undefined ? {} : { threads }),
  ...(values.profile === undefined ? {} : { profilePrefix: values.profile }),
  sessionEntries: Object.fromEntries(values.entry.map((one) => one.split('='))),
  providerOptions: Object.fromEntries(values.provider.map((one) => one.split('='))),
});
const compiled = performance.now();
const inputs = shape.inputs(extent, RandomStream.from(2, 'bench'));
const adamw = new AdamW(vector.size);
const losses: number[] = [];
let program = 0;
const update = async (i: number) => {
  const begun = performance.now();
  const given = Array.from({ length: parts }, (_, at) => ({ batch: inputs, dropout: dropoutStep(1, i, at) }));
  const { loss, gradient } = await step.runParts(vector.values, given);
  program += performance.now() - begun;
  const scale = clipFactor(gradientNorm(gradient), 1);
  adamw.update(vector.values, gradient, vector.ranges, () => 1e-4, scale);
  losses.push(loss);
};
// The first steps touch memory and choose kernels.
for (let i = 0; i < 3; i++) await update(i);
program = 0;
const steps = Number(values.steps);
const times = await timed(steps, (i) => update(i + 3));
const { stats } = step.program;
const deviceBytes = device === 'cuda' ? deviceMemory() : undefined;
await step.program.dispose();
process.stdout.write(
  `${JSON.stringify({
    shape: values.shape,
    ...extent,
    ...(layers === undefined ? {} : { layers }),
    ...(toy ? { toy } : {}),
    method: values.method,
    rank: number(values.rank) ?? shape.rank,
    device,
    precision:
      device === 'cuda' && precision === 'f32' && process.env.NVIDIA_TF32_OVERRIDE !== '0'
        ? 'tf32'
        : precision,
    weights: values.weights,
    recompute: values.recompute,
    trained: vector.size,
    ...(parts === 1 ? {} : { accumulate: parts }),
    stepMilliseconds: Math.min(...times) / parts,
    medianMilliseconds: median(times) / parts,
    programMilliseconds: program / steps / parts,
    initialiseSeconds: (initialised - start) / 1000,
    compileSeconds: (compiled - initialised) / 1000,
    graphNodes: stats.graphNodes,
    onnxNodes: stats.onnxNodes,
    peakMemoryBytes: peakMemoryBytes(),
    ...(deviceBytes === undefined ? {} : { deviceMemoryBytes: deviceBytes }),
    losses: losses.slice(0, 4),
    node: process.version,
  })}\n`,
);

/** What the processes on the first card hold, which is what ONNX Runtime has reserved. */
function deviceMemory(): number | undefined {
  try {
    const used = execFileSync('nvidia-smi', ['--query-gpu=memory.used', '--format=csv,noheader,nounits']);
    return Number(String(used).split('\n')[0]) * 2 ** 20;
  } catch {
    return undefined;
  }
}

/** With the settings of the paper profile; the subspace is drawn, not found, for a step takes as long in any. */
async function trainable(): Promise<TrainableModel> {
  if (values.method === 'head') return trainHead(model);
  if (values.method === 'full') return trainAll(model);
  const info = METHODS[values.method as keyof typeof METHODS];
  if (info === undefined)
    throw new Error(
      `unknown method "${values.method}"; known: ${Object.keys(METHODS).join(', ')}, head, full`,
    );
  const r = number(values.rank) ?? (values.method === 'psoft' ? shape.rank : 8);
  const config = methodNamed(values.method).configure({
    taskType: shape.task === 'causal-lm' ? 'CAUSAL_LM' : 'SEQ_CLS',
    targetModules: 'all-linear',
    ...(values.method === 'psoft'
      ? {
          r,
          psoftAlpha: r,
          psoftSvd: 'lowrank',
          psoftSvdLowrankNiter: 0,
          ...(values.neumann
            ? { useCayleyNeumann: true, numCayleyNeumannTerms: 5, neumannConvention: 'paper' }
            : {}),
        }
      : ['lora', 'dora'].includes(values.method)
        ? { r, loraAlpha: r }
        : {}),
  });
  return getPeftModel(model, config, { seed: 1 });
}
