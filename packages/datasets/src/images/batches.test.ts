import { describe, expect, test } from 'vitest';
import { FittedImages, imageEvaluationBatches, imageTrainingBatches } from './batches.ts';
import { imagesInMemory, joinImages } from './dataset.ts';
import { imageProcessor } from './processor.ts';

const SIZE = 2;
const processor = imageProcessor({ size: SIZE });
const split = (labels: readonly number[]) =>
  imagesInMemory(
    'test images',
    labels.map((label) => ({
      label,
      image: { width: SIZE, height: SIZE, data: new Uint8Array(3 * SIZE * SIZE).fill(label * 10) },
    })),
  );
const options = { batchSize: 4, tokens: 5 };
const images = new FittedImages(split([0, 1, 2, 3, 4, 5]), processor);

describe('training batches', () => {
  const batches = imageTrainingBatches(images, 1, 0, options);

  test('hold every image once, its pixels beside its label, and fill the last one up', () => {
    expect(batches.map(({ rows, bucket, tokens }) => [rows, bucket, tokens])).toEqual([
      [4, 5, 20],
      [2, 5, 10],
    ]);
    const seen = batches.flatMap(({ inputs: { pixelValues, labels }, rows }) =>
      [...labels].map((label, row) => {
        const pixels = pixelValues.subarray(row * 12, (row + 1) * 12);
        if (row >= rows) expect([label, ...pixels]).toEqual([-1, ...new Array(12).fill(0)]);
        else expect([...pixels]).toEqual(new Array(12).fill(Math.fround((label * 10) / 127.5 - 1)));
        return label;
      }),
    );
    expect(seen.filter((label) => label >= 0).sort()).toEqual([0, 1, 2, 3, 4, 5]);
  });
  test('seed and epoch decide the order', () => {
    const order = (seed: number, epoch: number) =>
      imageTrainingBatches(images, seed, epoch, options).flatMap(({ examples }) => [...examples]);
    expect(order(1, 0)).toEqual(order(1, 0));
    expect(order(1, 0)).not.toEqual(order(1, 1));
    expect(order(1, 0)).not.toEqual(order(2, 0));
  });
});

test('evaluation batches hold every image in order, without labels', () => {
  const batches = imageEvaluationBatches(images, options);
  expect(batches.flatMap(({ examples }) => [...examples])).toEqual([0, 1, 2, 3, 4, 5]);
  expect(Object.keys(batches[0]!.inputs)).toEqual(['pixelValues']);
});

test('a set too large to be kept in memory gives the same, and is read again at each look', () => {
  let reads = 0;
  const plain = split([3, 1, 2]);
  const counted = {
    ...plain,
    image: (index: number) => {
      reads++;
      return plain.image(index);
    },
  };
  const read = (limit: number) => {
    reads = 0;
    const fitted = new FittedImages(counted, processor, limit);
    const looks = [fitted.read(Int32Array.of(2, 0), 2), fitted.read(Int32Array.of(2, 0), 2)];
    return { looks, reads };
  };
  expect(read(35)).toEqual({ looks: read(36).looks, reads: 4 });
  expect(read(36).reads).toBe(2);
});

test('splits are joined in order', () => {
  const joined = joinImages([split([4, 5]), split([6])]);
  expect([...joined.labels]).toEqual([4, 5, 6]);
  expect(joined.image(2).data[0]).toBe(60);
  expect(joined.fingerprint).not.toBe(joinImages([split([4]), split([5, 6])]).fingerprint);
});
