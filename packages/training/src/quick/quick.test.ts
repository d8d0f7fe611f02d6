import path from 'node:path';
import { getPeftModel, PsoftConfig } from '@psoft/adapter';
import type { Tokenizer } from '@psoft/datasets';
import { beforeAll, describe, expect, test } from 'vitest';
import { AutoModelForCausalLM, generateText, type SftOptions, SftTrainer } from './index.ts';

const FOLDER = path.join(import.meta.dirname, '..', '..', 'test', 'fixtures', 'decoder');

/** A word is its number. */
const tokenizer: Tokenizer = {
  padId: 0,
  eosId: 2,
  encode: (text) =>
    Int32Array.from(
      text.split(' ').filter((word) => word !== ''),
      Number,
    ),
  decode: (ids) => Array.from(ids).join(' '),
};
const TEXTS = Array.from({ length: 12 }, (_, i) => `${5 + i} ${6 + i} ${7 + i} ${8 + i}`);

let model: Awaited<ReturnType<typeof AutoModelForCausalLM.fromPretrained>>;
beforeAll(async () => {
  model = await AutoModelForCausalLM.fromPretrained(FOLDER);
});

async function trained(options: Partial<SftOptions> = {}) {
  const adapted = await getPeftModel(
    model,
    new PsoftConfig({ r: 8, psoftAlpha: 8, targetModules: 'all-linear', taskType: 'CAUSAL_LM' }),
  );
  const settings = { model: adapted, tokenizer, texts: TEXTS, learningRate: 2e-2, batchSize: 4 };
  const losses: number[] = [];
  const result = await new SftTrainer({ ...settings, ...options }).train({
    onStep: ({ loss }) => losses.push(loss),
  });
  return { adapted, losses, result };
}

describe('SftTrainer', () => {
  test('learns the texts; the model says what it learnt', async () => {
    const { adapted, losses, result } = await trained({ epochs: 15 });
    expect(result.status).toBe('completed');
    expect(losses).toHaveLength(45);
    expect(losses.at(-1)).toBeLessThan(0.6 * losses[0]!);
    const said = await generateText(adapted, tokenizer, '9 10', { maxNewTokens: 2 });
    expect(said).not.toBe(await generateText(model, tokenizer, '9 10', { maxNewTokens: 2 }));
    expect(said).toMatch(/^\d+ \d+$/);
  });

  test('micro-batches change nothing but the rounding', async () => {
    const whole = (await trained({ epochs: 1 })).losses;
    const parts = (await trained({ epochs: 1, microBatchSize: 2 })).losses;
    expect(parts).toHaveLength(3);
    parts.forEach((loss, i) => {
      expect(loss).toBeCloseTo(whole[i]!, 4);
    });
  });

  test('of prompts with responses the responses are learnt', async () => {
    const texts = TEXTS.map((text) => ({ prompt: text, response: ' 30' }));
    const { adapted } = await trained({ texts, epochs: 15 });
    expect(await generateText(adapted, tokenizer, '5 6 7 8')).toBe('30');
  });

  test.each([
    [{ batchSize: 4, microBatchSize: 3 }, 'microBatchSize 3 does not divide batchSize 4'],
    [{ epochs: 0 }, 'epochs must be a whole number of at least 1, got 0'],
    [{ maxLength: 1.5 }, 'maxLength must be a whole number of at least 1, got 1.5'],
    [{ texts: [] }, 'none of 0 examples has a response'],
  ])('refuses %o', (options, message) => expect(trained(options)).rejects.toThrow(message));
});

test('generateText refuses a prompt without tokens', () =>
  expect(generateText(model, tokenizer, '')).rejects.toThrow('prompt 1 has no tokens'));
