/** Batches of images of one size, for a vision model. A short last batch is filled with black images of label -1. */
import { RandomStream } from '@psoft/engine';
import type { ImageSplit } from './dataset.ts';
import type { ImageProcessor } from './processor.ts';

export interface ImageBatchOptions {
  readonly batchSize: number;
  /** Of the model, an image: patches and class token. */
  readonly tokens: number;
}

/** What a model reads of a batch. */
export type ImageInputs = {
  /** [batchSize, 3, height, width], normalised */
  readonly pixelValues: Float32Array;
};

/** With what the loss reads. */
export type LabelledImageInputs = ImageInputs & {
  /** [batchSize]: classes, -1 for filling */
  readonly labels: Int32Array;
};

export interface ImageBatch<Inputs extends ImageInputs = LabelledImageInputs> {
  /** There is one shape: its number of tokens. */
  readonly bucket: number;
  /** Made anew at each look: an epoch of a large set would not fit in memory. */
  readonly inputs: Inputs;
  readonly rows: number;
  readonly tokens: number;
  /** Places in the set. */
  readonly examples: Int32Array;
}

type Size = Pick<ImageProcessor, 'width' | 'height'>;

/** Shapes of what a model reads of an {@link ImageBatch}, for a program. */
export function imageSpec(batchSize: number, { width, height }: Size) {
  return { pixelValues: { shape: [batchSize, 3, height, width], dtype: 'float32' } } as const;
}

/** {@link imageSpec} with what the loss reads. */
export function labelledImageSpec(batchSize: number, size: Size) {
  return { ...imageSpec(batchSize, size), labels: { shape: [batchSize], dtype: 'int32' } } as const;
}

/** Fitted bytes up to this many are kept: VTAB-1K's 1,000 images of 224 x 224 take 151 MB. */
const MEMORY_LIMIT = 400e6;

/** Images of a split at the model's size. Small splits are fitted once and kept, others whenever they are read. */
export class FittedImages {
  readonly labels: Int32Array;
  readonly #kept: (Uint8Array | undefined)[] | undefined;

  constructor(
    private readonly split: ImageSplit,
    readonly processor: ImageProcessor,
    memoryLimit = MEMORY_LIMIT,
  ) {
    this.labels = split.labels;
    const bytes = split.labels.length * 3 * processor.width * processor.height;
    this.#kept = bytes <= memoryLimit ? new Array(split.labels.length) : undefined;
  }

  /** [batchSize, 3, height, width] of the chosen images. */
  read(chosen: Int32Array, batchSize: number): Float32Array {
    const { width, height } = this.processor;
    const size = 3 * width * height;
    const pixels = new Float32Array(batchSize * size);
    for (const [row, index] of chosen.entries())
      this.processor.normalise(this.#fitted(index), pixels, row * size);
    return pixels;
  }

  #fitted(index: number): Uint8Array {
    const kept = this.#kept?.[index];
    if (kept !== undefined) return kept;
    const bytes = this.processor.fit(this.split.image(index));
    if (this.#kept !== undefined) this.#kept[index] = bytes;
    return bytes;
  }
}

/** Batches of one epoch in training order, decided by (seed, epoch). */
export function imageTrainingBatches(
  images: FittedImages,
  seed: number,
  epoch: number,
  options: ImageBatchOptions,
): ImageBatch[] {
  const { batchSize } = options;
  const order = RandomStream.from(seed, 'order', String(epoch)).permutation(images.labels.length);
  return batchesOf(order, options, (chosen) => {
    const labels = new Int32Array(batchSize).fill(-1);
    for (const [row, index] of chosen.entries()) labels[row] = images.labels[index]!;
    return { pixelValues: images.read(chosen, batchSize), labels };
  });
}

/** Batches for evaluation, without labels: every image once, in order. */
export function imageEvaluationBatches(
  images: FittedImages,
  options: ImageBatchOptions,
): ImageBatch<ImageInputs>[] {
  return batchesOf(Int32Array.from(images.labels.keys()), options, (chosen) => ({
    pixelValues: images.read(chosen, options.batchSize),
  }));
}

function batchesOf<Inputs extends ImageInputs>(
  order: Int32Array,
  { batchSize, tokens }: ImageBatchOptions,
  inputsOf: (chosen: Int32Array) => Inputs,
): ImageBatch<Inputs>[] {
  return Array.from({ length: Math.ceil(order.length / batchSize) }, (_, at) => {
    const chosen = order.slice(at * batchSize, (at + 1) * batchSize);
    return {
      bucket: tokens,
      get inputs() {
        return inputsOf(chosen);
      },
      rows: chosen.length,
      tokens: chosen.length * tokens,
      examples: chosen,
    };
  });
}
