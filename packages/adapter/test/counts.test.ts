/** Trained numbers of every method against the counts that the PSOFT paper prints (arXiv 2505.11235, Tables 2 to 6, 13, 15). */
import type { LinearModule } from '@psoft/engine';
import { describe, expect, test } from 'vitest';
import { METHODS, methodNamed } from '../src/index.ts';

type Letter = 'q' | 'k' | 'v' | 'o' | 'u' | 'd' | 'g';

const linear = (inFeatures: number, outFeatures: number): LinearModule => ({
  name: 'layer',
  inFeatures,
  outFeatures,
  hasBias: true,
});

/** Linear modules of one layer of a decoder with grouped queries, by the letter that the paper gives them. */
const decoder = (hidden: number, inner: number): Record<Letter, LinearModule> => ({
  q: linear(hidden, hidden),
  k: linear(hidden, 1024),
  v: linear(hidden, 1024),
  o: linear(hidden, hidden),
  u: linear(hidden, inner),
  d: linear(inner, hidden),
  g: linear(hidden, inner),
});

/** DeBERTaV3-base, and ViT-B/16, which has the same linear layers. */
const ENCODER = {
  layers: 12,
  linears: { ...decoder(768, 3072), k: linear(768, 768), v: linear(768, 768) },
};
const LLAMA_3B = { layers: 28, linears: decoder(3072, 8192) };
const LLAMA_8B = { layers: 32, linears: decoder(4096, 14336) };

