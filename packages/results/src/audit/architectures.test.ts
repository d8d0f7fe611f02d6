import { expect, test } from 'vitest';
import { ARCHITECTURES, inputWidth, linearsOf } from './architectures.ts';

/** What the published checkpoints hold, classifiers left out. */
test.each([
  ['DeBERTaV3-base', 183_831_552],
  ['ViT-B/16', 85_798_656],
  ['LLaMA-3.2-3B', 3_212_749_824],
  ['LLaMA-3.1-8B', 8_030_261_248],
])('%s has %d parameters', (model, parameters) => {
  expect(ARCHITECTURES[model]?.parameters).toBe(parameters);
});

test('linears by letter, all layers', () => {
  expect(linearsOf('DeBERTaV3-base', ['Q', 'K', 'V', 'O', 'U', 'D'])).toHaveLength(72);
  expect(linearsOf('LLaMA-3.2-3B', ['Q', 'K', 'V', 'U', 'D', 'O', 'G'])).toHaveLength(196);
  expect(linearsOf('LLaMA-3.1-8B', ['K'])[31]).toEqual({ inFeatures: 4096, outFeatures: 1024 });
  expect(inputWidth('LLaMA-3.1-8B', ['Q', 'D'])).toBe(32 * (4096 + 14_336));
});

test('unknown models and letters are named', () => {
  expect(() => linearsOf('GPT-2', ['Q'])).toThrow('unknown model "GPT-2"; known: DeBERTaV3-base, ViT-B/16');
  expect(() => linearsOf('ViT-B/16', ['G'])).toThrow('ViT-B/16 has no linear "G"; it has Q, K, V, O, U, D');
});
