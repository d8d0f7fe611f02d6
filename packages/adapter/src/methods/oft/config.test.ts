/** Block sizes, warnings and old files of OFT, as PEFT 0.21 has them. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { largestDifference, logitsOf, plainLogits, random, tensorOf, toyModel } from '../../../test/toy.ts';
import { configFromPeft, getPeftModel, OftConfig } from '../../index.ts';
import { nearestDivisor } from './config.ts';
import { oft } from './index.ts';

let warnings: string[];
beforeEach(() => {
  warnings = [];
  vi.spyOn(process, 'emitWarning').mockImplementation((message) => void warnings.push(String(message)));
});
afterEach(() => vi.restoreAllMocks());

describe('block sizes that do not divide the inputs', () => {
  // PEFT's adjust_oft_parameters returns these.
  test.each([
    [10, 4, 5],
    [6, 4, 3],
    [768, 31, 32],
    [100, 30, 25],
    [11, 7, 11],
    [9, 6, 3],
    [12, 40, 12],
    [5, 1, 1],
  ])('%i inputs, %i wanted: %i', (total, wanted, expected) => {
    expect(nearestDivisor(total, wanted)).toBe(expected);
  });

  test('are as near as can be, the smaller of two', () => {
    for (let total = 1; total <= 60; total++)
      for (let wanted = 1; wanted <= 70; wanted++) {
        const found = nearestDivisor(total, wanted);
        expect(total % found).toBe(0);
        for (let other = 1; other <= total; other++)
          if (total % other === 0 && other !== found) {
            const further = Math.abs(other - wanted) - Math.abs(found - wanted);
            expect(further > 0 || (further === 0 && other > found)).toBe(true);
          }
      }
  });

  test('warn, once for each number of inputs', async () => {
    const targetModules = ['query_proj', 'dense'];
    await getPeftModel(toyModel(), new OftConfig({ oftBlockSize: 4, targetModules }));
    expect(warnings).toEqual([]);
    await getPeftModel(toyModel(), new OftConfig({ oftBlockSize: 5, targetModules }));
    expect(warnings).toEqual([
      'oft: oftBlockSize = 5 does not divide the 12 inputs of "toy.encoder.layer.0.query_proj": 3 blocks of 4 are used there',
    ]);
    await getPeftModel(toyModel(), new OftConfig({ r: 40, targetModules: ['query_proj'] }));
    expect(warnings[1]).toContain('oft: r = 40 does not divide the 12 inputs');
    expect(warnings).toHaveLength(2);
  });
});

test.each([
  [{ oftBlockSize: 32 }, (768 * 31) / 2],
  [{ oftBlockSize: 32, blockShare: true }, (32 * 31) / 2],
  [{ oftBlockSize: 32, scaled: true }, (768 * 31) / 2 + 3072],
  [{ r: 4 }, 4 * ((192 * 191) / 2)],
  [{ oftBlockSize: 1 }, 0],
])('%j trains %i values of a 3072 x 768 layer', (options, expected) => {
  const layer = { name: 'layer', inFeatures: 768, outFeatures: 3072, hasBias: true };
  expect(oft.parameterCount(layer, new OftConfig(options))).toBe(expected);
});

describe("files of PEFT's older OFT", () => {
  const file = { peft_type: 'OFT', r: 0, oft_block_size: 32, use_cayley_neumann: true };

  test.each([undefined, '0.17.1', '0.9.0.dev0@12ab'])('peft_version %s: warned of', (version) => {
    configFromPeft({ ...file, ...(version ? { peft_version: version } : {}) });
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain('of a PEFT before 0.18');
  });

  test.each(['0.18.0', '0.21.2', '0.18.1.dev0@12ab', '1.0.0'])('peft_version %s: not', (version) => {
    configFromPeft({ ...file, peft_version: version });
    expect(warnings).toEqual([]);
  });

  test('nor the exact branch, nor what is written here', () => {
    configFromPeft({ ...file, use_cayley_neumann: false });
    configFromPeft(new OftConfig({ targetModules: ['dense'] }).toPeft());
    expect(warnings).toEqual([]);
  });

  test('refused from before 0.14', () => {
    const { oft_block_size: _, ...old } = file;
    expect(() => configFromPeft({ ...old, r: 8 })).toThrow(
      'oft_block_size is missing, as in files of PEFT before 0.14',
    );
  });
});

test('blocks of one input train nothing and change nothing', async () => {
  const config = new OftConfig({ oftBlockSize: 1, targetModules: ['query_proj'] });
  const model = await getPeftModel(toyModel(), config);
  expect(model.layers.parameters).toEqual([]);
  const x = tensorOf(random(3, 'x', [2, 12]));
  const before = plainLogits(toyModel(), x);
  expect(largestDifference(logitsOf(model, x), before)).toBe(0);
  await model.merge();
  expect(largestDifference(logitsOf(model, x), before)).toBe(0);
});
