/** Likelihoods of continuations against transformers' logits (fixtures by tools/reference/causal_lm.py). */
import type { TrainableModel } from '@psoft/engine';
import { modelFor } from '@psoft/models';
import { beforeAll, describe, expect, test } from 'vitest';
import { cases, causalWeights } from '../../models/test/causalFixture.ts';
import { type Continuations, type LikelihoodOptions, LikelihoodScorer } from '../src/generate/index.ts';
import { trainSelected } from '../src/trainable.ts';

const ids = (...values: number[]) => Int32Array.from(values);

/** log p of the last `count` tokens of a row of logits that transformers computed, in double precision. */
function fromLogits(logits: readonly number[], row: readonly number[], count: number, words: number): number {
  let sum = 0;
  for (let at = row.length - count; at < row.length; at++) {
    const own = logits.slice((at - 1) * words, at * words);
    const most = Math.max(...own);
    sum += own[row[at]!]! - most - Math.log(own.reduce((total, one) => total + Math.exp(one - most), 0));
  }
  return sum;
}

describe.each(cases.map((one) => [one.name, one] as const))('%s', (_, one) => {
  const run = one.runs.find(({ padding }) => padding === 'none')!;
  const [batch, length] = run.shape;
  const words = run.logits.length / (batch * length);
  let model: TrainableModel;
  beforeAll(async () => {
    model = await trainSelected(modelFor('causal-lm', one.config, causalWeights(one)), () => undefined);
  });
  async function score(requests: readonly Continuations[], options: Partial<LikelihoodOptions> = {}) {
    const scorer = new LikelihoodScorer(model, {
      batchSize: 3,
      buckets: [length, 2 * length],
      padId: 0,
      ...options,
    });
    const scores = await scorer.score(requests);
    await scorer.dispose();
    return scores.map((row) => [...row]);
  }
  const rows = Array.from({ length: batch }, (_, i) => run.inputIds.slice(i * length, (i + 1) * length));
  const requests = rows.flatMap((row) =>
    [1, 2, length - 1].map((count) => ({
      prompt: ids(...row.slice(0, -count)),
      continuations: [ids(...row.slice(-count))],
    })),
  );
  const expected = rows.flatMap((row, i) =>
    [1, 2, length - 1].map((count) =>
      fromLogits(run.logits.slice(i * length * words, (i + 1) * length * words), row, count, words),
    ),
  );

  test.each([undefined, 'eager-cpu'] as const)('as transformers, executor %s', async (executor) => {
    const scores = await score(requests, executor === undefined ? {} : { executor });
    expect(scores).toHaveLength(expected.length);
    for (const [i, [value]] of scores.entries()) expect(value).toBeCloseTo(expected[i]!, 4);
  });

  test('continuations of one prompt share passes, and the probabilities of all tokens add up to one', async () => {
    const prompt = ids(...rows[0]!.slice(0, 3));
    const all = Array.from({ length: words }, (_, id) => ids(id));
    const [singles] = await score([{ prompt, continuations: all }]);
    expect(singles!.reduce((sum, value) => sum + Math.exp(value), 0)).toBeCloseTo(1, 5);
    const pairs = all.map((last) => ids(5, ...last));
    const [mixed] = await score([{ prompt, continuations: [...pairs, ids(7), ids(5, 6, 8)] }]);
    expect(mixed!.slice(0, words).reduce((sum, value) => sum + Math.exp(value), 0)).toBeCloseTo(
      Math.exp(singles![5]!),
      6,
    );
    expect(mixed![words]).toBeCloseTo(singles![7]!, 5);
    const alone = await score([{ prompt, continuations: [ids(5, 6, 8)] }], { batchSize: 1 });
    expect(mixed![words + 1]).toBeCloseTo(alone[0]![0]!, 5);
  });
});

describe('requests', () => {
  const one = cases[0]!;
  const scorer = async (options: Partial<LikelihoodOptions>) =>
    new LikelihoodScorer(
      await trainSelected(modelFor('causal-lm', one.config, causalWeights(one)), () => undefined),
      { batchSize: 2, buckets: [4], padId: 0, ...options },
    );
  test('that cannot be are refused, with what to do', async () => {
    const small = await scorer({});
    const refused = (prompt: Int32Array, ...continuations: Int32Array[]) =>
      expect(small.score([{ prompt, continuations }])).rejects;
    await refused(ids(), ids(1)).toThrow('prompt 1 has no tokens: give at least one');
    await refused(ids(1), ids(1), ids()).toThrow('continuation 2 of prompt 1 has no tokens');
    await refused(ids(1, 2, 3, 4), ids(1, 2)).toThrow(
      'prompt 1 has 5 tokens with its continuation, the longest bucket is 4: add a bucket',
    );
  });
  test('are answered as far as they were done when stopped, the longest first', async () => {
    const small = await scorer({ batchSize: 1 });
    const asked = [ids(1), ids(1, 2), ids(1, 2, 3)].map((prompt) => ({ prompt, continuations: [ids(4)] }));
    const seen: number[] = [];
    const scores = await small.score(asked, {
      onBatch: (done, total) => seen.push(done, total),
      shouldStop: () => seen.length === 4,
    });
    expect(scores).toHaveLength(2);
    expect(seen).toEqual([1, 3, 2, 3]);
    await small.dispose();
  });
});
