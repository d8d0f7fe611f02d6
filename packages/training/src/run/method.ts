/** What is trained: an adapter of @psoft/adapter, the head alone, or every weight. */
import { getPeftModel, METHODS, methodNamed, type PeftModel } from '@psoft/adapter';
import type { Model, TrainableModel } from '@psoft/engine';
import { trainAll, trainHead } from '../trainable.ts';
import { ConfigError, type RunConfig } from './config.ts';

export interface PreparedMethod {
  readonly model: TrainableModel;
  /** Present when the method is an adapter: it can then be saved and loaded. */
  readonly peft?: PeftModel;
  /** The adapter's configuration with every default filled in. */
  readonly adapterConfig: Readonly<Record<string, unknown>>;
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
 * The model of a run, ready to train.
 * @param seed decides random initial values
 * @throws ConfigError for an unknown method, AdapterConfigError for settings that it does not take
 */
export async function prepareMethod(model: Model, config: RunConfig, seed: number): Promise<PreparedMethod> {
  const { method, adapter } = config;
  if (Object.hasOwn(PLAIN_METHODS, method))
    return {
      model: await PLAIN_METHODS[method as keyof typeof PLAIN_METHODS].prepare(model),
      adapterConfig: {},
    };
  if (!Object.hasOwn(METHODS, method)) {
    const known = [...Object.keys(METHODS), ...Object.keys(PLAIN_METHODS)];
    throw new ConfigError(`unknown method "${method}"; known: ${known.join(', ')}`);
  }
  const adapterConfig = methodNamed(method).configure({ taskType: 'SEQ_CLS', ...adapter });
  const peft = await getPeftModel(model, adapterConfig, { seed });
  // Through JSON: settings that were not made hold undefined, which a record cannot.
  return { model: peft, peft, adapterConfig: JSON.parse(JSON.stringify(adapterConfig)) };
}
