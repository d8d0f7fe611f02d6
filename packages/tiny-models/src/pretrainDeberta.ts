/**
 * Pre-trains the tiny DeBERTa-v3 as a masked language model on public-domain English and writes it in Hugging Face's
 * layout: `nx run tiny-models:pretrain`.
 */
import path from 'node:path';
import { parseArgs } from 'node:util';
import { crossEntropy, initialiseModel, modelFor } from '@psoft/models';
import { trainAll } from '@psoft/training';
import { checkpointFolder } from './checkpoints.ts';
import { DEBERTA_TINY } from './debertaTiny.ts';
import { maskedBatch, packCorpus } from './mlmData.ts';
import { pretrain, saveCheckpoint } from './pretraining.ts';

const CHECKPOINT = checkpointFolder('deberta-tiny');

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
const options = {
  steps: Number(values.steps),
  seed: Number(values.seed),
  batchSize: Number(values['batch-size']),
  length: Number(values.length),
  learningRate: Number(values['learning-rate']),
  out: path.resolve(values.out),
};
const { seed, batchSize, length } = options;

const sequences = await packCorpus(CHECKPOINT, length);
const config = { ...DEBERTA_TINY, vocab_size: sequences.vocabularySize };
const model = await trainAll(modelFor('masked-lm', config, initialiseModel('masked-lm', config, seed)));
const first = maskedBatch(sequences, seed, 0, batchSize);
const history = await pretrain(
  {
    model,
    spec: {
      inputIds: { shape: [batchSize, length], dtype: 'int32' },
      attentionMask: { shape: [batchSize, length], dtype: 'float32' },
      labelRows: { shape: [first.labelRows.length], dtype: 'int32' },
      labels: { shape: [first.labels.length], dtype: 'int32' },
    },
    batch: (at) => ({ ...maskedBatch(sequences, seed, at, batchSize) }),
    loss: (outputs, { labels }) => crossEntropy(outputs.logits!, labels!),
    units: batchSize * length,
  },
  options,
);
const report = { ...options, out: undefined, finalLoss: history.at(-1)?.loss, history };
await saveCheckpoint(options.out, config, model.parameters, report);
