import { type Tensor, tf, useBackend } from '@psoft/engine';
import { beforeAll, describe, expect, it } from 'vitest';
import { crossEntropy, meanSquaredError } from './losses.ts';

beforeAll(() => useBackend('eager-cpu'));

const rows = [
  [1, -2, 0.5],
  [0.25, 3, -1],
  [-0.5, 0, 2],
];

/** By definition, in double precision; rows without a label left out. */
function reference(logits: number[][], labels: number[]): number {
  const losses = logits.flatMap((row, i) =>
    labels[i]! < 0 ? [] : [Math.log(row.reduce((sum, x) => sum + Math.exp(x), 0)) - row[labels[i]!]!],
  );
  return losses.reduce((a, b) => a + b) / losses.length;
}

const loss = (logits: number[][], labels: number[]) =>
  crossEntropy(tf.tensor2d(logits), tf.tensor1d(labels, 'int32')).dataSync()[0]!;

describe('crossEntropy', () => {
  it.each([[[0, 1, 2]], [[2, 0, 1]], [[1, -100, 0]], [[-1, -1, 2]]])(
    'is the mean over labels %j',
    (labels) => {
      expect(loss(rows, labels)).toBeCloseTo(reference(rows, labels), 6);
    },
  );

  it.each([[[0, 1, 2]], [[1, -100, 0]]])('has the gradient of its definition, labels %j', (labels) => {
    const gradient = tf
      .grad((x: Tensor) => crossEntropy(x, tf.tensor1d(labels, 'int32')))(tf.tensor2d(rows))
      .arraySync() as number[][];
    const step = 1e-6;
    rows.forEach((row, i) => {
      row.forEach((_, j) => {
        const moved = (by: number) => rows.map((r, k) => r.map((x, l) => (k === i && l === j ? x + by : x)));
        const slope = (reference(moved(step), labels) - reference(moved(-step), labels)) / (2 * step);
        expect(gradient[i]![j]!).toBeCloseTo(slope, 5);
      });
    });
  });

  it('neither overflows nor loses small differences', () => {
    expect(loss([[1e4, -1e4]], [0])).toBe(0);
    expect(loss([[1e4, -1e4]], [1])).toBe(2e4);
  });

  it('is 0, and its gradient too, without any label', () => {
    const none = tf.tensor1d([-1, -1, -1], 'int32');
    const { value, grad } = tf.valueAndGrad((x: Tensor) => crossEntropy(x, none).asScalar())(
      tf.tensor2d(rows),
    );
    expect(value.dataSync()[0]).toBe(0);
    expect([...grad.dataSync()].every((slope) => slope === 0)).toBe(true);
  });

  it('says which shapes it wants', () => {
    expect(() => crossEntropy(tf.zeros([2, 3]), tf.zeros([3], 'int32'))).toThrow('got [2,3] and [3]');
  });
});

describe('meanSquaredError', () => {
  it('takes one column for the predictions', () => {
    expect(meanSquaredError(tf.tensor2d([[1], [2]]), tf.tensor1d([0, 4])).dataSync()[0]).toBe(2.5);
  });

  it('leaves rows of filling out of value and gradient', () => {
    const [targets, present] = [tf.tensor1d([0, 4, 9]), tf.tensor1d([1, 1, 0])];
    const { value, grad } = tf.valueAndGrad((x: Tensor) => meanSquaredError(x, targets, present).asScalar())(
      tf.tensor2d([[1], [2], [7]]),
    );
    expect(value.dataSync()[0]).toBe(2.5);
    expect([...grad.dataSync()].map((slope) => slope + 0)).toEqual([1, -2, 0]);
  });

  it('refuses to broadcast', () => {
    expect(() => meanSquaredError(tf.zeros([2, 2]), tf.zeros([4]))).toThrow('got [2,2] and [4]');
  });
});
