/** Models and tokenizers by the name of a folder or of a repository on the Hugging Face Hub, as transformers' Auto classes. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fetchModel, type HubOptions, loadTokenizer, type Tokenizer } from '@psoft/datasets';
import { type Model, openCheckpoint } from '@psoft/engine';
import { modelFor } from '@psoft/models';

export interface FromPretrainedOptions
  extends Pick<HubOptions, 'onNote' | 'onProgress' | 'environment' | 'signal'> {
  /** Branch, tag or commit of a repository on the Hub. */
  readonly revision?: string;
}

export const AutoModelForCausalLM = {
  /**
   * A language model to adapt and generate with: config.json and weights of a folder, or from the Hub by its cache.
   * @throws HubError when it cannot be had; ModelConfigError or ModelWeightsError when it cannot be used
   */
  async fromPretrained(nameOrFolder: string, options: FromPretrainedOptions = {}): Promise<Model> {
    const { config, weights } = await openCheckpoint(await folderOf(nameOrFolder, options));
    return modelFor('causal-lm', config, weights);
  },
};

export const AutoTokenizer = {
  /**
   * The tokenizer that lies beside a model.
   * @throws HubError when it cannot be had; DataError when it cannot be read
   */
  async fromPretrained(nameOrFolder: string, options: FromPretrainedOptions = {}): Promise<Tokenizer> {
    return loadTokenizer(await folderOf(nameOrFolder, options));
  },
};

async function folderOf(nameOrFolder: string, options: FromPretrainedOptions): Promise<string> {
  if (existsSync(nameOrFolder)) return path.resolve(nameOrFolder);
  const { revision, ...hub } = options;
  const model = { name: nameOrFolder, ...(revision === undefined ? {} : { revision }) };
  return (await fetchModel(model, hub)).folder;
}
