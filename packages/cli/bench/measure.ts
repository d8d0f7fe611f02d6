/** One point, measured in this process. */
import { existsSync, writeFileSync } from 'node:fs';
import { getPeftModel, methodNamed } from '@psoft/adapter';
import {
  type CompileOptions,
  compile,
  createDropout,
  DROPOUT_STEP,
  dropoutStep,
  type Model,
  RandomStream,
  type TrainableModel,
} from '@psoft/engine';
import { nvidiaCards, precisionOptions, type RunPrecision } from '@psoft/engine/devices';
import { peakMemoryBytes } from '@psoft/results';
import type { BenchMeasured, BenchPoint } from '@psoft/results/bench';
import {
  clipFactor,
  compileTrainStep,
  createUpdater,
  ParameterVector,
  splitParameters,
  trainAll,
  trainHead,
} from '@psoft/training';
import { LAYERS, type LayerName, layerInputs, layerLoss, layerModel, layerSpec } from './layers.ts';
import { SHAPES, type ShapeName, scaled, storedShape } from './shapes.ts';

export interface MeasureOptions {
  /** Where random weights are kept. */
  readonly folder: string;
  readonly passes: number;
  readonly threads?: number;
  /** Instead of a step: the forward pass alone. */
  readonly isForwardOnly?: boolean;
  /** ONNX Runtime's own profile goes to a file of this beginning. */
  readonly trace?: string;
  /** Session entries, for trials. */
  readonly entries?: Readonly<Record<string, string>>;
  /** Options of the device's provider, for trials. */
  readonly provider?: Readonly<Record<string, string>>;
  /** Options of compiling, for trials. */
  readonly compile?: Readonly<Record<string, unknown>>;
  /** Passes of the compiler to leave out. */
  readonly without?: readonly string[];
}

/** The first passes touch memory and choose kernels. */
const WARM = 3;

/** What a point is made of, whichever kind of subject it has. */
async function subjectOf(point: BenchPoint, folder: string) {
  const { shape, weights, batch, length, hidden, layers } = point;
  const extent = { batch, length };
  if ((LAYERS as readonly string[]).includes(shape))
    return {
      model: await layerModel(shape as LayerName, { ...extent, hidden }, weights, folder),
      taskType: undefined,
      spec: layerSpec(extent),
      inputs: layerInputs(extent),
      loss: layerLoss,
    };
  const full = SHAPES[shape as ShapeName];
  const isFull = full.config.hidden_size === hidden;
  const own = scaled(full, isFull ? { layers } : { layers, hidden, toy: true });
  return {
    model: await storedShape(own, weights, folder),
    taskType: own.task === 'causal-lm' ? 'CAUSAL_LM' : 'SEQ_CLS',
    spec: own.spec(extent),
    inputs: own.inputs(extent, RandomStream.from(2, 'bench')),
    loss: own.loss,
  };
}

/** The subspace is drawn, not found, for a step takes as long in any. */
async function trainable(
  model: Model,
  taskType: string | undefined,
  point: BenchPoint,
): Promise<TrainableModel> {
  const { method, adapter } = point;
  if (method === 'head') return trainHead(model);
  if (method === 'full') return trainAll(model);
  const drawn = method === 'psoft' ? { psoftSvd: 'lowrank', psoftSvdLowrankNiter: 0 } : {};
  const config = methodNamed(method).configure({ ...(taskType && { taskType }), ...adapter, ...drawn });
  return getPeftModel(model, config, { seed: 1 });
}

export async function measure(point: BenchPoint, options: MeasureOptions): Promise<BenchMeasured> {
  const { passes, isForwardOnly = false } = options;
  const parts = point.accumulate ?? 1;
  const start = performance.now();
  const subject = await subjectOf(point, options.folder);
  const model = await trainable(subject.model, subject.taskType, point);
  const vector = new ParameterVector(model.parameters);
  if (vector.size === 0) throw new Error(`${point.method} trains nothing of ${point.shape}`);
  const initialised = performance.now();
  forgetPeak();
  const before = deviceMemory(point);
  const compileOptions = compileOptionsOf(point, options);
  const runner = isForwardOnly
    ? await forwardOf(model, vector, subject, compileOptions)
    : await stepOf(model, vector, subject, compileOptions, point);
  const compiled = performance.now();
  const losses: number[] = [];
  const [times, programTimes, cpuTimes]: [number[], number[], number[]] = [[], [], []];
  for (let i = 0; i < WARM + passes; i++) {
    const begun = performance.now();
    const cpu = process.cpuUsage();
    const { loss, program } = await runner.run(i);
    losses.push(loss);
    if (i < WARM) continue;
    times.push((performance.now() - begun) / parts);
    programTimes.push(program / parts);
    const { user, system } = process.cpuUsage(cpu);
    cpuTimes.push((user + system) / 1000 / parts);
  }
  const after = deviceMemory(point);
  const { stats } = runner;
  await runner.dispose();
  return {
    passes,
    stepMilliseconds: median(times),
    bestStepMilliseconds: Math.min(...times),
    cpuMilliseconds: Math.min(...cpuTimes),
    programMilliseconds: programTimes.reduce((sum, one) => sum + one, 0) / passes,
    peakMemoryBytes: peakMemoryBytes(),
    ...(before === undefined || after === undefined ? {} : { peakDeviceMemoryBytes: after - before }),
    trained: vector.size,
    initialiseSeconds: (initialised - start) / 1000,
    compileSeconds: (compiled - initialised) / 1000,
    ...(stats.graphNodes === undefined ? {} : { graphNodes: stats.graphNodes }),
    ...(stats.onnxNodes === undefined ? {} : { onnxNodes: stats.onnxNodes }),
    losses: losses.slice(0, 4),
  };
}

