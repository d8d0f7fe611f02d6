/** Fine-tuning for classes or scores in one call, on texts or images, after transformers' Trainer. */
import {
  encodeExamples,
  FittedImages,
  type ImageProcessor,
  type ImageSplit,
  type LabelledTexts,
  type MetricName,
  type Tokenizer,
} from '@psoft/datasets';
import type { CompileOptions, TrainableModel } from '@psoft/engine';
import { imageTokens } from '@psoft/models';
import { Fit, type FitHooks, type FitResult, type FitTask } from '../fit.ts';
import type { ScheduleName } from '../optimiser.ts';
import { imageFitTask } from '../run/kinds/images.ts';
import { textFitTask } from '../run/kinds/text.ts';
import { bucketsOf, checkCounts } from './buckets.ts';

/** Names and defaults are those of transformers' TrainingArguments. */
export interface ClassificationSettings extends CompileOptions {
  /** What is trained: an adapted model, its head included. Its parameters are changed in place. */
  readonly model: TrainableModel;
  /** Default 3. */
  readonly epochs?: number;
  /** Examples of one update. Default 8. */
  readonly batchSize?: number;
  /** Of the adapter. Default 5e-5. Adapters as small as PSOFT's learn faster with a rate near 1e-3. */
  readonly learningRate?: number;
  /** Of the new head; default the adapter's. */
  readonly headLearningRate?: number;
  /** Default 0. */
  readonly weightDecay?: number;
  /** Share of the steps. Default 0. */
  readonly warmupRatio?: number;
  /** How the rates fall after the warm-up. Default linear. */
  readonly schedule?: ScheduleName;
  /** Gradients are scaled to at most this norm. Default 1. */
  readonly maxGradNorm?: number;
  /**
   * What is measured on the validation set after each epoch; the best epoch is kept. Default accuracy, of scores Pearson's
   * correlation. Without a validation set the last epoch is kept.
   */
  readonly metric?: MetricName;
  /** Decides the order of the examples and the dropout. Default 42. */
  readonly seed?: number;
}

export interface TextClassificationOptions extends ClassificationSettings {
  readonly tokenizer: Tokenizer;
  readonly train: LabelledTexts;
  /** Of the same classes. */
  readonly validation?: LabelledTexts;
  /** Tokens of an input at most; more are cut off. Default 512. */
  readonly maxLength?: number;
}

/** Shorter texts cost no more: a program a length is compiled. */
const FIRST_BUCKET = 16;

/** Classes or scores of texts, or of pairs of texts. */
export class ClassificationTrainer {
  readonly #options: TextClassificationOptions;

  constructor(options: TextClassificationOptions) {
    this.#options = options;
  }

  /**
   * Trains to the end and leaves the best epoch in the model.
   * @param hooks told of every step and epoch; may stop the training
   * @throws Error for settings and sets that do not fit each other, NonFiniteError for a loss that is no number
   */
  async train(hooks: FitHooks = {}): Promise<FitResult> {
    const { tokenizer, train, validation, maxLength = 512, ...settings } = this.#options;
    const { batchSize = 8, seed = 42 } = settings;
    const { classes } = train;
    checkCounts({ maxLength, batchSize });
    if (validation !== undefined && validation.classes?.join('\n') !== classes?.join('\n'))
      throw new Error(
        `${validation.source} has ${classList(validation.classes)}, ${train.source} ${classList(classes)}: load it with the classes of the training set`,
      );
    const named = { train, ...(validation === undefined ? {} : { validation }) };
    const encoded = new Map(
      Object.entries(named).map(([name, { examples }]) => [
        name,
        encodeExamples(tokenizer, examples, maxLength),
      ]),
    );
    const lengths = [...encoded.values()].flat().map(({ ids }) => ids.length);
    const metric = settings.metric ?? (classes === undefined ? 'pearson' : 'accuracy');
    const task = textFitTask(
      { ...(classes === undefined ? {} : { classes }), metrics: [metric] },
      encoded,
      { batchSize, buckets: bucketsOf(lengths, FIRST_BUCKET), padId: tokenizer.padId },
      seed,
    );
    return fitClassifier(task, metric, validation !== undefined, settings, hooks);
  }
}

export interface ImageClassificationOptions extends ClassificationSettings {
  readonly processor: ImageProcessor;
  /** By number. */
  readonly classes: readonly string[];
  readonly train: ImageSplit;
  readonly validation?: ImageSplit;
}

/** Classes of images. */
export class ImageClassificationTrainer {
  readonly #options: ImageClassificationOptions;

  constructor(options: ImageClassificationOptions) {
    this.#options = options;
  }

  /** As {@link ClassificationTrainer}. */
  async train(hooks: FitHooks = {}): Promise<FitResult> {
    const { processor, classes, train, validation, ...settings } = this.#options;
    const { batchSize = 8, metric = 'accuracy', seed = 42 } = settings;
    checkCounts({ batchSize });
    const named = { train, ...(validation === undefined ? {} : { validation }) };
    for (const { source, labels } of Object.values(named))
      if (labels.some((label) => label >= classes.length))
        throw new Error(`${source} has more classes than ${classList(classes)}`);
    const fitted = new Map(
      Object.entries(named).map(([name, split]) => [name, new FittedImages(split, processor)]),
    );
    const tokens = imageTokens(settings.model.base.config);
    const task = imageFitTask({ classes, metrics: [metric] }, fitted, processor, { batchSize, tokens }, seed);
    return fitClassifier(task, metric, validation !== undefined, settings, hooks);
  }
}

async function fitClassifier(
  task: FitTask,
  metric: MetricName,
  isValidated: boolean,
  settings: ClassificationSettings,
  hooks: FitHooks,
): Promise<FitResult> {
  const {
    model,
    epochs = 3,
    batchSize: _,
    metric: __,
    learningRate = 5e-5,
    headLearningRate = learningRate,
    weightDecay = 0,
    warmupRatio = 0,
    schedule = 'linear',
    maxGradNorm = 1,
    seed = 42,
    ...compileOptions
  } = settings;
  checkCounts({ epochs });
  const fit = new Fit(
    model,
    task,
    {
      epochs,
      learningRate,
      headLearningRate,
      weightDecay,
      warmupRatio,
      schedule,
      maxGradNorm,
      dropoutSeed: seed,
      ...(isValidated ? { selection: { split: 'validation', metric } } : {}),
    },
    compileOptions,
  );
  try {
    return await fit.run(hooks);
  } finally {
    await fit.dispose();
  }
}

const classList = (classes: readonly string[] | undefined) =>
  classes === undefined ? 'scores' : `the classes ${classes.join(', ')}`;
