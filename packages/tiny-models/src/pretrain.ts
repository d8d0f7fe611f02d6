/**
 * Pre-trains the tiny DeBERTa-v3 as a masked language model on public-domain English, with this project's own engine,
 * and writes it in Hugging Face's layout: `nx run tiny-models:pretrain`.
 */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { dropoutStep, type TrainableModel, writeFileAtomically, writeSafetensors } from '@psoft/engine';
import { crossEntropy, initialiseModel, modelFor } from '@psoft/models';
import {
  AdamW,
  clipGradient,
  compileTrainStep,
  createProgress,
  linearSchedule,
  ParameterVector,
  trainAll,
} from '@psoft/training';
import { checkpointFolder } from './checkpoints.ts';
import { DEBERTA_TINY } from './debertaTiny.ts';
import { maskedBatch, packCorpus } from './mlmData.ts';

const CHECKPOINT = checkpointFolder('deberta-tiny');

interface Options {
  readonly steps: number;
  readonly seed: number;
  readonly batchSize: number;
  readonly length: number;
  readonly learningRate: number;
  readonly out: string;
}

/** Of 100 consecutive steps: a single batch's loss is noise. */
const REPORT_EVERY = 100;

export async function pretrain(options: Options): Promise<void> {
  const { steps, seed, batchSize, length, learningRate, out } = options;
  const sequences = await packCorpus(CHECKPOINT, length);
  const config = { ...DEBERTA_TINY, vocab_size: sequences.vocabularySize };
  const model = await trainAll(modelFor('masked-lm', config, initialiseModel('masked-lm', config, seed)));
  const vector = new ParameterVector(model.parameters);
  const first = maskedBatch(sequences, seed, 0, batchSize);
  const step = await compileTrainStep(
    model,
    vector,
    (outputs, batch) => crossEntropy(outputs.logits!, batch.labels!),
    {
      inputIds: { shape: [batchSize, length], dtype: 'int32' },
      attentionMask: { shape: [batchSize, length], dtype: 'float32' },
      labelRows: { shape: [first.labelRows.length], dtype: 'int32' },
      labels: { shape: [first.labels.length], dtype: 'int32' },
    },
    // So small a network on so much text does not overfit: no dropout.
    { training: false },
  );
  const adamw = new AdamW(vector.size, { weightDecay: 0.01, beta2: 0.98 });
  const progress = createProgress({ stream: process.stderr, total: steps, label: 'pretrain' });
  let recent = 0;
  const history: { step: number; loss: number }[] = [];
  for (let at = 0; at < steps; at++) {
    const start = performance.now();
    const batch = maskedBatch(sequences, seed, at, batchSize);
    const { loss, gradient } = await step.run(vector.values, { ...batch }, dropoutStep(seed, at));
    if (!Number.isFinite(loss)) throw new Error(`loss is ${loss} at step ${at + 1}: lower --learning-rate`);
    clipGradient(gradient, 1);
    const factor = linearSchedule(at, Math.floor(0.06 * steps), steps);
    adamw.update(vector.values, gradient, vector.ranges, () => factor * learningRate);
    recent += loss;
    progress.update(at + 1, { loss, speed: (batchSize * length) / ((performance.now() - start) / 1000) });
    if ((at + 1) % REPORT_EVERY === 0) {
      history.push({ step: at + 1, loss: recent / REPORT_EVERY });
      progress.log(`step ${at + 1}: loss ${(recent / REPORT_EVERY).toFixed(3)}`);
      recent = 0;
    }
  }
  progress.done();
  vector.writeThrough();
  await save(out, config, model, { ...options, out: undefined, finalLoss: history.at(-1)?.loss, history });
}

/** Half precision: half the size in the repository, and it exercises that path of the engine every day. */
async function save(out: string, config: object, model: TrainableModel, report: object): Promise<void> {
  await mkdir(out, { recursive: true });
  const weights = new Map(
    model.parameters.map(({ name, shape, data }) => [name, { kind: 'data', shape, data }] as const),
  );
  await writeSafetensors(path.join(out, 'model.safetensors'), weights, {
    dtype: 'F16',
    metadata: { format: 'pt' },
  });
  await writeJson(path.join(out, 'config.json'), config);
  await writeJson(path.join(out, 'pretraining.json'), report);
}

function writeJson(file: string, value: object): Promise<void> {
  return writeFileAtomically(file, (handle) => handle.writeFile(`${JSON.stringify(value, null, 2)}\n`));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({
    options: {
      steps: { type: 'string', default: '2400' },
      seed: { type: 'string', default: '1' },
      'batch-size': { type: 'string', default: '64' },
      length: { type: 'string', default: '64' },
      'learning-rate': { type: 'string', default: '2e-3' },
      out: { type: 'string', default: CHECKPOINT },
    },
  });
  await pretrain({
    steps: Number(values.steps),
    seed: Number(values.seed),
    batchSize: Number(values['batch-size']),
    length: Number(values.length),
    learningRate: Number(values['learning-rate']),
    out: path.resolve(values.out),
  });
}
