import { RandomStream, tf, useBackend } from '@psoft/engine';
import { beforeAll, expect, test } from 'vitest';
import { capacities } from './decode.ts';
import { drawToken } from './single.ts';
import { checkDecoding, type Strategy } from './strategy.ts';

type Sampling = Extract<Strategy, { kind: 'sample' }>;

beforeAll(() => useBackend('eager-cpu'));

/** What sampling should draw from, step by step as transformers' warpers do it. */
function warped(
  logits: readonly number[],
  { temperature, topK = logits.length, topP = 1 }: Sampling,
): number[] {
  const order = [...logits.keys()].sort((a, b) => logits[b]! - logits[a]!);
  const softmax = (places: readonly number[]) => {
    const weights = places.map((i) => Math.exp(logits[i]! / temperature));
    const sum = weights.reduce((a, b) => a + b);
    return weights.map((weight) => weight / sum);
  };
  let kept = order.slice(0, topK);
  const probabilities = softmax(kept);
  let before = 0;
  kept = kept.filter((_, i) => {
    const stays = i === 0 || before < topP;
    before += probabilities[i]!;
    return stays;
  });
  const result = logits.map(() => 0);
  softmax(kept).forEach((probability, i) => {
    result[kept[i]!] = probability;
  });
  return result;
}

test.each<Omit<Sampling, 'kind' | 'seed'>>([
  { temperature: 1 },
  { temperature: 0.7 },
  { temperature: 2, topK: 3 },
  { temperature: 0.7, topP: 0.8 },
  { temperature: 1.3, topK: 5, topP: 0.6 },
  { temperature: 1, topK: 1 },
  { temperature: 1, topP: 0.01 },
  { temperature: 0.01 },
])('draws from the distribution of %o', (settings) => {
  const strategy: Sampling = { kind: 'sample', seed: 0, ...settings };
  const stream = RandomStream.from(3, 'logits');
  const logits = Array.from({ length: 9 }, () => 2 * stream.normal());
  const expected = warped(logits, strategy);
  const count = 4000;
  const draws = Float32Array.from({ length: count }, (_, i) => (i + 0.5) / count);
  const rows = tf.tile(tf.tensor2d([logits]), [count, 1]);
  const drawn = drawToken(rows, tf.tensor2d(draws, [count, 1]), strategy).dataSync();
  const shares = logits.map((_, token) => drawn.filter((one) => one === token).length / count);
  // Evenly spread draws: each share is right to one of them.
  for (const [token, share] of shares.entries())
    expect(Math.abs(share - expected[token]!), `token ${token}`).toBeLessThan(1.5 / count);
});

test('a draw next to 1 takes a token that may be taken', () => {
  const logits = tf.tensor2d([[3, 2, 1, 0, -1, -2]]);
  const draw = tf.tensor2d([[1 - 2 ** -24]]);
  const settings = { kind: 'sample', temperature: 1, topP: 0.7, seed: 0 } as const;
  expect(drawToken(logits, draw, settings).dataSync()[0]).toBe(1);
});

test('places for new tokens double and end exactly', () => {
  expect(capacities(0)).toEqual([]);
  expect(capacities(1)).toEqual([1]);
  expect(capacities(64)).toEqual([64]);
  expect(capacities(65)).toEqual([64, 65]);
  expect(capacities(511)).toEqual([64, 128, 256, 511]);
});

test('settings that cannot be are refused', () => {
  const good = { maxNewTokens: 4, eosIds: [1], padId: 0, strategy: { kind: 'greedy' } } as const;
  checkDecoding(good);
  const refused = (change: object) => () => checkDecoding({ ...good, ...change });
  expect(refused({ maxNewTokens: 0 })).toThrow(
    'generation: maxNewTokens must be a whole number of at least 1, got 0',
  );
  expect(refused({ eosIds: [] })).toThrow('eosIds must be at least one token');
  expect(refused({ strategy: { kind: 'sample', temperature: 0, seed: 1 } })).toThrow(
    'temperature must be above 0',
  );
  expect(refused({ strategy: { kind: 'sample', temperature: 1, topK: 0, seed: 1 } })).toThrow('topK must be');
  expect(refused({ strategy: { kind: 'sample', temperature: 1, topP: 1.5, seed: 1 } })).toThrow(
    'topP must be',
  );
  expect(refused({ strategy: { kind: 'beam', beams: 0 } })).toThrow('beams must be');
});
