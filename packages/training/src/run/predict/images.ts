import { readFile } from 'node:fs/promises';
import {
  decodeImage,
  FittedImages,
  type ImageProcessor,
  imageEvaluationBatches,
  imageSpec,
  imagesInMemory,
  listImages,
  writePredictions,
} from '@psoft/datasets';
import { imageTokens } from '@psoft/models';
import { ConfigError } from '../config.ts';
import type { RunHooks } from '../execute.ts';
import type { SavedRun } from '../saved.ts';
import type { TaskDefinition } from '../tasks.ts';
import { generates, outputsOf, writeOutput } from './outputs.ts';
import type { ImageSource, PredictRequest, PredictSummary } from './request.ts';

export async function predictImages(
  run: SavedRun,
  definition: TaskDefinition,
  request: PredictRequest,
  from: ImageSource,
  hooks: RunHooks,
): Promise<PredictSummary> {
  if (definition.kind === 'instructions') throw generates(run.config.task);
  if (definition.kind !== 'images')
    throw new ConfigError(
      `the run's task, ${run.config.task}, reads text: give a file of texts with --input, not images`,
    );
  const start = performance.now();
  const processor = run.reader as ImageProcessor;
  const files = await listImages(from.inputs);
  const batchSize = Math.min(request.batchSize ?? run.config.training.batchSize, files.length);
  const tokens = imageTokens(run.model.base.config);
  const total = Math.ceil(files.length / batchSize);
  const groups = imageBatches(files, processor, { batchSize, tokens });
  const outputs = await outputsOf(run, request, groups, total, () => imageSpec(batchSize, processor), hooks);
  const text = writePredictions(outputs, from.outputFormat, definition.classes, files);
  return {
    rows: files.length,
    atMaxLength: 0,
    seconds: (performance.now() - start) / 1000,
    files: await writeOutput(text, from.output),
  };
}

/** A batch at a time is decoded and in memory; a folder may hold any number. */
async function* imageBatches(
  files: readonly string[],
  processor: ImageProcessor,
  options: { readonly batchSize: number; readonly tokens: number },
) {
  const { batchSize } = options;
  for (let at = 0; at < files.length; at += batchSize) {
    const some = files.slice(at, at + batchSize);
    const images = await Promise.all(
      some.map(async (file) => ({ image: await decodeImage(await readFile(file), file), label: -1 })),
    );
    yield imageEvaluationBatches(new FittedImages(imagesInMemory('images', images), processor), options);
  }
}
