/**
 * Batches of fixed shapes. Programs are compiled for a batch size and a few padded lengths ("buckets"), so a batch is
 * padded to the smallest bucket that holds its longest example, and a short last batch is filled with rows whose label
 * is -1, which the losses of @psoft/models do not count.
 * Examples are shuffled over the whole set and batched in that order: which examples meet in a batch does not depend
 * on their lengths, only how far the batch is padded does.
 */
import { RandomStream } from '@psoft/engine';
import type { EncodedExample } from './tokenise.ts';

export interface BatchOptions {
  readonly batchSize: number;
  /** Padded lengths in increasing order. */
  readonly buckets: readonly number[];
  readonly padId: number;
  /** "class" unless given. */
  readonly labels?: LabelKind;
}

/** What the loss compares with: a class, or a number. */
export type LabelKind = 'class' | 'score';

/** What a model reads of a batch. */
export type TextInputs = {
  /** [batchSize, bucket] */
  readonly inputIds: Int32Array;
  /** [batchSize, bucket]: 1 at tokens, 0 at padding. Rows of filling keep one token, so that no row is all padding. */
  readonly attentionMask: Float32Array;
};

/** With what the loss reads. */
export type LabelledInputs = TextInputs & {
  /** [batchSize]: classes, -1 for filling; or scores */
  readonly labels: Int32Array | Float32Array;
  /** [batchSize], with scores only: 1 at examples, 0 at filling */
  readonly present?: Float32Array;
};

export interface TextBatch<Inputs extends TextInputs = LabelledInputs> {
  readonly bucket: number;
  /** Made anew at each look: an epoch of a large set would not fit in memory. */
  readonly inputs: Inputs;
  readonly rows: number;
  readonly tokens: number;
  /** Places in the set. */
  readonly examples: Int32Array;
}

/** Shapes of what a model reads of a {@link TextBatch}, for a program. */
export function textSpec(batchSize: number, length: number) {
  return {
    inputIds: { shape: [batchSize, length], dtype: 'int32' },
    attentionMask: { shape: [batchSize, length], dtype: 'float32' },
  } as const;
}

/** {@link textSpec} with what the loss reads. */
export function labelledTextSpec(batchSize: number, length: number, labels: LabelKind = 'class') {
  const text = textSpec(batchSize, length);
  const [shape, dtype] = [[batchSize], 'float32'] as const;
  if (labels === 'class') return { ...text, labels: { shape, dtype: 'int32' } } as const;
  return { ...text, labels: { shape, dtype }, present: { shape, dtype } } as const;
}

/** Batches of one epoch in training order, decided by (seed, epoch). */
export function trainingBatches(
  examples: readonly EncodedExample[],
  seed: number,
  epoch: number,
  options: BatchOptions,
): TextBatch[] {
  const order = RandomStream.from(seed, 'order', String(epoch)).permutation(examples.length);
  return batchesOf(examples, order, options, (chosen, bucket) => ({
    ...textInputs(examples, chosen, bucket, options),
    ...labelInputs(examples, chosen, options),
  }));
}

/**
 * Batches for evaluation, without labels: every example once, sorted by length so that little is padding. `examples` of
 * each batch says which they are.
 */
export function evaluationBatches(
  examples: readonly EncodedExample[],
  options: BatchOptions,
): TextBatch<TextInputs>[] {
  const order = Int32Array.from(examples.keys()).sort(
    (a, b) => examples[a]!.ids.length - examples[b]!.ids.length || a - b,
  );
  return batchesOf(examples, order, options, (chosen, bucket) =>
    textInputs(examples, chosen, bucket, options),
  );
}

function batchesOf<Inputs extends TextInputs>(
  examples: readonly EncodedExample[],
  order: Int32Array,
  { batchSize, buckets }: BatchOptions,
  inputsOf: (chosen: Int32Array, bucket: number) => Inputs,
): TextBatch<Inputs>[] {
  const batches: TextBatch<Inputs>[] = [];
  for (let start = 0; start < order.length; start += batchSize) {
    const chosen = order.slice(start, start + batchSize);
    const lengths = Array.from(chosen, (i) => examples[i]!.ids.length);
    const longest = Math.max(1, ...lengths);
    const bucket = buckets.find((length) => length >= longest);
    if (bucket === undefined)
      throw new Error(
        `an example has ${longest} tokens, the longest bucket is ${buckets.at(-1)}: add a bucket or cut it`,
      );
    batches.push({
      bucket,
      get inputs() {
        return inputsOf(chosen, bucket);
      },
      rows: chosen.length,
      tokens: lengths.reduce((a, b) => a + b, 0),
      examples: chosen,
    });
  }
  return batches;
}

function textInputs(
  examples: readonly EncodedExample[],
  chosen: Int32Array,
  bucket: number,
  { batchSize, padId }: BatchOptions,
): TextInputs {
  const inputIds = new Int32Array(batchSize * bucket).fill(padId);
  const attentionMask = new Float32Array(batchSize * bucket);
  for (let row = 0; row < batchSize; row++) {
    const ids = row < chosen.length ? examples[chosen[row]!]!.ids : undefined;
    if (ids !== undefined) inputIds.set(ids, row * bucket);
    attentionMask.fill(1, row * bucket, row * bucket + (ids?.length ?? 1));
  }
  return { inputIds, attentionMask };
}

function labelInputs(
  examples: readonly EncodedExample[],
  chosen: Int32Array,
  { batchSize, labels: kind }: BatchOptions,
): Omit<LabelledInputs, keyof TextInputs> {
  const isScore = kind === 'score';
  const labels = isScore ? new Float32Array(batchSize) : new Int32Array(batchSize).fill(-1);
  for (const [row, i] of chosen.entries()) labels[row] = examples[i]!.label;
  return isScore ? { labels, present: new Float32Array(batchSize).fill(1, 0, chosen.length) } : { labels };
}
