/**
 * `nx run vision:bench`: a training step of ViT-B/16 (random weights) by method and batch size: images a second, the
 * share of the matrix-product peak that ONNX Runtime reaches in the same process, and how memory grows with the batch
 * (the paper's Figure 4a). A process for each row, since a process gives little of its memory back.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { peakMemoryBytes } from '@psoft/results';
import { best, gigabytes, timed } from './base.ts';
import { matrixPeak } from './peak.ts';
import { productFlops, type StepFlops, vitStepFlops } from './vitFlops.ts';
import { extentOf, METHODS, type MethodName, randomVit, trainableVit, trainingStep } from './vitModel.ts';

interface Row {
  readonly method: MethodName;
  readonly batch: number;
  readonly trained: number;
  readonly flops: StepFlops;
  /** Of the products in the program: more than the formula's total means needless ones. */
  readonly programFlops: number;
  readonly stepMilliseconds: readonly number[];
  /** Floating-point operations a second, 1e9, before and after the steps. */
  readonly peakGflops: readonly [number, number];
  readonly peakMemoryBytes: number;
  readonly initialiseSeconds: number;
  readonly compileSeconds: number;
  readonly onnxNodes: number;
}

const { values } = parseArgs({
  options: {
    methods: { type: 'string', default: 'psoft,lora,head' },
    'batch-sizes': { type: 'string', default: '1,4,16,64' },
    steps: { type: 'string', default: '4' },
    threads: { type: 'string' },
    'image-size': { type: 'string', default: '224' },
    hidden: { type: 'string', default: '768' },
    layers: { type: 'string', default: '12' },
    dropout: { type: 'string', default: '0.1' },
    'full-svd': { type: 'boolean', default: false },
    json: { type: 'string' },
    /** Set by the parent: the one row that this process measures, and where the model lies. */
    only: { type: 'string' },
    folder: { type: 'string' },
  },
});

function positive(flag: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new Error(`--${flag} must be an integer of at least 1, got "${text}"`);
  return value;
}

function methodName(text: string): MethodName {
  if (!Object.hasOwn(METHODS, text))
    throw new Error(`--methods: unknown method "${text}", known: ${Object.keys(METHODS).join(', ')}`);
  return text as MethodName;
}

function settings() {
  const dropout = Number(values.dropout);
  if (!(dropout >= 0 && dropout < 1))
    throw new Error(`--dropout must be at least 0 and below 1, got "${values.dropout}"`);
  return {
    methods: values.methods.split(',').map(methodName),
    batchSizes: values['batch-sizes'].split(',').map((text) => positive('batch-sizes', text)),
    steps: positive('steps', values.steps),
    size: {
      imageSize: positive('image-size', values['image-size']),
      hidden: positive('hidden', values.hidden),
      layers: positive('layers', values.layers),
    },
    dropout,
    fullSvd: values['full-svd'],
    ...(values.threads === undefined ? {} : { threads: positive('threads', values.threads) }),
  };
}

type Settings = ReturnType<typeof settings>;

async function measure(method: MethodName, batch: number, folder: string, given: Settings): Promise<Row> {
  const { size, steps, threads } = given;
  const model = await randomVit(size, folder);
  const start = performance.now();
  const trainable = await trainableVit(model, method, given);
  const initialised = performance.now();
  const { step, update, trained } = await trainingStep(trainable, size, { ...given, batch });
  const compiled = performance.now();
  // The first step touches memory for the first time and is no measure of the others.
  await update(0);
  const before = await matrixPeak(threads);
  const stepMilliseconds = await timed(steps, (i) => update(i + 1));
  const peakMemory = peakMemoryBytes();
  const after = await matrixPeak(threads);
  return {
    method,
    batch,
    trained,
    flops: vitStepFlops(model, extentOf(size, batch), METHODS[method]),
    programFlops: productFlops(step.program.graph!),
    stepMilliseconds,
    peakGflops: [before, after],
    peakMemoryBytes: peakMemory,
    initialiseSeconds: (initialised - start) / 1000,
    compileSeconds: (compiled - initialised) / 1000,
    onnxNodes: step.program.stats.onnxNodes ?? 0,
  };
}

function median(times: readonly number[]): number {
  const sorted = [...times].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return (sorted[Math.ceil(middle) - 1]! + sorted[Math.floor(middle)]!) / 2;
}

const HEADER = [
  '| method | batch | GFLOP | best step | median | images/s | share of peak | frozen linears only | peak | peak memory | an image more |',
  '|---|---|---|---|---|---|---|---|---|---|---|',
];

