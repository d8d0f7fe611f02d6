/** What a classifier says of new texts. */
import {
  encodeExamples,
  evaluationBatches,
  type TextExample,
  type Tokenizer,
  textSpec,
} from '@psoft/datasets';
import type { CompileOptions, Model, TrainableModel } from '@psoft/engine';
import { Evaluator } from '../evaluator.ts';
import { ParameterVector } from '../parameters.ts';
import { freeze } from '../trainable.ts';
import { bucketsOf } from './buckets.ts';

export interface ClassifyOptions extends CompileOptions {
  readonly tokenizer: Tokenizer;
  /** Names by number; without them the model's one output is a score. */
  readonly classes?: readonly string[];
  /** Default 512, as in training. */
  readonly maxLength?: number;
  /** Default 8. */
  readonly batchSize?: number;
}

export interface Prediction {
  /** The most probable class, the first of equals. Of scores, the score. */
  readonly label: string | number;
  /** By class, in sum 1; absent for scores. */
  readonly probabilities?: Readonly<Record<string, number>>;
}

/**
 * @param texts or pairs of texts
 * @returns in their order
 */
export async function classifyTexts(
  model: Model | TrainableModel,
  texts: readonly (string | readonly [string, string])[],
  { tokenizer, classes, maxLength = 512, batchSize = 8, ...options }: ClassifyOptions,
): Promise<Prediction[]> {
  if (texts.length === 0) return [];
  const examples = texts.map((text): TextExample => {
    const [first, textPair] = typeof text === 'string' ? [text] : text;
    return { text: first!, ...(textPair === undefined ? {} : { textPair }), label: -1 };
  });
  const encoded = encodeExamples(tokenizer, examples, maxLength);
  const buckets = bucketsOf(
    encoded.map(({ ids }) => ids.length),
    16,
  );
  const trainable = 'base' in model ? model : await freeze(model);
  const evaluator = new Evaluator(trainable, new ParameterVector(trainable.parameters), options);
  try {
    const batches = evaluationBatches(encoded, { batchSize, buckets, padId: tokenizer.padId });
    const outputs = await evaluator.predict(batches, (bucket) => textSpec(batchSize, bucket));
    return outputs.map((logits) => predictionFrom(logits, classes));
  } finally {
    await evaluator.dispose();
  }
}

function predictionFrom(logits: Float32Array, classes: readonly string[] | undefined): Prediction {
  if (classes === undefined) return { label: logits[0]! };
  if (classes.length !== logits.length)
    throw new Error(`the model tells ${logits.length} classes apart, ${classes.length} names were given`);
  const highest = Math.max(...logits);
  const exponentials = Array.from(logits, (value) => Math.exp(value - highest));
  const sum = exponentials.reduce((a, b) => a + b, 0);
  const probabilities = Object.fromEntries(classes.map((name, i) => [name, exponentials[i]! / sum]));
  return { label: classes[logits.indexOf(highest)]!, probabilities };
}
