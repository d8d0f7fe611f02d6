import { RandomStream } from '@psoft/engine';
import { describe, expect, test } from 'vitest';
import { evaluationBatches, type LabelledInputs, trainingBatches } from './batches.ts';
import { validationHalves } from './splits.ts';

const options = { batchSize: 4, buckets: [4, 8], padId: 9 };
const rng = RandomStream.from(1, 'batches test');
const examples = Array.from({ length: 23 }, (_, i) => ({
  ids: Int32Array.from({ length: 1 + rng.integer(8) }, () => 10 + i),
  label: i % 2,
}));

describe('batches', () => {
  test('an epoch holds every example once, the last batch filled with rows of label -1', () => {
    const batches = trainingBatches(examples, 1, 0, options);
    expect(batches.flatMap((batch) => [...batch.examples]).sort((a, b) => a - b)).toEqual([
      ...examples.keys(),
    ]);
    expect(batches.map(({ rows }) => rows)).toEqual([4, 4, 4, 4, 4, 3]);
    expect([...batches[5]!.inputs.labels].map((label) => label < 0)).toEqual([false, false, false, true]);
  });

  test('rows hold ids, mask and label of their example, padded to the smallest bucket', () => {
    for (const batch of [
      ...trainingBatches(examples, 3, 1, options),
      ...evaluationBatches(examples, options),
    ]) {
      const longest = Math.max(...[...batch.examples].map((i) => examples[i]!.ids.length));
      expect(batch.bucket).toBe(longest <= 4 ? 4 : 8);
      batch.examples.forEach((i, row) => {
        const { ids, label } = examples[i]!;
        const at = row * batch.bucket;
        const wanted = [...ids, ...new Array(batch.bucket - ids.length).fill(9)];
        expect([...batch.inputs.inputIds.subarray(at, at + batch.bucket)]).toEqual(wanted);
        const mask = batch.inputs.attentionMask.subarray(at, at + batch.bucket);
        expect([...mask]).toEqual(wanted.map((_, k) => (k < ids.length ? 1 : 0)));
        if ('labels' in batch.inputs) expect((batch.inputs as LabelledInputs).labels[row]).toBe(label);
      });
      expect(batch.tokens).toBe([...batch.examples].reduce((sum, i) => sum + examples[i]!.ids.length, 0));
    }
  });

  test('batches of scores say which rows are filling; batches for evaluation have no labels', () => {
    const scored = examples.map((one, i) => ({ ...one, label: i / 4 }));
    const last = trainingBatches(scored, 1, 0, { ...options, labels: 'score' }).at(-1)!;
    const { labels, present } = last.inputs;
    expect(labels).toEqual(Float32Array.from([...[...last.examples].map((i) => i / 4), 0]));
    expect(present).toEqual(Float32Array.of(1, 1, 1, 0));
    expect(Object.keys(evaluationBatches(scored, options)[0]!.inputs)).toEqual(['inputIds', 'attentionMask']);
  });

  test('tensors are made when they are looked at, not kept', () => {
    const [batch] = trainingBatches(examples, 1, 0, options);
    expect(batch!.inputs).toEqual(batch!.inputs);
    expect(batch!.inputs.inputIds).not.toBe(batch!.inputs.inputIds);
  });

  test('the order depends on seed and epoch and on nothing else', () => {
    const order = (seed: number, epoch: number) =>
      trainingBatches(examples, seed, epoch, options).flatMap((batch) => [...batch.examples]);
    expect(order(1, 0)).toEqual(order(1, 0));
    expect(order(1, 0)).not.toEqual(order(1, 1));
    expect(order(1, 0)).not.toEqual(order(2, 0));
  });

  test('an example longer than every bucket is refused', () => {
    expect(() => evaluationBatches([{ ids: new Int32Array(9), label: 0 }], options)).toThrow(
      /9 tokens.*bucket is 8/,
    );
  });
});

test('validation halves follow the released script: seed 42 of ten is 8 1 5 0 7 | 2 9 4 3 6', () => {
  const halves = validationHalves([...Array(10).keys()], 42);
  expect(halves).toEqual({ selection: [8, 1, 5, 0, 7], report: [2, 9, 4, 3, 6] });
  expect(validationHalves([...Array(1043).keys()], 1).selection).toHaveLength(521);
});
