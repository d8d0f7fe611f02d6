/** Models and tokenizers by the name of a folder or of a repository on the Hugging Face Hub, as transformers' Auto classes. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import {
  fetchModel,
  type HubOptions,
  type ImageProcessor,
  loadImageProcessor,
  loadTokenizer,
  type Tokenizer,
} from '@psoft/datasets';
import { type Model, openCheckpoint, type WeightSource } from '@psoft/engine';
import { initialiseHeads, modelFor } from '@psoft/models';

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

export interface ClassifierOptions extends FromPretrainedOptions {
  /** Names of the classes, by number; left out for a single score. */
  readonly classes?: readonly string[];
  /** Decides the new head's weights. Default 1. */
  readonly seed?: number;
}

export const AutoModelForSequenceClassification = {
  /**
   * A text model with a new head of one output a class, or one output for scores.
   * @throws as {@link AutoModelForCausalLM}, and for a model that has no such head
   */
  fromPretrained(nameOrFolder: string, options: ClassifierOptions = {}): Promise<Model> {
    return withHead('sequence-classification', nameOrFolder, options);
  },
};

export const AutoModelForImageClassification = {
  /**
   * A vision model with a new head of one output a class.
   * @throws as {@link AutoModelForSequenceClassification}
   */
  fromPretrained(
    nameOrFolder: string,
    options: ClassifierOptions & Required<Pick<ClassifierOptions, 'classes'>>,
  ): Promise<Model> {
    return withHead('image-classification', nameOrFolder, options);
  },
};

/** The checkpoint's own classifier is of other classes, and stays where it is. */
async function withHead(
  task: 'sequence-classification' | 'image-classification',
  nameOrFolder: string,
  { classes, seed = 1, ...options }: ClassifierOptions,
): Promise<Model> {
  const opened = await openCheckpoint(await folderOf(nameOrFolder, options));
  const { id2label: _, label2id: __, ...rest } = opened.config;
  const config = { ...rest, num_labels: classes?.length ?? 1 };
  const weights = new Map<string, WeightSource>(
    [...opened.weights].filter(([name]) => !name.startsWith('classifier.')),
  );
  for (const [name, weight] of initialiseHeads(task, config, weights, seed)) weights.set(name, weight);
  return modelFor(task, config, weights);
}

export const AutoImageProcessor = {
  /**
   * How the model that it lies beside wants its images.
   * @throws HubError when it cannot be had; DataError when it cannot be read
   */
  async fromPretrained(nameOrFolder: string, options: FromPretrainedOptions = {}): Promise<ImageProcessor> {
    return loadImageProcessor(await folderOf(nameOrFolder, options));
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
