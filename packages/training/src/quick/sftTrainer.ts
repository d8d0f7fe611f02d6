/** Supervised fine-tuning on plain texts in one call, after TRL's SFTTrainer. */
import {
  encodeInstructions,
  type Instruction,
  instructionSpec,
  instructionTrainingBatches,
  type Tokenizer,
} from '@psoft/datasets';
import type { CompileOptions, TrainableModel } from '@psoft/engine';
import { Fit, type FitHooks, type FitResult } from '../fit.ts';
import type { ScheduleName } from '../optimiser.ts';
import { bucketsOf, checkCounts } from './buckets.ts';

export interface SftOptions extends CompileOptions {
  /** What is trained: an adapted model. Its parameters are changed in place. */
  readonly model: TrainableModel;
  readonly tokenizer: Tokenizer;
  /** Each is learnt from its first token to the end of text; or prompts with responses, which alone are learnt. */
  readonly texts: readonly (string | Instruction)[];
  /** Tokens of a text at most; more are cut off. Default 1024. */
  readonly maxLength?: number;
  /** Default 3. */
  readonly epochs?: number;
  /** Texts of one update. Default 8. */
  readonly batchSize?: number;
  /** Texts that are run at once; divides batchSize, which it is by default. */
  readonly microBatchSize?: number;
  /** Default 2e-5. Adapters as small as PSOFT's learn faster with a rate near 1e-3. */
  readonly learningRate?: number;
  /** Default 0. */
  readonly weightDecay?: number;
  /** Share of the steps. Default 0. */
  readonly warmupRatio?: number;
  /** How the rate falls after the warm-up. Default linear. */
  readonly schedule?: ScheduleName;
  /** Gradients are scaled to at most this norm. Default 1. */
  readonly maxGradNorm?: number;
  /** Decides the order of the texts and the dropout. Default 42, as in TRL. */
  readonly seed?: number;
}

export class SftTrainer {
  readonly #options: SftOptions;

  /** Defaults are those of TRL's SFTConfig. Settings are checked by {@link train}. */
  constructor(options: SftOptions) {
    this.#options = options;
  }

  /**
   * Trains to the end; the last parameters are left in the model.
   * @param hooks told of every step and epoch; may stop the training
   * @throws DataError for texts of which nothing can be learnt, NonFiniteError for a loss that is no number
   */
  async train(hooks: FitHooks = {}): Promise<FitResult> {
    const {
      model,
      tokenizer,
      texts,
      maxLength = 1024,
      epochs = 3,
      batchSize = 8,
      microBatchSize = batchSize,
      learningRate = 2e-5,
      weightDecay = 0,
      warmupRatio = 0,
      schedule = 'linear',
      maxGradNorm = 1,
      seed = 42,
      ...compileOptions
    } = this.#options;
    checkCounts({ maxLength, epochs, batchSize, microBatchSize });
    if (batchSize % microBatchSize !== 0)
      throw new Error(`microBatchSize ${microBatchSize} does not divide batchSize ${batchSize}`);
    const examples = texts.map((text) => (typeof text === 'string' ? { prompt: '', response: text } : text));
    const encoded = encodeInstructions(tokenizer, { source: 'texts', examples }, { maxLength });
    const buckets = bucketsOf(encoded.examples.map(({ ids }) => ids.length));
    const options = { batchSize, microBatchSize, buckets, padId: tokenizer.padId };
    const fit = new Fit(
      model,
      {
        trainSpec: (bucket) => instructionSpec(microBatchSize, bucket),
        evaluationSpec: (bucket) => instructionSpec(microBatchSize, bucket),
        loss: ({ loss }) => loss!,
        trainBatches: (epoch) => instructionTrainingBatches(encoded.examples, seed, epoch, options),
        evaluationBatches: () => [],
        metrics: () => ({}),
      },
      {
        epochs,
        learningRate,
        headLearningRate: learningRate,
        weightDecay,
        warmupRatio,
        schedule,
        maxGradNorm,
        dropoutSeed: seed,
      },
      compileOptions,
    );
    try {
      return await fit.run(hooks);
    } finally {
      await fit.dispose();
    }
  }
}
