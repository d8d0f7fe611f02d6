/** Adapters in the layout of the paper's released code; fixtures by tools/reference/authors_psoft.py. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Model, readSafetensorsHeader, type Tensor, tf } from '@psoft/engine';
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { type LoadOptions, PeftModel, type PsoftConfig } from '../src/index.ts';
import { largestDifference, logitsOf, tensorOf, toyModel } from './toy.ts';

const FIXTURES = path.join(import.meta.dirname, 'fixtures');
const folderOf = (name: string): string => path.join(FIXTURES, 'authors', name);

let base: Model;
let warnings: string[];
beforeAll(async () => {
  await tf.setBackend('cpu');
  const { tensors } = await readSafetensorsHeader(path.join(FIXTURES, 'peft', 'base.safetensors'));
  base = toyModel({ given: tensors });
});
beforeEach(() => {
  warnings = [];
  vi.spyOn(process, 'emitWarning').mockImplementation((message) => void warnings.push(String(message)));
});
afterEach(() => vi.restoreAllMocks());

async function expected(name: string): Promise<{ x: Tensor; logits: number[] }> {
  const { x, logits } = JSON.parse(await readFile(path.join(folderOf(name), 'expected.json'), 'utf8'));
  return { x: tensorOf({ shape: [5, 12], data: Float32Array.from(x) }), logits };
}

describe.each<[string, LoadOptions, Partial<PsoftConfig>]>([
  [
    'series',
    { rotation: { useCayleyNeumann: true, numCayleyNeumannTerms: 5 } },
    { r: 4, psoftAlpha: 4, neumannConvention: 'paper', psoftMagA: true, psoftMagB: true },
  ],
  [
    'exact',
    { rotation: { useCayleyNeumann: false } },
    { r: 5, psoftAlpha: 10, useCayleyNeumann: false, psoftMagA: true, psoftMagB: false },
  ],
  ['free', {}, { r: 3, psoftOrth: false, psoftMagA: false, psoftMagB: false }],
])('%s', (name, options, settings) => {
  test('loads to the outputs of the released definition', async () => {
    const { x, logits } = await expected(name);
    const model = await PeftModel.fromPretrained(base, folderOf(name), options);
    expect(model.config).toMatchObject(settings);
    expect(model.targetModules).toHaveLength(6);
    expect(largestDifference(logitsOf(model, x), logits)).toBeLessThan(1e-5);
    expect(warnings).toEqual([]);
  });

  test('and, saved, loads again as an ordinary PSOFT adapter', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'authors-'));
    try {
      const { x, logits } = await expected(name);
      const model = await PeftModel.fromPretrained(base, folderOf(name), options);
      await model.savePretrained(folder);
      const again = await PeftModel.fromPretrained(base, folder, { seed: 5 });
      expect(largestDifference(logitsOf(again, x), logits)).toBeLessThan(1e-5);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

test('without being told how R was computed, it says what it assumes', async () => {
  const { x, logits } = await expected('series');
  const model = await PeftModel.fromPretrained(base, folderOf('series'));
  expect(largestDifference(logitsOf(model, x), logits)).toBeLessThan(1e-5);
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toContain('does not say how R was computed');
});

test('is refused on other weights', async () => {
  await expect(PeftModel.fromPretrained(toyModel({ seed: 3 }), folderOf('free'))).rejects.toThrow(
    /cannot be rebuilt here|is not that of this model's weight/,
  );
});
