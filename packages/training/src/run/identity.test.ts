import { configHash } from '@psoft/results';
import { expect, test } from 'vitest';
import { checkTrainingSettings, type RunConfig } from './config.ts';
import { runIdentity } from './identity.ts';

const settings = {
  epochs: 1,
  batchSize: 8,
  microBatchSize: 4,
  learningRate: 0.1,
  weightDecay: 0,
  warmupRatio: 0,
  maxGradNorm: 1,
  maxLength: 8,
  buckets: [8],
};
const sources = { splits: [], baseFingerprint: 'a'.repeat(64) };
const infoOf = (more: object = {}, run: Partial<RunConfig> = {}) =>
  runIdentity(
    {
      experiment: 'math',
      task: 'train',
      profile: 'tiny',
      method: 'psoft',
      seed: 1,
      model: { name: 'm' },
      adapter: { r: 4, psoftAlpha: 4 },
      training: checkTrainingSettings({ ...settings, ...more }, 'test'),
      ...run,
    },
    sources,
  );
const hashOf = (more?: object) => configHash(infoOf(more));

test('what changes no number is no part of the identity, what does is', () => {
  const plain = hashOf();
  expect(hashOf({ recompute: true })).toBe(plain);
  expect(hashOf({ precision: 'f32' })).toBe(plain);
  for (const more of [
    { precision: 'bf16' },
    { precision: 'tf32' },
    { microBatchSize: 2 },
    { lossOnPrompt: true },
  ])
    expect(hashOf(more)).not.toBe(plain);
});

test('a language model’s adapter is for a language model, and a released variant says so', () => {
  expect(infoOf().adapterConfig.taskType).toBe('CAUSAL_LM');
  expect(infoOf().protocolVariant).toBe('paper');
  expect(infoOf({}, { variant: 'as-released' }).protocolVariant).toBe('as-released');
});

test.each([
  [{ microBatchSize: 3 }, '"microBatchSize" must divide batchSize (8), got 3'],
  [{ precision: 'f8' }, '"precision" must be one of f32, tf32, bf16, f16, got "f8"'],
  [{ recompute: 'yes' }, '"recompute" must be true or false, got "yes"'],
  [{ lossOnPrompt: 1 }, '"lossOnPrompt" must be true or false, got 1'],
])('%j is refused', (more, message) => {
  expect(() => hashOf(more)).toThrow(message);
});
