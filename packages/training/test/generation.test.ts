/** What generation must not depend on: the batch it runs in, the executor, how many places there are. */
import path from 'node:path';
import { openCheckpoint, type TrainableModel } from '@psoft/engine';
import { modelFor } from '@psoft/models';
import { beforeAll, expect, test } from 'vitest';
import { Generator, type GeneratorOptions, type Strategy } from '../src/generate/index.ts';
import { trainSelected } from '../src/trainable.ts';

const FOLDER = path.join(import.meta.dirname, 'fixtures', 'decoder');
const PROMPTS = [[10, 11], [30, 20, 5, 7], [50], [9, 8, 7], [33, 21]].map((ids) => Int32Array.from(ids));

let model: TrainableModel;
beforeAll(async () => {
  const { config, weights } = await openCheckpoint(FOLDER);
  model = await trainSelected(modelFor('causal-lm', config, weights), () => undefined);
});

async function generate(options: Partial<GeneratorOptions>, prompts = PROMPTS) {
  const generator = new Generator(model, {
    strategy: { kind: 'greedy' },
    maxNewTokens: 10,
    eosIds: [2],
    padId: 0,
    batchSize: 5,
    promptBuckets: [4],
    ...options,
  });
  const said = await generator.generate(prompts);
  const { tokens, tokensPerSecond } = generator;
  await generator.dispose();
  return { ids: said.map(({ ids }) => [...ids]), said, tokens, tokensPerSecond };
}

const STRATEGIES: Strategy[] = [
  { kind: 'greedy' },
  { kind: 'sample', temperature: 0.9, topP: 0.9, seed: 5 },
  { kind: 'beam', beams: 3 },
];

test.each(STRATEGIES.map((strategy) => [strategy.kind, strategy] as const))(
  '%s: any batch, any padding, any executor',
  async (_, strategy) => {
    const { ids } = await generate({ strategy });
    expect(ids.every((row) => row.length > 0)).toBe(true);
    expect((await generate({ strategy, batchSize: 2 })).ids).toEqual(ids);
    expect((await generate({ strategy, batchSize: 1, promptBuckets: [1, 2, 3, 4] })).ids).toEqual(ids);
    expect((await generate({ strategy, promptBuckets: [9] })).ids).toEqual(ids);
    expect((await generate({ strategy, executor: 'eager-cpu' })).ids).toEqual(ids);
  },
);

test('places for new tokens grow without a change in what is said', async () => {
  const { said, ids } = await generate({ maxNewTokens: 150, eosIds: [63] });
  expect(Math.max(...ids.map((row) => row.length))).toBeGreaterThan(130);
  const long = await generate({ maxNewTokens: 200, eosIds: [63] });
  for (const [i, { finished }] of said.entries())
    expect(finished ? long.ids[i] : long.ids[i]!.slice(0, 150)).toEqual(ids[i]);
});

test('the seed decides what is drawn, and each prompt draws for itself', async () => {
  const sample = (seed: number) => ({ strategy: { kind: 'sample', temperature: 1.5, seed } as const });
  const first = await generate(sample(1));
  expect((await generate(sample(1))).ids).toEqual(first.ids);
  expect((await generate(sample(2))).ids).not.toEqual(first.ids);
  const twice = await generate(sample(1), [PROMPTS[0]!, PROMPTS[0]!]);
  expect(twice.ids[0]).toEqual(first.ids[0]);
  expect(twice.ids[1]).not.toEqual(twice.ids[0]);
});

test('an end is told from a cut, and both are counted', async () => {
  const free = await generate({ eosIds: [63] });
  const end = free.ids[1]![2]!;
  const { said, tokens, tokensPerSecond } = await generate({ eosIds: [end] });
  expect(said[1]!.finished).toBe(true);
  expect([...said[1]!.ids]).toEqual(free.ids[1]!.slice(0, free.ids[1]!.indexOf(end)));
  const counted = said.reduce((sum, { ids, finished }) => sum + ids.length + (finished ? 1 : 0), 0);
  expect(tokens).toBe(counted);
  expect(tokensPerSecond).toBeGreaterThan(0);
});

test('one new token needs no loop', async () => {
  const { ids } = await generate({});
  expect((await generate({ maxNewTokens: 1 })).ids).toEqual(ids.map((row) => row.slice(0, 1)));
});

test('prompts that do not fit are named before any work', async () => {
  await expect(generate({ promptBuckets: [3] })).rejects.toThrow(
    'prompt 2 has 4 tokens, the longest bucket is 3: add a bucket',
  );
  await expect(generate({}, [new Int32Array()])).rejects.toThrow('prompt 1 has no tokens: give at least one');
});
