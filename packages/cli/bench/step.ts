/**
 * `nx run engine:bench`: what a PSOFT training step costs on this machine, in one process: the matrix-product peak of
 * ONNX Runtime, the compiled step at DeBERTaV3-base size as a share of it, and the same model eagerly, on tfjs-wasm and
 * on TensorFlow's library where that is added, at a size that wasm can hold. Not a timed test: it prints, and asserts
 * nothing.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { getPeftModel, PsoftConfig } from '@psoft/adapter';
import { labelledTextSpec } from '@psoft/datasets';
import { type Executor, isExecutorInstalled, type Model } from '@psoft/engine';
import { crossEntropy } from '@psoft/models';
import { compileTrainStep, ParameterVector } from '@psoft/training';
import { BASE, best, gigabytes, randomModel, type Size, timed, updates } from './base.ts';
import { matrixPeak } from './peak.ts';

/** Milliseconds of each step: forward, backward, clipping and AdamW, dropout on, data ready. */
async function trainingSteps(model: Model, size: Size, steps: number, executor: Executor, threads?: number) {
  const { batch, length, rank } = size;
  const svdStart = performance.now();
  const adapted = await getPeftModel(
    model,
    new PsoftConfig({ r: rank, psoftAlpha: rank, targetModules: 'all-linear', taskType: 'SEQ_CLS' }),
  );
  const svdSeconds = (performance.now() - svdStart) / 1000;
  const vector = new ParameterVector(adapted.parameters);
  const step = await compileTrainStep(
    adapted,
    vector,
    (outputs, inputs) => crossEntropy(outputs.logits!, inputs.labels!),
    labelledTextSpec(batch, length),
    { executor, ...(threads === undefined ? {} : { threads }) },
  );
  const times = await timed(steps, updates(step, vector, size));
  const { stats } = step.program;
  await step.program.dispose();
  // The first step touches memory for the first time and is no measure of the others.
  return { times: times.slice(1), stats, svdSeconds, parameters: vector.size };
}

/**
 * Frozen linear layers, forward and input gradient. The first layer's query, key and value need no input gradient, and
 * what follows the last layer's attention is computed for the first token of each sequence only.
 */
function frozenFlops(model: Model, { layers, batch, length }: Size): number {
  let flops = 0;
  for (const { name, inFeatures, outFeatures } of model.linears) {
    const [, layer, part] = /\.layer\.(\d+)\.(.*)/.exec(name) ?? [];
    if (layer === undefined) continue;
    const isProjection = part!.startsWith('attention.self.');
    const rows = Number(layer) === layers - 1 && !isProjection ? batch : batch * length;
    const passes = layer === '0' && isProjection ? 1 : 2;
    flops += passes * 2 * rows * inFeatures * outFeatures;
  }
  return flops;
}

const { values } = parseArgs({
  options: {
    steps: { type: 'string', default: '6' },
    threads: { type: 'string' },
    skipWasm: { type: 'boolean' },
  },
  allowPositionals: true,
});
const threads = values.threads === undefined ? undefined : Number(values.threads);
const base: Size = { layers: 12, batch: 32, length: 64, vocabulary: BASE.vocab_size, rank: 46 };
const small: Size = { layers: 2, batch: 8, length: 64, vocabulary: 1000, rank: 46 };
const folder = await mkdtemp(path.join(os.tmpdir(), 'psoft-bench-'));
try {
  console.log(`${os.cpus()[0]?.model}, ${os.cpus().length} cores, Node ${process.version}`);
  const peak = await matrixPeak(threads);
  console.log(`matrix products 2048 x 768 x 768: ${peak.toFixed(0)} GFLOP/s`);

  const model = await randomModel(base, folder);
  const run = await trainingSteps(model, base, Number(values.steps) + 1, 'cpu', threads);
  // Again after the step: the machine's speed may have drifted in between.
  const peakAfter = await matrixPeak(threads);
  const flops = frozenFlops(model, base);
  const rate = flops / best(run.times) / 1e6;
  const share = (100 * rate) / ((peak + peakAfter) / 2);
  console.log(
    `PSOFT r=${base.rank} on DeBERTaV3-base (random weights), batch ${base.batch} x ${base.length}, dropout on, ` +
      `${run.parameters.toLocaleString('en')} trainable numbers:`,
  );
  console.log(`  step ${(best(run.times) / 1000).toFixed(2)} s (best of ${run.times.length})`);
  console.log(
    `  ${(flops / 1e9).toFixed(0)} GFLOP in frozen products: ${rate.toFixed(0)} GFLOP/s, ${share.toFixed(0)} % of ` +
      `the peak (before ${peak.toFixed(0)}, after ${peakAfter.toFixed(0)})`,
  );
  console.log(
    `  trace ${((run.stats.traceMilliseconds ?? 0) / 1000).toFixed(1)} s, session ` +
      `${((run.stats.sessionMilliseconds ?? 0) / 1000).toFixed(1)} s, ${run.stats.onnxNodes} ONNX nodes, ` +
      `SVD of the adapted layers ${run.svdSeconds.toFixed(1)} s`,
  );
  console.log(`  peak resident memory ${gigabytes(process.resourceUsage().maxRSS * 1024)}`);

  if (!values.skipWasm) {
    const smallModel = await randomModel(small, folder);
    const compiled = await trainingSteps(smallModel, small, 6, 'cpu', threads);
    const fast = best(compiled.times);
    console.log(
      `${small.layers} layers of that width, batch ${small.batch} x ${small.length}: compiled ${fast.toFixed(0)} ms`,
    );
    for (const executor of (['eager-node', 'eager-wasm'] as const).filter(isExecutorInstalled)) {
      const eager = await trainingSteps(smallModel, small, 3, executor, threads);
      const slow = best(eager.times);
      console.log(`  ${executor} ${slow.toFixed(0)} ms: ${(slow / fast).toFixed(1)} times`);
    }
  }
} finally {
  await rm(folder, { recursive: true });
}
