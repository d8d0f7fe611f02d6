/**
 * Thousands of steps of the real loop at toy size: PSOFT on a small DeBERTa-v3, compiled for the CPU. On one thread: more
 * would wait for each other on a machine that does other work, and a step of a millisecond has nothing to share out.
 */
import { getPeftModel, PsoftConfig } from '@psoft/adapter';
import { labelledTextSpec, textSpec } from '@psoft/datasets';
import { RandomStream, type TrainableModel } from '@psoft/engine';
import { crossEntropy, initialiseModel, modelFor } from '@psoft/models';
import { type Batch, Fit, type FitTask } from '../../src/fit.ts';
import { CheckpointFile } from '../../src/run/checkpoint.ts';
import { type Window, Windows } from './measure.ts';

const WORDS = 60;
const ROWS = 4;
const BUCKETS = [8, 12] as const;
const BATCHES = 50;
/** Steps before the first that counts: by then each length has its program. */
const WARM_UP = 20;

const CONFIG = {
  ...{
    model_type: 'deberta-v2',
    vocab_size: WORDS,
    hidden_size: 16,
    num_hidden_layers: 1,
    num_attention_heads: 2,
  },
  ...{ intermediate_size: 32, max_position_embeddings: 32, position_buckets: 8, relative_attention: true },
  ...{
    norm_rel_ebd: 'layer_norm',
    share_att_key: true,
    pos_att_type: 'p2c|c2p',
    position_biased_input: false,
  },
  ...{ hidden_dropout_prob: 0.1, attention_probs_dropout_prob: 0.1, pooler_dropout: 0.1, num_labels: 2 },
};

async function model(): Promise<TrainableModel> {
  const weights = initialiseModel('sequence-classification', CONFIG, 1);
  const base = modelFor('sequence-classification', CONFIG, weights);
  const config = new PsoftConfig({ r: 4, psoftAlpha: 4, targetModules: 'all-linear', taskType: 'SEQ_CLS' });
  return getPeftModel(base, config);
}

/** The class is whether a text begins with a word of the first half. */
function batches(labelled: boolean): Batch[] {
  const rng = RandomStream.from(1, 'soak');
  return Array.from({ length: BATCHES }, (_, i) => {
    const bucket = BUCKETS[i % BUCKETS.length]!;
    const inputIds = Int32Array.from({ length: ROWS * bucket }, () => 1 + rng.integer(WORDS - 1));
    const labels = Int32Array.from({ length: ROWS }, (_, row) => Number(inputIds[row * bucket]! > WORDS / 2));
    const attentionMask = new Float32Array(ROWS * bucket).fill(1);
    return {
      bucket,
      inputs: { inputIds, attentionMask, ...(labelled ? { labels } : {}) },
      rows: ROWS,
      tokens: ROWS * bucket,
      examples: Int32Array.from({ length: ROWS }, (_, row) => ROWS * i + row),
    };
  });
}

export interface SoakOptions {
  readonly steps: number;
  /** Steps that are measured together. */
  readonly window: number;
  readonly evaluateEvery: number;
  readonly checkpointEvery: number;
  /** Where checkpoints are written. */
  readonly folder: string;
}

export interface SoakResult {
  readonly windows: readonly Window[];
  /** Programs that were compiled, each an ONNX Runtime session: two lengths to train, two to evaluate. */
  readonly sessions: number;
  readonly evaluations: number;
  readonly checkpoints: number;
  readonly lastLoss: number;
}

export async function soakTraining(options: SoakOptions): Promise<SoakResult> {
  const { steps, window, evaluateEvery, checkpointEvery, folder } = options;
  const [train, held] = [batches(true), batches(false)];
  const task: FitTask = {
    trainSpec: (bucket) => labelledTextSpec(ROWS, bucket),
    evaluationSpec: (bucket) => textSpec(ROWS, bucket),
    loss: (outputs, { labels }) => crossEntropy(outputs.logits!, labels!),
    trainBatches: () => train,
    evaluationBatches: () => held,
    metrics: (_, outputs) => ({
      positive: outputs.filter((row) => row[1]! > row[0]!).length / outputs.length,
    }),
  };
  const fit = new Fit(
    await model(),
    task,
    {
      epochs: Math.ceil((WARM_UP + steps) / BATCHES),
      maxSteps: WARM_UP + steps,
      evaluationSteps: evaluateEvery,
      ...{
        learningRate: 1e-3,
        headLearningRate: 1e-3,
        weightDecay: 0.01,
        warmupRatio: 0.1,
        maxGradNorm: 1,
        dropoutSeed: 1,
      },
      selection: { split: 'selection', metric: 'positive' },
    },
    { threads: 1 },
  );
  const key = { configHash: 'soak', executor: 'cpu', threads: 0, versions: '' };
  const checkpoint = new CheckpointFile(folder, key);
  const windows = new Windows(window);
  let [checkpoints, lastLoss, begun, isFull] = [0, Number.NaN, performance.now(), false];
  const result = await fit.run({
    onStep({ step, loss }) {
      lastLoss = loss;
      isFull = step > WARM_UP && windows.add(performance.now() - begun);
    },
    async onState(state) {
      const { step } = state();
      if (step % checkpointEvery === 0) {
        await checkpoint.write({ state: state(), seconds: 0, continued: 0 });
        checkpoints++;
      }
      if (step === WARM_UP) windows.start();
      if (isFull) await windows.close();
      [isFull, begun] = [false, performance.now()];
    },
  });
  await fit.dispose();
  return {
    windows: windows.all,
    sessions: result.programs.length,
    evaluations: result.rows.length,
    checkpoints,
    lastLoss,
  };
}