function compileOptionsOf(point: BenchPoint, options: MeasureOptions): CompileOptions {
  const { threads, trace, entries, provider, without, compile } = options;
  return {
    executor: point.executor as 'cpu',
    ...precisionOptions(point.precision as RunPrecision),
    ...(point.recompute ? { recompute: true } : {}),
    ...(threads === undefined ? {} : { threads }),
    ...(trace === undefined ? {} : { profilePrefix: trace }),
    ...(entries === undefined ? {} : { sessionEntries: entries }),
    ...(provider === undefined ? {} : { providerOptions: provider }),
    ...(without === undefined ? {} : { without }),
    ...compile,
  };
}

type Subject = Awaited<ReturnType<typeof subjectOf>>;

/** Forward and backward; of a step clipping and AdamW as well. */
async function stepOf(
  model: TrainableModel,
  vector: ParameterVector,
  { spec, inputs, loss }: Subject,
  options: CompileOptions,
  { kind, accumulate = 1 }: BenchPoint,
) {
  const updater = await createUpdater(vector, {}, options);
  const step = await compileTrainStep(model, vector, loss, spec, { ...options, resident: updater.resident });
  return {
    stats: step.program.stats,
    async dispose() {
      await step.program.dispose();
      await updater.dispose();
    },
    async run(i: number) {
      const begun = performance.now();
      let sum = 0;
      for (let at = 0; at < accumulate; at++)
        sum += await updater.add(step, { batch: inputs, dropout: dropoutStep(1, i, at) }, undefined, inputs);
      const program = performance.now() - begun;
      if (kind === 'step') await updater.update(() => 1e-4, clipFactor(await updater.norm(), 1));
      else updater.skip();
      return { loss: sum, program };
    },
  };
}

/** As in training, dropout on, without keeping anything for a backward pass. */
async function forwardOf(
  model: TrainableModel,
  vector: ParameterVector,
  { spec, inputs, loss }: Subject,
  options: CompileOptions,
) {
  const program = await compile(
    ({ parameters, dropoutStep: step, ...batch }, weight) => {
      const bindings = {
        weights: new Proxy({}, { get: (_, name) => weight(name as string) }),
        parameters: splitParameters(parameters!, vector.ranges),
        dropout: createDropout(step!),
      };
      return { loss: loss(model.forward(bindings, batch), batch) };
    },
    {
      inputs: { parameters: { shape: [vector.size], dtype: 'float32' }, dropoutStep: DROPOUT_STEP, ...spec },
      weights: model.weights,
      parameters: ['parameters'],
    },
    { name: 'forward', ...options },
  );
  return {
    stats: program.stats,
    dispose: () => program.dispose(),
    async run(i: number) {
      const begun = performance.now();
      const result = await program.run({
        ...{ parameters: vector.values, dropoutStep: dropoutStep(1, i) },
        ...inputs,
      });
      return { loss: result.loss!.data[0]!, program: performance.now() - begun };
    },
  };
}

const median = (times: readonly number[]) => [...times].sort((a, b) => a - b)[times.length >> 1]!;

/** Linux keeps the largest resident set of a process until it is told to begin anew. */
function forgetPeak(): void {
  const file = '/proc/self/clear_refs';
  if (!existsSync(file)) return;
  try {
    writeFileSync(file, '5');
  } catch {
    // Then initialisation counts: some sandboxes forbid it.
  }
}

/** What processes on the first card hold; ONNX Runtime gives nothing of it back before its session ends. */
function deviceMemory({ executor }: BenchPoint): number | undefined {
  return executor === 'cuda' ? nvidiaCards()[0]?.usedBytes : undefined;
}
