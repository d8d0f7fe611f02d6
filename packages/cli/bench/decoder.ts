/**
 * `nx run math:bench`: a training step and greedy generation of a Llama on the CPU. Without --model-dir the model has
 * the shape of SmolLM2-135M and random weights, left in --folder so that tools/reference/decoder_speed.py can run the
 * same one with transformers and PEFT.
 */
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { getPeftModel, methodNamed } from '@psoft/adapter';
import { dropoutStep, openCheckpoint, writeSafetensors } from '@psoft/engine';
import { initialiseModel, modelFor } from '@psoft/models';
import { peakMemoryBytes } from '@psoft/results';
import { AdamW, compileTrainStep, freeze, Generator, ParameterVector } from '@psoft/training';
import { best, gigabytes, timed } from './base.ts';

const SMOLLM2 = {
  model_type: 'llama',
  architectures: ['LlamaForCausalLM'],
  vocab_size: 49152,
  hidden_size: 576,
  intermediate_size: 1536,
  num_hidden_layers: 30,
  num_attention_heads: 9,
  num_key_value_heads: 3,
  max_position_embeddings: 2048,
  rms_norm_eps: 1e-5,
  rope_theta: 100000,
  tie_word_embeddings: true,
  pad_token_id: 0,
  bos_token_id: 1,
  eos_token_id: 2,
} as const;

const { values } = parseArgs({
  options: {
    'model-dir': { type: 'string' },
    folder: { type: 'string', default: path.join(os.tmpdir(), 'psoft-decoder-bench') },
    rank: { type: 'string', default: '64' },
    batch: { type: 'string', default: '4' },
    length: { type: 'string', default: '128' },
    steps: { type: 'string', default: '4' },
    'generation-batches': { type: 'string', default: '1,16' },
    prompt: { type: 'string', default: '64' },
    'new-tokens': { type: 'string', default: '64' },
    threads: { type: 'string' },
  },
});
const number = (text: string) => {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new Error(`sizes must be whole numbers of at least 1, got "${text}"`);
  return value;
};
const threads = values.threads === undefined ? {} : { threads: number(values.threads) };
const folder = values['model-dir'] ?? (await randomModel(values.folder));
const { config, weights } = await openCheckpoint(folder);
const model = modelFor('causal-lm', { ...config }, weights);
process.stdout.write(`model: ${folder}\n`);

await trainingSpeed();
for (const batch of values['generation-batches'].split(',').map(number)) await generationSpeed(batch);

async function randomModel(target: string): Promise<string> {
  if (existsSync(path.join(target, 'config.json'))) return target;
  await mkdir(target, { recursive: true });
  await writeSafetensors(path.join(target, 'model.safetensors'), initialiseModel('causal-lm', SMOLLM2, 1), {
    metadata: { format: 'pt' },
  });
  // Last: a folder with it is whole.
  await writeFile(path.join(target, 'config.json'), `${JSON.stringify(SMOLLM2, null, 2)}\n`);
  return target;
}

/** Tokens that any vocabulary of more than 1,000 has. */
function tokens(count: number): Int32Array {
  return Int32Array.from({ length: count }, (_, i) => 3 + ((i * 7919) % 997));
}

async function trainingSpeed(): Promise<void> {
  const [rank, batch, length] = [number(values.rank), number(values.batch), number(values.length)];
  const start = performance.now();
  const adapter = methodNamed('psoft').configure({
    taskType: 'CAUSAL_LM',
    r: rank,
    psoftAlpha: rank,
    psoftSvd: 'lowrank',
    targetModules: 'all-linear',
    useCayleyNeumann: true,
  });
  const peft = await getPeftModel(model, adapter);
  const initialised = performance.now();
  const vector = new ParameterVector(peft.parameters);
  const shape = [batch, length];
  const step = await compileTrainStep(
    peft,
    vector,
    (outputs) => outputs.loss!,
    {
      inputIds: { shape, dtype: 'int32' },
      labels: { shape, dtype: 'int32' },
      lossScale: { shape: [], dtype: 'float32' },
    },
    threads,
  );
  const compiled = performance.now();
  const ids = tokens(batch * length);
  const lossScale = Float32Array.of(1 / (batch * (length - 1)));
  const adamw = new AdamW(vector.size);
  const losses: number[] = [];
  const update = async (i: number) => {
    const { loss, gradient } = await step.run(
      vector.values,
      { inputIds: ids, labels: ids, lossScale },
      dropoutStep(1, i),
    );
    adamw.update(vector.values, gradient, vector.ranges, () => 1e-4);
    losses.push(loss);
  };
  await update(0);
  const times = await timed(number(values.steps), (i) => update(i + 1));
  await step.program.dispose();
  process.stdout.write(
    `PSOFT r=${rank}, ${batch} x ${length} tokens: ${best(times).toFixed(0)} ms a step, ` +
      `losses ${losses
        .slice(0, 3)
        .map((loss) => loss.toFixed(5))
        .join(' ')}; ` +
      `initialised in ${((initialised - start) / 1000).toFixed(1)} s, compiled in ${((compiled - initialised) / 1000).toFixed(1)} s, ` +
      `${step.program.stats.onnxNodes} nodes, peak ${gigabytes(peakMemoryBytes())}\n`,
  );
}

async function generationSpeed(batch: number): Promise<void> {
  const [length, maxNewTokens] = [number(values.prompt), number(values['new-tokens'])];
  const generator = new Generator(await freeze(model), {
    strategy: { kind: 'greedy' },
    maxNewTokens,
    // Never said: every sequence takes all its tokens.
    eosIds: [-1],
    padId: 0,
    batchSize: batch,
    promptBuckets: [length],
    ...threads,
  });
  const prompts = Array.from({ length: batch }, (_, row) =>
    tokens(length).map((id) => 3 + ((id + row) % 997)),
  );
  await generator.generate(prompts);
  const times = await timed(3, () => generator.generate(prompts));
  await generator.dispose();
  const speed = (batch * maxNewTokens) / (best(times) / 1000);
  process.stdout.write(
    `generation, batch ${batch}, ${length} + ${maxNewTokens} tokens: ${speed.toFixed(0)} tokens/s, peak ${gigabytes(peakMemoryBytes())}\n`,
  );
}
