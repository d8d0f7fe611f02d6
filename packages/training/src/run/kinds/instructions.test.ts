import { getPeftModel, PsoftConfig } from '@psoft/adapter';
import type { InstructionSplit, Tokenizer } from '@psoft/datasets';
import { initialiseModel, modelFor } from '@psoft/models';
import { describe, expect, test } from 'vitest';
import { Fit } from '../../fit.ts';
import { fitConfigOf } from '../prepare.ts';
import type { InstructionDefinition } from '../tasks.ts';
import { holdOut, INSTRUCTIONS } from './instructions.ts';

/** A token a letter between a start and an end. */
const tokenizer: Tokenizer = {
  padId: 0,
  eosId: 1,
  encode: (text, _, maxLength) =>
    Int32Array.of(2, ...Array.from(text, (letter) => letter.codePointAt(0)! - 94)).slice(0, maxLength),
  decode: (ids) => Array.from(ids, (id) => (id > 2 ? String.fromCodePoint(id + 94) : '')).join(''),
};
/** The response says the prompt's letters backwards: of lengths 1 to 5. */
const split: InstructionSplit = {
  source: 'backwards',
  examples: Array.from({ length: 24 }, (_, i) => {
    const letters = Array.from({ length: 1 + (i % 5) }, (_, j) =>
      String.fromCodePoint(97 + ((i * 7 + j * 3) % 26)),
    );
    return { prompt: letters.join(''), response: letters.reverse().join('') };
  }),
};
const definition = (heldOut?: InstructionDefinition['heldOut']): InstructionDefinition => ({
  kind: 'instructions',
  metrics: ['loss'],
  ...(heldOut === undefined ? {} : { heldOut }),
  generate: () => split,
  readFolder: async () => split,
  readHub: async () => ({ split, commit: 'c' }),
});
const CONFIG = {
  model_type: 'llama',
  vocab_size: 40,
  hidden_size: 16,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  num_key_value_heads: 1,
  intermediate_size: 24,
  tie_word_embeddings: true,
  initializer_range: 0.3,
};
const training = {
  epochs: 3,
  batchSize: 8,
  learningRate: 0.05,
  weightDecay: 0,
  warmupRatio: 0,
  maxGradNorm: 1,
  maxLength: 12,
  buckets: [8, 12],
};
const seeds = { init: 1, order: 2, dropout: 3 };

async function prepared(more: object = {}, heldOut?: InstructionDefinition['heldOut']) {
  const task = definition(heldOut);
  const request = { config: { training: {} } as never, modelFolder: '', hooks: {} };
  const data = await INSTRUCTIONS.read(task, request, 0);
  const model = modelFor('causal-lm', CONFIG, initialiseModel('causal-lm', CONFIG, 4));
  const ready = INSTRUCTIONS.prepare(task, data, { ...training, ...more }, tokenizer, model, seeds);
  const peft = await getPeftModel(
    model,
    new PsoftConfig({ r: 4, psoftAlpha: 4, targetModules: 'all-linear', taskType: 'CAUSAL_LM' }),
  );
  const config = { ...training, ...more } as never;
  const fitConfig = fitConfigOf({ config: { seed: 3, training: config } as never, task: ready });
  return { task: ready, fit: new Fit(peft, ready.fit, fitConfig) };
}

describe('a run of instructions', () => {
  test('without held-out examples keeps the last epoch and reports nothing', async () => {
    const { task, fit } = await prepared();
    const result = await fit.run();
    await fit.dispose();
    expect([task.reported, task.selection, result.best]).toEqual([[], undefined, undefined]);
    expect(result.rows.map(({ step }) => step)).toEqual([3, 6, 9]);
    expect(result.rows[2]!.trainLoss).toBeLessThan(result.rows[0]!.trainLoss);
  });

  test('with held-out examples keeps the epoch of least loss on them', async () => {
    const { task, fit } = await prepared({ learningRate: 0.5 }, { count: 6, seed: 9 });
    expect(task.splits.map(({ name, count }) => [name, count])).toEqual([
      ['train', 18],
      ['selection', 6],
    ]);
    const result = await fit.run();
    const losses = result.rows.map(({ selection }) => selection.loss!);
    expect(result.best!.metric).toBe(Math.min(...losses));
    // The parameters of that epoch are in the model, and the loss is the mean over the tokens that count.
    expect((await fit.evaluate('selection')).loss).toBe(result.best!.metric);
    await fit.dispose();
  });

  test.each([1, 2, 4])('of micro-batches of %i follows that of whole batches', async (microBatchSize) => {
    const [whole, parts] = [await prepared(), await prepared({ microBatchSize })];
    const [one, other] = [await whole.fit.run(), await parts.fit.run()];
    for (const [i, row] of other.rows.entries())
      expect(row.trainLoss / one.rows[i]!.trainLoss).toBeCloseTo(1, 5);
    const largest = whole.fit.vector.values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    for (const [i, value] of parts.fit.vector.values.entries())
      expect(Math.abs(value - whole.fit.vector.values[i]!)).toBeLessThan(1e-4 * largest);
    await whole.fit.dispose();
    await parts.fit.dispose();
  });

  test('shows an example, and says what was cut', async () => {
    const { task } = await prepared({ maxLength: 8, buckets: [8] });
    expect(task.sample!()).toEqual({
      index: 0,
      tokens: 4,
      given: 'a',
      learnt: 'a',
      learntTokens: 2,
      paddedTo: 8,
    });
    expect(task.note).toBe('maximum length 8: 9 responses are cut');
    const { task: short } = await prepared({ maxLength: 5, buckets: [8] });
    expect(short.note).toBe(
      'maximum length 5: 9 examples are left out: none of their response is within it; 10 responses are cut',
    );
    expect((await prepared()).task.note).toBeUndefined();
  });

  test('counts the prompt in the loss where asked', async () => {
    const counted = async (lossOnPrompt: boolean) =>
      (await prepared({ lossOnPrompt })).task.sample!().learntTokens;
    expect([await counted(false), await counted(true)]).toEqual([2, 3]);
  });
});

describe('holdOut', () => {
  test('takes examples out of the training set, the same for the same seed', () => {
    const { train, selection } = holdOut(split, { count: 5, seed: 1 });
    expect([train.examples.length, selection!.examples.length]).toEqual([19, 5]);
    expect(new Set([...train.examples, ...selection!.examples])).toEqual(new Set(split.examples));
    expect(holdOut(split, { count: 5, seed: 1 })).toEqual({ train, selection });
    expect(holdOut(split, { count: 5, seed: 2 }).selection).not.toEqual(selection);
  });
  test('refuses to take all', () => {
    expect(() => holdOut(split, { count: 24, seed: 1 })).toThrow(
      'backwards has 24 examples: 24 are held out',
    );
  });
});