/** @param previous the same method's row of the batch size before */
function line(row: Row, previous: Row | undefined): string {
  const { flops, stepMilliseconds, peakGflops, batch } = row;
  const step = best(stepMilliseconds);
  const [before, after] = peakGflops;
  const share = (count: number) => `${((100 * count) / step / 1e6 / ((before + after) / 2)).toFixed(0)} %`;
  const growth =
    previous === undefined || previous.batch === batch
      ? ''
      : `${((row.peakMemoryBytes - previous.peakMemoryBytes) / (batch - previous.batch) / 1e6).toFixed(0)} MB`;
  const cells = [
    row.method,
    batch,
    (flops.total / 1e9).toFixed(0),
    `${step.toFixed(0)} ms`,
    `${median(stepMilliseconds).toFixed(0)} ms`,
    ((1000 * batch) / step).toFixed(2),
    share(flops.total),
    share(flops.linears),
    `${before.toFixed(0)}, ${after.toFixed(0)}`,
    gigabytes(row.peakMemoryBytes),
    growth,
  ];
  return `| ${cells.join(' | ')} |`;
}

/** What the columns mean, and what the count of the largest rows is made of. */
function legend(rows: readonly Row[]): string[] {
  const parts = [...new Map(rows.map((row) => [row.method, row])).values()].map(
    ({ method, batch, trained, flops, programFlops, initialiseSeconds, compileSeconds, onnxNodes }) => {
      const giga = (count: number) => (count / 1e9).toFixed(1);
      return (
        `${method}, batch ${batch}: ${giga(flops.linears)} GFLOP in linear layers, ${giga(flops.attention)} in attention, ` +
        `${giga(flops.adapters)} in adapters; all products of the program ${giga(programFlops)}; ` +
        `${trained.toLocaleString('en')} trained; initialised in ${initialiseSeconds.toFixed(1)} s, compiled in ` +
        `${compileSeconds.toFixed(1)} s; ${onnxNodes} ONNX nodes`
      );
    },
  );
  return [
    'step: forward, backward, clipping, AdamW. GFLOP: matrix products, 2 m k n each: every linear layer forward and to',
    'its input, none for frozen weights; attention 2 forward and 4 backward; adapters. peak: 2048 x 768 x 768 products',
    'in ONNX Runtime, GFLOP/s, before and after the steps; shares are of their mean.',
    ...parts,
  ];
}

/** The process's last words: what went wrong, or the signal (SIGKILL is what running out of memory looks like). */
function failure(error: unknown): string {
  const { stderr, signal } = error as { stderr?: string; signal?: string | null };
  if (signal) return `ended by ${signal}`;
  const words = (stderr ?? String(error)).trim().split('\n');
  return words.find((text) => /^\w*Error: /.test(text)) ?? words.at(-1)!;
}

async function runRow(method: MethodName, batch: number, folder: string): Promise<Row> {
  const self = fileURLToPath(import.meta.url);
  const args = [...process.argv.slice(2), '--only', `${method}:${batch}`, '--folder', folder];
  const { stdout } = await promisify(execFile)(process.execPath, [...process.execArgv, self, ...args], {
    maxBuffer: 1e7,
  });
  return JSON.parse(stdout) as Row;
}

async function runAll(given: Settings, folder: string): Promise<Row[]> {
  const { methods, batchSizes, size, dropout } = given;
  await randomVit(size, folder);
  const machine = `${os.cpus()[0]?.model}, ${os.cpus().length} cores, Node ${process.version}`;
  console.log(
    `${machine}; ViT with ${size.layers} layers of width ${size.hidden}, images ${size.imageSize} x ${size.imageSize}, adapter dropout ${dropout}\n`,
  );
  for (const text of HEADER) console.log(text);
  const rows: Row[] = [];
  for (const method of methods) {
    let previous: Row | undefined;
    for (const batch of batchSizes) {
      try {
        const row = await runRow(method, batch, folder);
        console.log(line(row, previous));
        rows.push(row);
        previous = row;
      } catch (error) {
        process.exitCode = 1;
        console.log(`| ${method} | ${batch} | failed: ${failure(error)} |`);
      }
    }
  }
  console.log('');
  for (const text of legend(rows)) console.log(text);
  if (values.json !== undefined)
    await writeFile(values.json, `${JSON.stringify({ machine, ...given, rows }, undefined, 2)}\n`);
  return rows;
}

const given = settings();
if (values.only !== undefined) {
  const [method, batch] = values.only.split(':');
  const row = await measure(methodName(method!), positive('only', batch!), values.folder!, given);
  process.stdout.write(JSON.stringify(row));
} else {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'psoft-bench-'));
  try {
    await runAll(given, folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}
