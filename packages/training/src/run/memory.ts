/** What a run will need of memory, from the model's description alone: no weight is read and nothing is allocated. */
import { instructionSpec } from '@psoft/datasets';
import {
  type CompileOptions,
  estimateMemory,
  type Model,
  outlineQuantized,
  outlineReference,
  storedBytes,
  type TrainableModel,
  traceOptimised,
  type WeightDtype,
  type WeightSource,
} from '@psoft/engine';
import { outlineModel, type Task } from '@psoft/models';
import { parameterRanges } from '../parameters.ts';
import { type BatchSpec, type LossFunction, trainStepOf } from '../programs.ts';
import { availableMemory } from './available.ts';
import { ConfigError, type RunConfig } from './config.ts';
import { frozenStorage } from './frozen.ts';
import { textSettings } from './kinds/text.ts';
import { prepareMethod } from './method.ts';
import type { RunRequest } from './protocol.ts';
import { taskOf } from './sources.ts';

/** Bytes, by what they are for. */
export interface MemoryPrediction {
  /** The base model's weights as they are stored. */
  readonly weights: number;
  /** float32 copies of weights that a session packs for its products, or widens. */
  readonly copies: number;
  /** What an adapter keeps frozen beside them. */
  readonly adapter: number;
  /** Trained values, their gradient and AdamW's two moments. */
  readonly state: number;
  /** Most that activations take at one time. */
  readonly activations: number;
  /** Node.js, TensorFlow.js and ONNX Runtime themselves. */
  readonly base: number;
  readonly total: number;
}

export interface MemoryQuestion {
  readonly modelTask: Task;
  /** The parsed config.json. */
  readonly raw: Record<string, unknown>;
  /** How the checkpoint stores its weights; or the weights themselves, by name. */
  readonly stored: WeightStorage | ReadonlyMap<string, WeightSource>;
  readonly config: RunConfig;
  /** Of the longest micro-batch. */
  readonly spec: BatchSpec;
  readonly loss: LossFunction;
  readonly options?: Pick<CompileOptions, 'halfWeights' | 'precision' | 'recompute'>;
}

/** One type for all; '4-bit' as `psoft quantize` makes it of BF16: linear layers in 4 bits, the rest as it was. */
export type WeightStorage = WeightDtype | '4-bit';

/** Resident before any model is there, as measured with the tiny models. */
const BASE_BYTES = 300e6;

export async function predictMemory(question: MemoryQuestion): Promise<MemoryPrediction> {
  const { modelTask, raw, stored, config, spec, loss, options = {} } = question;
  const { model } = await prepareMethod(outlineModel(modelTask, raw), config, modelTask, 0);
  const { step, signature } = trainStepOf(model, parameterRanges(model.parameters), loss, spec);
  const graph = traceOptimised(step, signature, options);
  const adapterDtype = frozenStorage(frozenBytes(model), config.training?.adapterStorage);
  const sources = asStored(model, stored, adapterDtype);
  const estimate = estimateMemory(graph, sources, options);
  const trained = model.parameters.reduce((sum, { data }) => sum + data.byteLength, 0);
  const isBase = (name: string) => model.base.weights.has(name);
  const frozen = sum(sources, (name) => !isBase(name));
  const parts = {
    weights: sum(sources, isBase),
    copies: estimate.packedBytes,
    // An array in JavaScript and in the session's file, or in a file of its own.
    adapter: adapterDtype === undefined ? 2 * frozen : frozen,
    // Values in the model, in the flat vector and as a program's input; two moments.
    state: 5 * trained,
    activations: estimate.peakActivationBytes + estimate.constantsBytes,
    base: BASE_BYTES,
  };
  return { ...parts, total: Object.values(parts).reduce((a, b) => a + b, 0) };
}

/** What `psoft quantize` takes unless told otherwise. */
const BLOCK_SIZE = 32;

/**
 * The base model's outlines as references to a file that holds them in this form.
 * @param adapterDtype of the adapter's own, which otherwise stay arrays
 */
