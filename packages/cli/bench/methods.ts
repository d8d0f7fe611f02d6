/**
 * `nx run adapter:bench`: what each method costs at DeBERTaV3-base size on this machine's CPU, with the settings of the
 * paper profile: a step relative to the head-only step of the same process, trained numbers, peak memory, and how long
 * the adapter takes to initialise. One process a method, since a process gives little of its memory back.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { getPeftModel, methodNamed } from '@psoft/adapter';
import { labelledTextSpec } from '@psoft/datasets';
import type { Model, TrainableModel } from '@psoft/engine';
import { crossEntropy } from '@psoft/models';
import { compileTrainStep, countParameters, ParameterVector, trainAll, trainHead } from '@psoft/training';
import { findExperiments, pick } from '../src/workspace.ts';
import { BASE, best, gigabytes, randomModel, type Size, timed, updates } from './base.ts';

interface Row {
  readonly method: string;
  readonly settings: string;
  readonly trained: number;
  readonly initialise: number;
  /** Milliseconds, best of several. */
  readonly step: number;
  readonly headStep: number;
  readonly peakBytes: number;
  readonly nodes: number;
}

const { methods } = pick(findExperiments(), 'nlu', 'experiment');

/** Which method of the registry an entry of the experiment is, and its settings in the paper profile. */
function settingsOf(name: string): { method: string; adapter: Record<string, unknown> } {
  const entry = pick(methods, name, 'method of nlu');
  return { method: entry.method ?? name, adapter: { ...entry.paper?.adapter } };
}

async function trainable(model: Model, name: string): Promise<TrainableModel> {
  const { method, adapter } = settingsOf(name);
  if (method === 'head') return trainHead(model);
  if (method === 'full') return trainAll(model);
  return getPeftModel(model, methodNamed(method).configure({ taskType: 'SEQ_CLS', ...adapter }));
}

async function prepared(model: TrainableModel, size: Size) {
  const vector = new ParameterVector(model.parameters);
  const step = await compileTrainStep(
    model,
    vector,
    (outputs, inputs) => crossEntropy(outputs.logits!, inputs.labels!),
    labelledTextSpec(size.batch, size.length),
  );
  return { update: updates(step, vector, size), step };
}

/** Steps of the method and of the head alone in turns, so that a change of the machine's speed touches both. */
async function measure(name: string, size: Size, folder: string, rounds: number): Promise<Row> {
  const base = await randomModel(size, folder);
  const start = performance.now();
  const model = await trainable(base, name);
  const initialise = (performance.now() - start) / 1000;
  const own = await prepared(model, size);
  // The first step touches memory for the first time and is no measure of the others.
  await timed(2, own.update);
  const peakBytes = process.resourceUsage().maxRSS * 1024;
  const head = await prepared(await trainHead(base), size);
  await head.update(0);
  const [times, headTimes]: [number[], number[]] = [[], []];
  for (let round = 0; round < rounds; round++) {
    times.push(...(await timed(1, own.update)));
    headTimes.push(...(await timed(1, head.update)));
  }
  const { adapter } = settingsOf(name);
  const { targetModules: _, ...shown } = adapter;
  return {
    method: name,
    settings: Object.entries(shown)
      .map(([key, value]) => `${key} ${value}`)
      .join(', '),
    trained: countParameters(model, 'adapter') + countParameters(model, 'base'),
    initialise,
    step: best(times),
    headStep: best(headTimes),
    peakBytes,
    nodes: own.step.program.stats.onnxNodes ?? 0,
  };
}

const HEADER = [
  '| method | settings | trained | step / head-only step | step | initialise | peak memory | ONNX nodes |',
  '|---|---|---|---|---|---|---|---|',
];

function line(row: Row): string {
  const cells = [
    row.method,
    row.settings,
    row.trained.toLocaleString('en'),
    (row.step / row.headStep).toFixed(2),
    `${(row.step / 1000).toFixed(2)} s`,
    `${row.initialise.toFixed(1)} s`,
    gigabytes(row.peakBytes),
    row.nodes.toLocaleString('en'),
  ];
  return `| ${cells.join(' | ')} |`;
}

const { values } = parseArgs({
  options: {
    methods: { type: 'string' },
    rounds: { type: 'string', default: '3' },
    layers: { type: 'string', default: '12' },
    /** Set by the parent: the one method that this process measures, and where the model lies. */
    only: { type: 'string' },
    folder: { type: 'string' },
  },
  allowPositionals: true,
});
const size: Size = {
  layers: Number(values.layers),
  batch: 32,
  length: 64,
  vocabulary: BASE.vocab_size,
  rank: 46,
};

if (values.only !== undefined) {
  process.stdout.write(
    JSON.stringify(await measure(values.only, size, values.folder!, Number(values.rounds))),
  );
} else {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'psoft-bench-'));
  let failed = false;
  try {
    await randomModel(size, folder);
    console.log(
      `${os.cpus()[0]?.model}, ${os.cpus().length} cores, Node ${process.version}; batch ${size.batch} x ${size.length}, dropout on\n`,
    );
    for (const text of HEADER) console.log(text);
    const names = values.methods?.split(',') ?? Object.keys(methods);
    for (const name of names) {
      const self = fileURLToPath(import.meta.url);
      const args = ['--only', name, '--folder', folder, '--rounds', values.rounds, '--layers', values.layers];
      try {
        const { stdout } = await promisify(execFile)(process.execPath, [...process.execArgv, self, ...args], {
          maxBuffer: 1e7,
        });
        console.log(line(JSON.parse(stdout) as Row));
      } catch (error) {
        failed = true;
        console.log(
          `| ${name} | failed: ${String((error as { stderr?: string }).stderr ?? error)
            .trim()
            .split('\n')
            .at(-1)} |`,
        );
      }
    }
  } finally {
    await rm(folder, { recursive: true });
  }
  if (failed) process.exitCode = 1;
}
