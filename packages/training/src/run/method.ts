/** What is trained: an adapter of @psoft/adapter, or the head alone. */
import { getPeftModel, type PeftModel, PsoftConfig } from '@psoft/adapter';
import type { Model, TrainableModel } from '@psoft/engine';
import { trainHead } from '../trainable.ts';
import type { RunConfig } from './config.ts';
import { ConfigError } from './config.ts';

export interface PreparedMethod {
  readonly model: TrainableModel;
  /** Present when the method is an adapter: it can then be saved and loaded. */
  readonly peft?: PeftModel;
  /** The adapter's configuration with every default filled in. */
  readonly adapterConfig: Readonly<Record<string, unknown>>;
}

type Preparation = (model: Model, config: RunConfig, seed: number) => Promise<PreparedMethod>;

const METHODS: Readonly<Record<string, Preparation>> = {
  psoft: async (model, config, seed) => {
    const adapterConfig = new PsoftConfig({ taskType: 'SEQ_CLS', ...config.adapter });
    const peft = await getPeftModel(model, adapterConfig, { seed });
    // Through JSON: settings that were not made hold undefined, which a record cannot.
    return { model: peft, peft, adapterConfig: JSON.parse(JSON.stringify(adapterConfig)) };
  },
  /** Pooler and classifier only: what an adapter has to beat. */
  head: async (model) => ({ model: await trainHead(model), adapterConfig: {} }),
};

/** @throws ConfigError for an unknown method */
export function prepareMethod(model: Model, config: RunConfig, seed: number): Promise<PreparedMethod> {
  const prepare = METHODS[config.method];
  if (prepare === undefined)
    throw new ConfigError(`unknown method "${config.method}"; known: ${Object.keys(METHODS).join(', ')}`);
  return prepare(model, config, seed);
}
