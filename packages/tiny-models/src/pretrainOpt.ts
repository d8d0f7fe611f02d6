/**
 * Trains the tiny OPT's tokenizer, pre-trains the model on Moby-Dick and writes both in facebook/opt-125m's layout:
 * `nx run tiny-models:pretrain-opt`.
 */
import path from 'node:path';
import { parseArgs } from 'node:util';
import { loadTokenizer } from '@psoft/datasets';
import { RandomStream } from '@psoft/engine';
import { initialiseModel, modelFor } from '@psoft/models';
import { trainAll } from '@psoft/training';
import { checkpointFolder } from './checkpoints.ts';
import { readCorpus } from './corpus.ts';
import { trainOptTokenizer, writeOptTokenizer } from './optTokenizer.ts';
import { nextTokens, pretrain, saveCheckpoint } from './pretraining.ts';

/** The architecture of facebook/opt-125m at about an eight-hundredth of its size. */
const OPT_TINY = {
  model_type: 'opt',
  architectures: ['OPTForCausalLM'],
  vocab_size: 640,
  hidden_size: 64,
  word_embed_proj_dim: 64,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  ffn_dim: 256,
  max_position_embeddings: 256,
  activation_function: 'relu',
  do_layer_norm_before: true,
  dropout: 0.1,
  attention_dropout: 0,
  init_std: 0.02,
  tie_word_embeddings: true,
  pad_token_id: 1,
  bos_token_id: 2,
  eos_token_id: 2,
} as const;

const { values } = parseArgs({
  options: {
    steps: { type: 'string', default: '2000' },
    seed: { type: 'string', default: '1' },
    'batch-size': { type: 'string', default: '32' },
    length: { type: 'string', default: '64' },
    'learning-rate': { type: 'string', default: '4e-3' },
    threads: { type: 'string', default: '1' },
    out: { type: 'string', default: checkpointFolder('opt-tiny') },
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
const { seed, batchSize: rows, length, out } = options;

const chapters = (await readCorpus())
  .filter(({ name }) => name.startsWith('moby-dick/'))
  .map(({ sentences }) => sentences.join(' '));
await writeOptTokenizer(out, trainOptTokenizer(chapters, OPT_TINY.vocab_size));
const tokenizer = await loadTokenizer(out);
/** Every chapter begins with the token that begins a text, which also ends one. */
const tokens = Int32Array.from(
  chapters.flatMap((text) => [...tokenizer.encode(text, undefined, Number.POSITIVE_INFINITY)]),
);

/** Rows that begin as texts do, and go on from anywhere. */
function inputIds(at: number): Int32Array {
  const stream = RandomStream.from(seed, 'opt rows', String(at));
  const ids = new Int32Array(rows * length);
  for (let row = 0; row < rows; row++) {
    const start = stream.integer(tokens.length - length);
    ids.set(tokens.subarray(start, start + length), row * length);
    ids[row * length] = OPT_TINY.bos_token_id;
  }
  return ids;
}

const model = await trainAll(modelFor('causal-lm', OPT_TINY, initialiseModel('causal-lm', OPT_TINY, seed)));
const history = await pretrain(nextTokens(model, rows, length, inputIds), options);
const report = {
  ...options,
  out: undefined,
  tokens: tokens.length,
  finalLoss: history.at(-1)?.loss,
  history,
};
await saveCheckpoint(out, OPT_TINY, model.parameters, report);
