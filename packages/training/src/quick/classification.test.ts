import path from 'node:path';
import { getPeftModel, PsoftConfig } from '@psoft/adapter';
import {
  generateImages,
  generateSentiment,
  generateSimilarity,
  imagesInMemory,
  type LabelledTexts,
} from '@psoft/datasets';
import { describe, expect, test, vi } from 'vitest';
import { freeze } from '../trainable.ts';
import {
  AutoImageProcessor,
  AutoModelForImageClassification,
  AutoModelForSequenceClassification,
  AutoTokenizer,
  ClassificationTrainer,
  classifyTexts,
  ImageClassificationTrainer,
} from './index.ts';

const CHECKPOINTS = path.join(import.meta.dirname, '../../../tiny-models/checkpoints');
const DEBERTA = path.join(CHECKPOINTS, 'deberta-tiny');
const VIT = path.join(CHECKPOINTS, 'vit-tiny');
const CONFIG = { r: 16, psoftAlpha: 16, targetModules: 'all-linear', taskType: 'SEQ_CLS' } as const;
const tokenizer = await AutoTokenizer.fromPretrained(DEBERTA);

/** Some ten seconds each on a core of one's own. */
vi.setConfig({ testTimeout: 240_000 });

describe('texts', () => {
  const classes = ['bad', 'good'];
  const { train, dev } = generateSentiment(1, { train: 320, dev: 100 });
  const sets = { train: { ...train, classes }, validation: { ...dev, classes } };

  test('a classifier learns, keeps its best epoch, and tells new texts apart', async () => {
    const base = await AutoModelForSequenceClassification.fromPretrained(DEBERTA, { classes });
    const model = await getPeftModel(base, new PsoftConfig({ ...CONFIG, r: 32, psoftAlpha: 32 }));
    const settings = { epochs: 5, batchSize: 16, learningRate: 4e-3, headLearningRate: 1e-3, threads: 1 };
    const { rows, best, steps } = await new ClassificationTrainer({
      model,
      tokenizer,
      ...sets,
      ...settings,
    }).train();
    expect(steps).toBe(100);
    const scores = rows.map(({ selection }) => selection.accuracy!);
    expect(best!.metric).toBe(Math.max(...scores));
    // Chance is 50, with a standard error of 5.
    expect(best!.metric).toBeGreaterThan(62);
    // What is left in the model is that epoch: it says of the validation set what was measured then.
    const said = await classifyTexts(
      model,
      dev.examples.map(({ text }) => text),
      { tokenizer, classes, threads: 1 },
    );
    const right = said.filter(({ label }, i) => label === classes[dev.examples[i]!.label]).length;
    expect((100 * right) / dev.examples.length).toBeCloseTo(best!.metric, 6);
    for (const { label, probabilities } of said) {
      expect(probabilities!.bad! + probabilities!.good!).toBeCloseTo(1, 6);
      expect(probabilities![label]).toBeGreaterThanOrEqual(0.5);
    }
  });

  test('scores of pairs: one output, the last epoch without a validation set', async () => {
    const similar = generateSimilarity(1, { train: 32, dev: 8 });
    const base = await AutoModelForSequenceClassification.fromPretrained(DEBERTA);
    const model = await getPeftModel(base, new PsoftConfig(CONFIG));
    const result = await new ClassificationTrainer({
      model,
      tokenizer,
      train: similar.train,
      epochs: 2,
      batchSize: 16,
      learningRate: 1e-3,
      threads: 1,
    }).train();
    expect(result).toMatchObject({ steps: 4, best: undefined });
    expect(result.rows[1]!.trainLoss).toBeLessThan(result.rows[0]!.trainLoss);
    const pairs = similar.dev.examples.map(({ text, textPair }) => [text, textPair!] as const);
    const said = await classifyTexts(model, pairs, { tokenizer, threads: 1 });
    expect(said).toHaveLength(8);
    for (const { label, probabilities } of said) {
      expect(Number.isFinite(label)).toBe(true);
      expect(probabilities).toBeUndefined();
    }
  });

  test('the same seed gives the same head, another seed another', async () => {
    const headOf = async (seed: number) => {
      const model = await AutoModelForSequenceClassification.fromPretrained(DEBERTA, { classes, seed });
      const [said] = await classifyTexts(await freeze(model), ['A text.'], {
        tokenizer,
        classes,
        threads: 1,
      });
      return said!.probabilities!.bad!;
    };
    const first = await headOf(1);
    expect(await headOf(1)).toBe(first);
    expect(await headOf(2)).not.toBe(first);
  });

  test('settings and sets that do not fit are errors', async () => {
    const base = await AutoModelForSequenceClassification.fromPretrained(DEBERTA, { classes });
    const model = await getPeftModel(base, new PsoftConfig(CONFIG));
    const train = (more: object) => new ClassificationTrainer({ model, tokenizer, ...sets, ...more }).train();
    const others: LabelledTexts = { ...dev, source: 'dev.csv', classes: ['bad', 'fine'] };
    await expect(train({ validation: others })).rejects.toThrow(
      'dev.csv has the classes bad, fine, generated',
    );
    await expect(train({ epochs: 0 })).rejects.toThrow('epochs must be a whole number of at least 1, got 0');
    await expect(classifyTexts(model, ['A text.'], { tokenizer, classes: ['a', 'b', 'c'] })).rejects.toThrow(
      'tells 2 classes apart, 3 names',
    );
  });
});

test('images: a classifier learns', async () => {
  const classes = Array.from({ length: 6 }, (_, i) => `distance ${i}`);
  const drawn = (split: string, count: number) =>
    imagesInMemory(split, generateImages('clevr_distance', 1, split, count, 32));
  const base = await AutoModelForImageClassification.fromPretrained(VIT, { classes });
  const model = await getPeftModel(base, new PsoftConfig(CONFIG));
  const options = {
    model,
    processor: await AutoImageProcessor.fromPretrained(VIT),
    classes,
    train: drawn('train', 160),
    validation: drawn('validation', 40),
    batchSize: 32,
    threads: 1,
  };
  const { rows, best } = await new ImageClassificationTrainer({
    ...options,
    epochs: 6,
    learningRate: 5e-3,
  }).train();
  expect(rows.at(-1)!.trainLoss).toBeLessThan(rows[0]!.trainLoss);
  expect(best!.metric).toBeGreaterThan(100 / 6);
  await expect(new ImageClassificationTrainer({ ...options, classes: ['one'] }).train()).rejects.toThrow(
    'train has more classes than the classes one',
  );
});
