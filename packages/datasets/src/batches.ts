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

export interface TextBatch {
  readonly bucket: number;
  readonly inputs: {
    /** [batchSize, bucket] */
    readonly inputIds: Int32Array;
    /** [batchSize, bucket]: 1 at tokens, 0 at padding. Rows of filling keep one token, so that no row is all padding. */
    readonly attentionMask: Float32Array;
    /** [batchSize]: classes, -1 for filling; or scores */
    readonly labels: Int32Array | Float32Array;
    /** [batchSize], with scores only: 1 at examples, 0 at filling */
    readonly present?: Float32Array;
  };
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
  return batchesOf(examples, order, options);
}

/**
 * Batches for evaluation: every example once, sorted by length so that little is padding. `examples` of each batch
 * says which they are.
 */
export function evaluationBatches(examples: readonly EncodedExample[], options: BatchOptions): TextBatch[] {
  const order = Int32Array.from(examples.keys()).sort(
    (a, b) => examples[a]!.ids.length - examples[b]!.ids.length || a - b,
  );
  return batchesOf(examples, order, options);
}

function batchesOf(
  examples: readonly EncodedExample[],
  order: Int32Array,
  options: BatchOptions,
): TextBatch[] {
  const batches: TextBatch[] = [];
  for (let start = 0; start < order.length; start += options.batchSize)
    batches.push(makeBatch(examples, order.slice(start, start + options.batchSize), options));
  return batches;
}

function makeBatch(
  examples: readonly EncodedExample[],
  chosen: Int32Array,
  options: BatchOptions,
): TextBatch {
  const { batchSize, buckets, padId } = options;
  const longest = chosen.reduce((max, i) => Math.max(max, examples[i]!.ids.length), 1);
  const bucket = buckets.find((length) => length >= longest);
  if (bucket === undefined)
    throw new Error(
      `an example has ${longest} tokens, the longest bucket is ${buckets.at(-1)}: add a bucket or cut it`,
    );
  const inputIds = new Int32Array(batchSize * bucket).fill(padId);
  const attentionMask = new Float32Array(batchSize * bucket);
  const isScore = options.labels === 'score';
  const labels = isScore ? new Float32Array(batchSize) : new Int32Array(batchSize).fill(-1);
  const present = new Float32Array(batchSize).fill(1, 0, chosen.length);
  let tokens = 0;
  for (let row = 0; row < batchSize; row++) {
    const example = row < chosen.length ? examples[chosen[row]!]! : undefined;
    const length = example?.ids.length ?? 1;
    attentionMask.fill(1, row * bucket, row * bucket + length);
    if (example === undefined) continue;
    inputIds.set(example.ids, row * bucket);
    labels[row] = example.label;
    tokens += length;
  }
  return {
    bucket,
    inputs: { inputIds, attentionMask, labels, ...(isScore ? { present } : {}) },
    rows: chosen.length,
    tokens,
    examples: chosen,
  };
}
