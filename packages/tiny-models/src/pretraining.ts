/** The loop that the tiny models are pre-trained with, on this project's own engine, and the files it leaves. */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { instructionSpec } from '@psoft/datasets';
import {
  dropoutStep,
  type TrainableModel,
  type TypedArray,
  writeFileAtomically,
  writeSafetensors,
} from '@psoft/engine';
import {
  AdamW,
  type BatchSpec,
  clipGradient,
  compileTrainStep,
  createProgress,
  type LossFunction,
  linearSchedule,
  ParameterVector,
} from '@psoft/training';

export interface PretrainingOptions {
  readonly steps: number;
  readonly seed: number;
  readonly batchSize: number;
  readonly learningRate: number;
  /** Default: one for each core. */
  readonly threads?: number;
  /** Folder of the checkpoint. */
  readonly out: string;
}

export interface PretrainingTask {
  readonly model: TrainableModel;
  readonly spec: BatchSpec;
  /** The same for the same step. */
  batch(at: number): Readonly<Record<string, TypedArray>>;
  readonly loss: LossFunction;
  /** Tokens or images of a batch, for the progress bar. */
  readonly units: number;
}

/**
 * The task of a causal language model: rows of a text, each token told by those before it.
 * @param rowsOf the rows of a step, int32 [rows, length]
 */
export function nextTokens(
  model: TrainableModel,
  rows: number,
  length: number,
  rowsOf: (at: number) => Int32Array,
): PretrainingTask {
  // A row's first token stands after nothing.
  const lossScale = Float32Array.of(1 / (rows * (length - 1)));
  return {
    model,
    spec: instructionSpec(rows, length),
    batch: (at) => {
      const inputIds = rowsOf(at);
      return { inputIds, labels: inputIds, lossScale };
    },
    loss: ({ loss }) => loss!,
    units: rows * length,
  };
}

/** Mean loss of the steps since the last one. */
type History = { readonly step: number; readonly loss: number }[];

/** Of consecutive steps: a single batch's loss is noise. */
const REPORT_EVERY = 100;

/**
 * AdamW with a linear schedule, weight decay 0.01; no dropout: so small a network on so much data does not overfit.
 * The trained values are left in the model.
 */
export async function pretrain(task: PretrainingTask, options: PretrainingOptions): Promise<History> {
  const { steps, seed, learningRate } = options;
  const vector = new ParameterVector(task.model.parameters);
  const step = await compileTrainStep(task.model, vector, task.loss, task.spec, {
    training: false,
    ...(options.threads === undefined ? {} : { threads: options.threads }),
  });
  const adamw = new AdamW(vector.size, { weightDecay: 0.01, beta2: 0.98 });
  const progress = createProgress({ stream: process.stderr, total: steps, label: 'pretrain' });
  let recent = 0;
  const history: History = [];
  for (let at = 0; at < steps; at++) {
    const start = performance.now();
    const { loss, gradient } = await step.run(vector.values, { ...task.batch(at) }, dropoutStep(seed, at));
    if (!Number.isFinite(loss)) throw new Error(`loss is ${loss} at step ${at + 1}: lower --learning-rate`);
    clipGradient(gradient, 1);
    const factor = linearSchedule(at, Math.floor(0.06 * steps), steps);
    adamw.update(vector.values, gradient, vector.ranges, () => factor * learningRate);
    recent += loss;
    progress.update(at + 1, { loss, speed: task.units / ((performance.now() - start) / 1000) });
    if ((at + 1) % REPORT_EVERY === 0) {
      history.push({ step: at + 1, loss: recent / REPORT_EVERY });
      progress.log(`step ${at + 1}: loss ${(recent / REPORT_EVERY).toFixed(3)}`);
      recent = 0;
    }
  }
  progress.done();
  vector.writeThrough();
  await step.program.dispose();
  return history;
}

/** Half precision: half the size in the repository, and it exercises that path of the engine every day. */
export async function saveCheckpoint(
  out: string,
  config: object,
  parameters: TrainableModel['parameters'],
  report: object,
): Promise<void> {
  await mkdir(out, { recursive: true });
  const weights = new Map(
    parameters.map(({ name, shape, data }) => [name, { kind: 'data', shape, data }] as const),
  );
  await writeSafetensors(path.join(out, 'model.safetensors'), weights, {
    dtype: 'F16',
    metadata: { format: 'pt' },
  });
  await writeJson(path.join(out, 'config.json'), config);
  await writeJson(path.join(out, 'pretraining.json'), report);
}

export function writeJson(file: string, value: object): Promise<void> {
  return writeFileAtomically(file, (handle) => handle.writeFile(`${JSON.stringify(value, null, 2)}\n`));
}
