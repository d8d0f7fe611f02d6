import type { Tokenizer } from '@psoft/datasets';
import type { CompileOptions, Model, TrainableModel } from '@psoft/engine';
import { Generator, type Strategy } from '../generate/index.ts';
import { encodePrompt, eosIdsOf } from '../generate/prompts.ts';
import { freeze } from '../trainable.ts';

export interface GenerateTextOptions extends CompileOptions {
  /** Default 20, as in transformers. */
  readonly maxNewTokens?: number;
  /** Default greedy. */
  readonly strategy?: Strategy;
}

/** Prompts are padded to a multiple of this. */
const PROMPT_STEP = 8;

/**
 * What a model says after a prompt, without the prompt. Compiles anew at each call: for many prompts, over some time,
 * use a {@link Generator}.
 * @param model adapted, or as it was pre-trained
 * @throws Error for settings that cannot be, and for a prompt without tokens
 */
export async function generateText(
  model: Model | TrainableModel,
  tokenizer: Tokenizer,
  prompt: string,
  { maxNewTokens = 20, strategy = { kind: 'greedy' }, ...options }: GenerateTextOptions = {},
): Promise<string> {
  const ids = encodePrompt(tokenizer, prompt);
  const trainable = 'base' in model ? model : await freeze(model);
  const generator = new Generator(trainable, {
    strategy,
    maxNewTokens,
    batchSize: 1,
    promptBuckets: [Math.ceil(ids.length / PROMPT_STEP) * PROMPT_STEP],
    eosIds: eosIdsOf(trainable.base.config, tokenizer),
    padId: tokenizer.padId,
    ...options,
  });
  try {
    const [said] = await generator.generate([ids]);
    return tokenizer.decode(said!.ids);
  } finally {
    await generator.dispose();
  }
}