function asStored(
  model: TrainableModel,
  stored: MemoryQuestion['stored'],
  adapterDtype: WeightDtype | undefined,
): Map<string, WeightSource> {
  const linears = new Set(model.base.linears.map(({ name }) => `${name}.weight`));
  const formOf = (name: string, { shape }: WeightSource): WeightSource => {
    if (typeof stored !== 'string') return stored.get(name)!;
    if (stored !== '4-bit') return outlineReference(shape, stored);
    const isQuantized = linears.has(name) && shape[1]! % (2 * BLOCK_SIZE) === 0;
    if (!isQuantized) return outlineReference(shape, 'BF16');
    return outlineQuantized(shape as readonly [number, number], BLOCK_SIZE, 'F16');
  };
  const ofAdapter = (source: WeightSource): WeightSource =>
    adapterDtype === undefined ? source : outlineReference(source.shape, adapterDtype);
  return new Map(
    [...model.weights].map(([name, source]): [string, WeightSource] => [
      name,
      model.base.weights.has(name) ? formOf(name, source) : ofAdapter(source),
    ]),
  );
}

/** Of an adapter's frozen tensors, float32. */
function frozenBytes({ weights, base }: TrainableModel): number {
  return sum(weights, (name) => !base.weights.has(name));
}

function sum(sources: ReadonlyMap<string, WeightSource>, chosen: (name: string) => boolean): number {
  let bytes = 0;
  for (const [name, source] of sources) if (chosen(name)) bytes += storedBytes(source);
  return bytes;
}

/** What runs of one configuration would need, by how the weights are stored. */
export interface MemoryPlan {
  readonly model: string;
  readonly rows: number;
  readonly length: number;
  readonly f32: MemoryPrediction;
  readonly bf16: MemoryPrediction;
  /** Made by `psoft quantize`. */
  readonly fourBit: MemoryPrediction;
  readonly available: number;
}

/**
 * For a language model whose architecture the configuration states: nothing needs to be on this machine.
 * @returns undefined where it does not, or for another kind of task
 */
export async function planMemory({ config }: Pick<RunRequest, 'config'>): Promise<MemoryPlan | undefined> {
  const raw = config.model.architecture;
  if (raw === undefined || taskOf(config).kind !== 'instructions') return undefined;
  return {
    model: config.model.name,
    ...longestMicroBatch(config),
    f32: await predictOfLanguageModel(config, raw, 'F32'),
    bf16: await predictOfLanguageModel(config, raw, 'BF16'),
    fourBit: await predictOfLanguageModel(config, raw, '4-bit'),
    available: await availableMemory(),
  };
}

/** Models of fewer bytes are not looked at: there is always room for them. */
const SMALL = 500e6;

/**
 * Before an adapter is made of a language model's weights.
 * @throws ConfigError with the numbers where the run cannot fit into this machine's memory
 */
export async function checkRunFits(config: RunConfig, model: Model): Promise<void> {
  if (taskOf(config).kind !== 'instructions') return;
  if (sum(model.weights, () => true) < SMALL) return;
  checkFits(
    await predictOfLanguageModel(config, { ...model.config }, model.weights),
    await availableMemory(),
  );
}

function longestMicroBatch({ training }: RunConfig): { rows: number; length: number } {
  const { batchSize, buckets, maxLength } = textSettings(training);
  return { rows: training.microBatchSize ?? batchSize, length: buckets.find((one) => one >= maxLength)! };
}

function predictOfLanguageModel(
  config: RunConfig,
  raw: Readonly<Record<string, unknown>>,
  stored: MemoryQuestion['stored'],
): Promise<MemoryPrediction> {
  const { rows, length } = longestMicroBatch(config);
  const { precision, recompute } = config.training;
  return predictMemory({
    modelTask: 'causal-lm',
    raw: { ...raw },
    stored,
    config,
    spec: instructionSpec(rows, length),
    loss: (outputs) => outputs.loss!,
    options: {
      // What TF32 rounds takes the same room.
      ...(precision === undefined || precision === 'tf32' ? {} : { precision }),
      ...(recompute === undefined ? {} : { recompute }),
    },
  });
}

/**
 * @throws ConfigError with the numbers where the prediction is more than there is
 */
export function checkFits(prediction: MemoryPrediction, available: number): void {
  if (prediction.total <= available) return;
  throw new ConfigError(
    `the run needs about ${shown(prediction.total)}, ${shown(available)} are free: ${partsOf(prediction)}; ` +
      'take weights stored in bf16 (half the bytes) or in 4 bits (psoft quantize), a smaller --micro-batch-size, --recompute, or a machine with more memory',
  );
}

/** "weights 6.4 GB, activations 3.0 GB, ...", the largest first. */
export function partsOf({ total: _, ...parts }: MemoryPrediction): string {
  return Object.entries(parts)
    .filter(([, bytes]) => bytes > 0)
    .sort(([, a], [, b]) => b - a)
    .map(([name, bytes]) => `${name} ${shown(bytes)}`)
    .join(', ');
}

function shown(bytes: number): string {
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(0)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}
