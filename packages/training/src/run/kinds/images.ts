/** Image tasks: VTAB-1K's, on vision transformers with an image processor. */
import {
  FittedImages,
  generateImages,
  type ImageBatchOptions,
  type ImageProcessor,
  type ImageSplit,
  imageEvaluationBatches,
  imageSpec,
  imagesInMemory,
  imageTrainingBatches,
  joinImages,
  labelledImageSpec,
  loadImageProcessor,
  METRICS,
  readVtabFolder,
  readVtabFromHub,
  type VtabSplit,
} from '@psoft/datasets';
import { crossEntropy, imageTokens } from '@psoft/models';
import type { Batch, FitTask } from '../../fit.ts';
import type { ImageDefinition } from '../tasks.ts';
import {
  checkLabels,
  predictionOf,
  type ReadRequest,
  refuseInstructionSettings,
  refuseUrl,
  type TaskData,
  type TaskKind,
} from './kind.ts';

export interface ImageData extends TaskData {
  readonly named: { readonly train: ImageSplit; readonly selection: ImageSplit; readonly report: ImageSplit };
}

/** Seed of the generated pictures: part of the task, not of a run. */
const GENERATED_SEED = 2026;
/** As VTAB-1K has them, but for a test set that is small everywhere. */
const GENERATED_SIZES = { train: 800, validation: 200, test: 400 } as const;
const GENERATED_PIXELS = 32;

export const IMAGES: TaskKind<ImageDefinition, ImageData, ImageProcessor> = {
  modelTask: 'image-classification',
  isCutBySeed: false,

  async read(definition, request) {
    const { splits, revision } = await readSplits(definition, request);
    const { train, validation, test } = splits;
    const named = { train, selection: validation, report: test };
    for (const split of Object.values(named)) {
      checkLabels(split, definition);
      if (split.note !== undefined) request.hooks.onNote?.(split.note);
    }
    const infos = Object.entries(named).map(([name, { source, labels, fingerprint }]) => ({
      name,
      source,
      count: labels.length,
      fingerprint,
    }));
    return { named, infos, ...(revision === undefined ? {} : { revision }) };
  },

  openReader: loadImageProcessor,

  prepare(definition, { named, infos }, training, processor, model, seeds) {
    const { batchSize, trainOnValidation = false } = training;
    refuseInstructionSettings(training);
    const tokens = imageTokens(model.config);
    const train = trainOnValidation ? joinImages([named.train, named.selection]) : named.train;
    const fitted = new Map(
      Object.entries({ ...named, train }).map(([name, split]) => [name, new FittedImages(split, processor)]),
    );
    const fit = imageFitTask(definition, fitted, processor, { batchSize, tokens }, seeds.order);
    const labels = (split: string) => fitted.get(split)!.labels;
    return {
      definition,
      fit,
      splits: infos,
      // Nothing is left to choose by where all was trained on.
      ...(trainOnValidation ? {} : { selection: { split: 'selection', metric: definition.metrics[0] } }),
      reported: ['report'],
      atMaxLength: 0,
      labels,
    };
  },
};

/**
 * What the loop needs of images at the model's size.
 * @param fitted by name; "train" is trained on
 */
export function imageFitTask(
  definition: Pick<ImageDefinition, 'classes' | 'metrics'>,
  fitted: ReadonlyMap<string, FittedImages>,
  processor: ImageProcessor,
  options: ImageBatchOptions,
  orderSeed: number,
): FitTask {
  const { batchSize } = options;
  const evaluation = new Map<string, readonly Batch[]>();
  return {
    evaluationSpec: () => imageSpec(batchSize, processor),
    trainSpec: () => labelledImageSpec(batchSize, processor),
    loss: (outputs, batch) => crossEntropy(outputs.logits!, batch.labels!),
    trainBatches: (epoch) => imageTrainingBatches(fitted.get('train')!, orderSeed, epoch, options),
    evaluationBatches: (split) => {
      let batches = evaluation.get(split);
      if (batches === undefined) {
        batches = imageEvaluationBatches(fitted.get(split)!, options);
        evaluation.set(split, batches);
      }
      return batches;
    },
    metrics: (split, outputs) => {
      const predicted = outputs.map((logits) => predictionOf(definition, logits));
      const gold = fitted.get(split)!.labels;
      return Object.fromEntries(definition.metrics.map((name) => [name, METRICS[name](predicted, gold)]));
    },
  };
}

type Splits = Record<VtabSplit, ImageSplit>;

async function readSplits(
  { images, classes }: ImageDefinition,
  { config, modelFolder, hooks }: ReadRequest,
): Promise<{ splits: Splits; revision?: string }> {
  refuseUrl(config);
  const { dataFolder, dataHub } = config;
  if (dataFolder === undefined && dataHub === undefined) return { splits: generated(images) };
  const options = {
    ...hooks,
    processor: await loadImageProcessor(modelFolder),
    classCount: classes.length,
  };
  if (dataFolder === undefined) {
    const { splits, commit } = await readVtabFromHub(dataHub!, options);
    return { splits, revision: commit };
  }
  const read = (split: VtabSplit) => readVtabFolder(dataFolder, split, options);
  return {
    splits: {
      train: await read('train'),
      validation: await read('validation'),
      test: await read('test'),
    },
  };
}

function generated(task: ImageDefinition['images']): Splits {
  const splits = Object.entries(GENERATED_SIZES).map(([split, count]) => [
    split,
    imagesInMemory(
      `generated ${task}, seed ${GENERATED_SEED}, ${split}`,
      generateImages(task, GENERATED_SEED, split, count, GENERATED_PIXELS),
    ),
  ]);
  return Object.fromEntries(splits) as Splits;
}
