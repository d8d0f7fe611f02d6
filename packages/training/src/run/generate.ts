/** Texts continued by a finished run's model, or by a model as it is. Runs inside the computing process. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { PeftModel } from '@psoft/adapter';
import { loadTokenizer, type Tokenizer } from '@psoft/datasets';
import { openCheckpoint, type TrainableModel } from '@psoft/engine';
import { modelFor } from '@psoft/models';
import { Generator, type Strategy } from '../generate/index.ts';
import { encodePrompt, eosIdsOf } from '../generate/prompts.ts';
import { freeze } from '../trainable.ts';
import { ConfigError } from './config.ts';
import { type RunHooks, sourceHooks } from './execute.ts';
import { executionOptions } from './execution.ts';
import type { ExecutionOptions } from './protocol.ts';
import { loadRun } from './saved.ts';

export interface GenerateRequest extends ExecutionOptions {
  /** Of a finished run or the adapter in it; or of a model: config.json, weights, tokenizer. */
  readonly folder: string;
  /** The base model, where it has moved since training. */
  readonly modelFolder?: string;
  readonly prompts: readonly string[];
  readonly strategy: Strategy;
  readonly maxNewTokens: number;
  readonly batchSize: number;
}

export interface GeneratedText {
  /** What follows the prompt. */
  readonly text: string;
  readonly tokens: number;
  /** Whether the model ended it; otherwise it is cut off. */
  readonly finished: boolean;
}

export interface GenerateSummary {
  readonly status: 'completed' | 'cancelled';
  readonly texts: readonly GeneratedText[];
  readonly tokensPerSecond?: number;
}

/** Prompts are padded to a multiple of this, so that prompts of like lengths share a program. */
const PROMPT_STEP = 32;

export async function generateTexts(request: GenerateRequest, hooks: RunHooks): Promise<GenerateSummary> {
  const { prompts, strategy, maxNewTokens, batchSize } = request;
  const { model, tokenizer } = await openGenerative(request, hooks);
  const encoded = prompts.map((prompt) => encodePrompt(tokenizer, prompt));
  const lengths = new Set(encoded.map(({ length }) => Math.ceil(length / PROMPT_STEP) * PROMPT_STEP));
  const generator = new Generator(model, {
    strategy,
    maxNewTokens,
    batchSize: Math.min(batchSize, prompts.length),
    promptBuckets: [...lengths].sort((a, b) => a - b),
    eosIds: eosIdsOf(model.base.config, tokenizer),
    padId: tokenizer.padId,
    ...executionOptions(request),
  });
  try {
    const generations = await generator.generate(encoded, {
      onBatch: (done, total, tokensPerSecond) =>
        hooks.step({ step: done, totalSteps: total, loss: Number.NaN, tokensPerSecond }),
      shouldStop: () => hooks.shouldStop(),
    });
    if (encoded.some((_, i) => generations[i] === undefined)) return { status: 'cancelled', texts: [] };
    return {
      status: 'completed',
      texts: generations.map(({ ids, finished }) => ({
        text: tokenizer.decode(ids),
        tokens: ids.length,
        finished,
      })),
      tokensPerSecond: generator.tokensPerSecond,
    };
  } finally {
    await generator.dispose();
  }
}

/** @throws ConfigError for a folder that is neither, or whose model does not generate */
async function openGenerative(
  { folder, modelFolder }: GenerateRequest,
  hooks: RunHooks,
): Promise<{ model: TrainableModel; tokenizer: Tokenizer }> {
  const isModel = existsSync(path.join(folder, 'config.json'));
  if (isModel) {
    const { config, weights } = await openCheckpoint(folder);
    const model = modelFor('causal-lm', { ...config }, weights);
    return { model: await freeze(model), tokenizer: await loadTokenizer(folder) };
  }
  const { config, model, reader } = await loadRun(folder, sourceHooks(hooks), modelFolder);
  if (!/ForCausalLM$/.test(model.base.architecture))
    throw new ConfigError(
      `${folder} is a run of ${config.experiment}/${config.task}, whose ${model.base.architecture} does not generate text: psoft predict is for it`,
    );
  const merged = model instanceof PeftModel ? await freeze(await model.mergeAndUnload()) : model;
  return { model: merged, tokenizer: reader as Tokenizer };
}
