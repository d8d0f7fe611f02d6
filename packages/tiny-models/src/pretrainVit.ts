/**
 * Pre-trains the tiny ViT to tell generated figures, their colours and places, and writes it in Hugging Face's layout,
 * without the classifier: `nx run tiny-models:pretrain-vit`.
 */
import path from 'node:path';
import { parseArgs } from 'node:util';
import { imageProcessor, pretrainingImages } from '@psoft/datasets';
import { crossEntropy, initialiseModel, modelFor } from '@psoft/models';
import { isHeadWeight, trainAll } from '@psoft/training';
import { checkpointFolder } from './checkpoints.ts';
import { pretrain, saveCheckpoint, writeJson } from './pretraining.ts';
import { pretrainingConfig, VIT_TINY, VIT_TINY_PROCESSOR } from './vitTiny.ts';

const { values } = parseArgs({
  options: {
    steps: { type: 'string', default: '6000' },
    seed: { type: 'string', default: '1' },
    'batch-size': { type: 'string', default: '64' },
    'learning-rate': { type: 'string', default: '2e-3' },
    out: { type: 'string', default: checkpointFolder('vit-tiny') },
  },
});
const options = {
  steps: Number(values.steps),
  seed: Number(values.seed),
  batchSize: Number(values['batch-size']),
  learningRate: Number(values['learning-rate']),
  out: path.resolve(values.out),
};
const { seed, batchSize } = options;
const size = VIT_TINY.image_size;
const pixels = 3 * size * size;

const config = pretrainingConfig();
const raw = modelFor('image-classification', config, initialiseModel('image-classification', config, seed));
const model = await trainAll(raw);
const processor = imageProcessor(VIT_TINY_PROCESSOR);
const history = await pretrain(
  {
    model,
    spec: {
      pixelValues: { shape: [batchSize, 3, size, size], dtype: 'float32' },
      labels: { shape: [batchSize], dtype: 'int32' },
    },
    batch: (at) => {
      const images = pretrainingImages(seed, at, batchSize, size);
      const pixelValues = new Float32Array(batchSize * pixels);
      for (const [i, { image }] of images.entries())
        processor.normalise(processor.fit(image), pixelValues, i * pixels);
      return { pixelValues, labels: Int32Array.from(images, ({ label }) => label) };
    },
    loss: (outputs, { labels }) => crossEntropy(outputs.logits!, labels!),
    units: batchSize,
  },
  options,
);
const encoder = model.parameters.filter(({ name }) => !isHeadWeight(raw, name));
const report = { ...options, out: undefined, finalLoss: history.at(-1)?.loss, history };
await saveCheckpoint(options.out, VIT_TINY, encoder, report);
await writeJson(path.join(options.out, 'preprocessor_config.json'), VIT_TINY_PROCESSOR);
