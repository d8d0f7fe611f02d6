/** What is trained: an adapter of @psoft/adapter, the head alone, or every weight. */
import { getPeftModel, METHODS, methodNamed, type PeftModel } from '@psoft/adapter';
import type { Model, TrainableModel } from '@psoft/engine';
import type { Task } from '@psoft/models';
import { trainAll, trainHead } from '../trainable.ts';
import { BASE, ConfigError, type RunConfig } from './config.ts';

export interface PreparedMethod {
  readonly model: TrainableModel;
  /** Present when the method is an adapter: it can then be saved and loaded. */
  readonly peft?: PeftModel;
  /** Wall time of making what the adapter starts from; present with it. */
  readonly initialisationSeconds?: number;
}

/** What is trained without an adapter, for `psoft methods` and the experiments. */
export const PLAIN_METHODS = {
  /** What an adapter has to beat. */
  head: {
    title: 'Head only: pooler and classifier, everything pre-trained frozen',
    parameters: '0',
    prepare: trainHead,
  },
  full: {
    title: "Full fine-tuning: every weight, at the adapter's learning rate",
    parameters: 'n d, and biases, norms and embeddings',
    prepare: trainAll,
  },
} as const;

/**
 * The adapter's settings with every default filled in; empty for methods without an adapter.
 * @param task what the model is used for
 * @throws ConfigError for an unknown method, AdapterConfigError for settings that it does not take
 */
export function adapterConfigOf(config: RunConfig, task: Task): Readonly<Record<string, unknown>> {
  const chosen = chosenAdapter(config, task);
  // Through JSON: settings that were not made hold undefined, which a record cannot.
  return chosen === undefined ? {} : JSON.parse(JSON.stringify(chosen));
}

function chosenAdapter({ method, adapter }: RunConfig, task: Task) {
  if (Object.hasOwn(PLAIN_METHODS, method)) return undefined;
  if (method === BASE)
    throw new ConfigError('base trains nothing: it is the untuned model, for psoft evaluate --base');
  if (!Object.hasOwn(METHODS, method)) {
    const known = [...Object.keys(METHODS), ...Object.keys(PLAIN_METHODS)];
    throw new ConfigError(`unknown method "${method}"; known: ${known.join(', ')}`);
  }
  return methodNamed(method).configure({
    taskType: task === 'causal-lm' ? 'CAUSAL_LM' : 'SEQ_CLS',
    ...adapter,
  });
}

/**
 * The model of a run, ready to train.
 * @param seed decides random initial values
 * @throws as {@link adapterConfigOf}
 */
export async function prepareMethod(
  model: Model,
  config: RunConfig,
  task: Task,
  seed: number,
): Promise<PreparedMethod> {
  const chosen = chosenAdapter(config, task);
  if (chosen === undefined)
    return { model: await PLAIN_METHODS[config.method as keyof typeof PLAIN_METHODS].prepare(model) };
  const start = performance.now();
  const peft = await getPeftModel(model, chosen, { seed });
  return { model: peft, peft, initialisationSeconds: (performance.now() - start) / 1000 };
}
