/** Batch after batch of generation with a small Llama: caches of keys and values come and go. */
import { RandomStream } from '@psoft/engine';
import { initialiseModel, modelFor } from '@psoft/models';
import { Generator, type Strategy } from '../../src/generate/index.ts';
import { freeze } from '../../src/trainable.ts';
import { type Window, Windows } from './measure.ts';

const WORDS = 64;
const ROWS = 4;
/** Batches before the first that counts: by then each length has its program. */
const WARM_UP = 10;
const CONFIG = {
  ...{
    model_type: 'llama',
    vocab_size: WORDS,
    hidden_size: 16,
    num_hidden_layers: 2,
    num_attention_heads: 2,
  },
  ...{ num_key_value_heads: 1, intermediate_size: 32, initializer_range: 0.3 },
};

export interface GenerationSoak {
  readonly windows: readonly Window[];
  readonly tokens: number;
}

/** @param batches of four prompts, each continued by up to 24 tokens */
export async function soakGeneration(
  batches: number,
  window: number,
  strategy: Strategy = { kind: 'greedy' },
): Promise<GenerationSoak> {
  const model = await freeze(modelFor('causal-lm', CONFIG, initialiseModel('causal-lm', CONFIG, 1)));
  const rng = RandomStream.from(1, 'soak');
  const generator = new Generator(model, {
    ...{
      strategy,
      maxNewTokens: 24,
      eosIds: [1],
      padId: 0,
      batchSize: ROWS,
      threads: 1,
      promptBuckets: [8, 16],
    },
  });
  const windows = new Windows(window);
  for (let i = -WARM_UP; i < batches; i++) {
    if (i === 0) windows.start();
    const prompts = Array.from({ length: ROWS }, () =>
      Int32Array.from({ length: 4 + rng.integer(i % 2 === 0 ? 4 : 12) }, () => 2 + rng.integer(WORDS - 2)),
    );
    const start = performance.now();
    await generator.generate(prompts);
    if (i >= 0 && windows.add(performance.now() - start)) await windows.close();
  }
  const { tokens } = generator;
  await generator.dispose();
  return { windows: windows.all, tokens };
}
