/**
 * Pre-trains the tiny Llama on its corpus and writes it in Hugging Face's layout: `nx run tiny-models:pretrain-llama`.
 * Its tokenizer is there already: `nx run tiny-models:tokenizer-llama`.
 */
import path from 'node:path';
import { parseArgs } from 'node:util';
import { initialiseModel, modelFor } from '@psoft/models';
import { trainAll } from '@psoft/training';
import { BpeEncoder } from './bpe/encoder.ts';
import { checkpointFolder } from './checkpoints.ts';
import { readCorpus } from './corpus.ts';
import { corpusRows, LLAMA_MIX, LlamaCorpus } from './llamaCorpus.ts';
import { LLAMA_TINY } from './llamaTiny.ts';
import { nextTokens, pretrain, saveCheckpoint } from './pretraining.ts';

const CHECKPOINT = checkpointFolder('llama-tiny');

const { values } = parseArgs({
  options: {
    steps: { type: 'string', default: '3400' },
    seed: { type: 'string', default: '1' },
    'batch-size': { type: 'string', default: '14' },
    length: { type: 'string', default: '192' },
    'learning-rate': { type: 'string', default: '3e-3' },
    threads: { type: 'string', default: '1' },
    out: { type: 'string', default: CHECKPOINT },
  },
});
const options = {
  steps: Number(values.steps),
  seed: Number(values.seed),
  batchSize: Number(values['batch-size']),
  length: Number(values.length),
  learningRate: Number(values['learning-rate']),
  threads: Number(values.threads),
  out: path.resolve(values.out),
};
const { seed, batchSize: rows, length } = options;

const corpus = new LlamaCorpus(await readCorpus());
const encoder = await BpeEncoder.load(CHECKPOINT);
const config = {
  ...LLAMA_TINY,
  vocab_size: encoder.vocabSize,
  bos_token_id: encoder.beginId,
  eos_token_id: encoder.endId,
};
const model = await trainAll(modelFor('causal-lm', config, initialiseModel('causal-lm', config, seed)));
const history = await pretrain(
  nextTokens(model, rows, length, (at) => corpusRows(corpus, encoder, { seed, at, rows, length })),
  options,
);
const report = {
  ...options,
  out: undefined,
  mix: LLAMA_MIX,
  finalLoss: history.at(-1)?.loss,
  history,
};
await saveCheckpoint(options.out, config, model.parameters, report);