const ALL = 'qkvoudg';
const ROWS: [string, typeof ENCODER, string, string, Record<string, unknown>, string][] = [
  // Table 2, and Table 3 with the same counts.
  ['Table 2', ENCODER, 'qkvoud', 'goft', {}, '0.08'],
  ['Table 2', ENCODER, 'qkvoud', 'qgoft', {}, '0.33'],
  ['Table 2', ENCODER, 'qkvoud', 'boft', { boftBlockSize: 8, boftNButterflyFactor: 2 }, '1.41'],
  ['Table 2', ENCODER, 'qkvoud', 'oft', { oftBlockSize: 32 }, '1.29'],
  ['Table 2', ENCODER, 'qkvoud', 'lora', { r: 8 }, '1.33'],
  ['Table 2', ENCODER, 'qkvoud', 'pissa', { r: 8 }, '1.33'],
  ['Table 2', ENCODER, 'qkvoud', 'dora', { r: 8 }, '1.41'],
  ['Table 2', ENCODER, 'qkvoud', 'lora-xs', { r: 136 }, '1.33'],
  ['Table 2', ENCODER, 'qkvoud', 'psoft', { r: 46 }, '0.08'],
  ['Table 4', LLAMA_3B, ALL, 'goft', {}, '0.75'],
  ['Table 4', LLAMA_3B, ALL, 'qgoft', {}, '2.98'],
  ['Table 4', LLAMA_3B, ALL, 'boft', { boftBlockSize: 2, boftNButterflyFactor: 2 }, '3.76'],
  ['Table 4', LLAMA_3B, ALL, 'oft', { oftBlockSize: 32 }, '11.6'],
  ['Table 4', LLAMA_3B, ALL, 'lora', { r: 8 }, '12.2'],
  ['Table 4', LLAMA_3B, ALL, 'pissa', { r: 8 }, '12.2'],
  ['Table 4', LLAMA_3B, ALL, 'dora', { r: 8 }, '12.9'],
  ['Table 4', LLAMA_3B, ALL, 'lora-xs', { r: 248 }, '12.1'],
  ['Table 4', LLAMA_3B, ALL, 'psoft', { r: 352 }, '12.2'],
  ['Table 5', LLAMA_8B, 'qkvud', 'goft', {}, '0.98'],
  ['Table 5', LLAMA_8B, 'qkvud', 'qgoft', {}, '3.93'],
  ['Table 5', LLAMA_8B, 'qkvud', 'boft', { boftBlockSize: 2, boftNButterflyFactor: 2 }, '4.72'],
  ['Table 5', LLAMA_8B, 'qkvud', 'lora', { r: 8 }, '14.2'],
  ['Table 5', LLAMA_8B, 'qkvud', 'dora', { r: 8 }, '14.9'],
  ['Table 5', LLAMA_8B, 'qkvud', 'lora-xs', { r: 298 }, '14.2'],
  ['Table 5', LLAMA_8B, 'qkvud', 'psoft', { r: 424 }, '14.5'],
  [
    'Table 6',
    LLAMA_3B,
    ALL,
    'psoft',
    { r: 248, psoftOrth: false, psoftMagA: false, psoftMagB: false },
    '12.1',
  ],
  ['Table 6', LLAMA_3B, ALL, 'psoft', { r: 248, psoftMagA: false, psoftMagB: false }, '6.0'],
  ['Table 6', LLAMA_3B, ALL, 'psoft', { r: 352, psoftMagA: false, psoftMagB: false }, '12.1'],
  ['Table 13', LLAMA_3B, 'qkv', 'goft', {}, '0.26'],
  ['Table 13', LLAMA_3B, 'qkv', 'qgoft', {}, '1.03'],
  ['Table 13', LLAMA_3B, 'qkv', 'boft', { boftBlockSize: 2, boftNButterflyFactor: 2 }, '1.18'],
  // Printed 1.20.
  ['Table 13', LLAMA_3B, 'qkv', 'psoft', { r: 168 }, '1.21'],
  ['Table 13', LLAMA_3B, ALL, 'lora-xs', { r: 48 }, '0.45'],
  ['Table 13', LLAMA_3B, ALL, 'psoft', { r: 72 }, '0.53'],
  ['Table 13', LLAMA_3B, ALL, 'lora', { r: 1 }, '1.52'],
  ['Table 13', LLAMA_3B, ALL, 'lora-xs', { r: 88 }, '1.52'],
  ['Table 13', LLAMA_3B, ALL, 'psoft', { r: 124 }, '1.54'],
  ['Table 13', LLAMA_3B, ALL, 'dora', { r: 1 }, '2.29'],
  ['Table 13', LLAMA_3B, ALL, 'psoft', { r: 152 }, '2.31'],
  ['Table 15', LLAMA_8B, 'qv', 'goft', {}, '0.26'],
  ['Table 15', LLAMA_8B, 'qv', 'qgoft', {}, '1.05'],
  ['Table 15', LLAMA_8B, 'qv', 'boft', { boftBlockSize: 2, boftNButterflyFactor: 2 }, '1.21'],
  ['Table 15', LLAMA_8B, 'qv', 'psoft', { r: 194 }, '1.22'],
  ['Table 15', LLAMA_8B, 'qkvud', 'lora-xs', { r: 48 }, '0.37'],
  ['Table 15', LLAMA_8B, 'qkvud', 'psoft', { r: 72 }, '0.43'],
  ['Table 15', LLAMA_8B, 'qkvud', 'lora', { r: 1 }, '1.77'],
  ['Table 15', LLAMA_8B, 'qkvud', 'lora-xs', { r: 104 }, '1.73'],
  ['Table 15', LLAMA_8B, 'qkvud', 'psoft', { r: 146 }, '1.74'],
  ['Table 15', LLAMA_8B, 'qkvud', 'dora', { r: 1 }, '2.56'],
  ['Table 15', LLAMA_8B, 'qkvud', 'psoft', { r: 176 }, '2.52'],
];

function count(
  model: typeof ENCODER,
  letters: string,
  name: string,
  options: Record<string, unknown>,
): number {
  const method = methodNamed(name);
  const config = method.configure(options);
  return [...letters].reduce(
    (sum, letter) => sum + model.layers * method.parameterCount(model.linears[letter as Letter], config),
    0,
  );
}

describe('the paper prints, in millions', () => {
  test.each(ROWS)('%s on %s: %s %j is %s', (_, model, letters, name, options, printed) => {
    const decimals = printed.split('.')[1]!.length;
    // Some cells are cut rather than rounded.
    const millions = count(model, letters, name, options) / 1e6;
    expect(Math.abs(millions - Number(printed))).toBeLessThan(10 ** -decimals);
  });

  test('but for OFT in Table 5: 14.3, where the formula of its other counts gives 15.24', () => {
    expect(count(LLAMA_8B, 'qkvud', 'oft', { oftBlockSize: 32 })).toBe(15_237_120);
  });

  test('and every method of its tables is here', () => {
    const inTables = new Set(ROWS.map(([, , , name]) => name));
    for (const name of inTables) expect(Object.keys(METHODS)).toContain(name);
  });
});
