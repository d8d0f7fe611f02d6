/** Settings of the methods: defaults, and what is refused with which words. PSOFT's have a test of their own. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { configFromPeft, getPeftModel, METHODS, methodNamed } from '../src/index.ts';
import { toyModel } from './toy.ts';

let warnings: string[];
beforeEach(() => {
  warnings = [];
  vi.spyOn(process, 'emitWarning').mockImplementation((message) => void warnings.push(String(message)));
});
afterEach(() => vi.restoreAllMocks());

test.each([
  ['lora', { r: 8, loraAlpha: 8, loraDropout: 0, useRslora: false, useDora: false, initLoraWeights: true }],
  ['pissa', { r: 8, loraAlpha: 8, initLoraWeights: 'pissa', useDora: false }],
  ['dora', { r: 8, loraAlpha: 8, initLoraWeights: true, useDora: true }],
  ['oft', { r: 0, oftBlockSize: 32, moduleDropout: 0, coft: false, eps: 6e-5, blockShare: false }],
  ['oft', { useCayleyNeumann: true, numCayleyNeumannTerms: 5, initWeights: true }],
  ['boft', { boftBlockSize: 4, boftBlockNum: 0, boftNButterflyFactor: 1, boftDropout: 0 }],
  ['vera', { r: 256, projectionPrngKey: 0, saveProjection: true, veraDropout: 0, dInitial: 0.1 }],
  ['lora-xs', { r: 25, loraAlpha: 16, initStd: 1e-5, svd: 'full' }],
  ['svft', { pattern: 'plain', offDiag: 1, mInit: 'zero' }],
  ['goft', { strictOft: true, noScaling: true }],
  ['qgoft', { strictOft: false, noScaling: true }],
])("%s's defaults", (method, expected) => {
  expect(methodNamed(method).configure({})).toMatchObject(expected);
  expect(warnings).toEqual([]);
});

test.each(Object.keys(METHODS))('%s: its settings survive the file, and so does its name', (name) => {
  const config = methodNamed(name).configure({ targetModules: ['dense'], taskType: 'SEQ_CLS' });
  const read = configFromPeft(JSON.parse(JSON.stringify(config.toPeft())));
  expect({ ...read }).toEqual({ ...config });
  expect(read.method).toBe(name);
  expect(config.method).toBe(name);
});

describe('refused', () => {
  test.each([
    ['lora', { r: 0 }, 'lora: r must be a positive integer up to 65536, got 0'],
    ['lora', { initLoraWeights: 'pissa_niter_0' }, 'initLoraWeights must be true, false, gaussian, pissa'],
    ['lora', { rankPattern: { dense: 0 } }, 'rankPattern must be an object of ranks by module name'],
    ['lora', { initWeights: false }, 'unknown setting "initWeights"; did you mean initLoraWeights'],
    [
      'oft',
      { r: 2, oftBlockSize: 4 },
      'give the number of blocks r or their size oftBlockSize and set the other to 0',
    ],
    ['oft', { oftBlockSize: 0 }, 'got r = 0, oftBlockSize = 0'],
    ['oft', { eps: 0 }, 'eps must be a positive number'],
    ['boft', { boftBlockSize: 4, boftBlockNum: 2 }, 'give boftBlockSize or boftBlockNum'],
    ['boft', { boftNButterflyFactor: 0 }, 'boftNButterflyFactor must be a positive integer'],
    ['vera', { dInitial: Number.NaN }, 'dInitial must be a finite number'],
    ['svft', { pattern: 'diagonal' }, 'pattern must be one of plain, banded, random, top_k'],
    ['goft', { strict: true }, 'unknown setting "strict"; did you mean strictOft'],
  ])('%s %j', (method, options, message) => {
    expect(() => methodNamed(method).configure(options)).toThrow(message);
  });

  test.each([
    [
      'boft',
      { boftBlockSize: 5 },
      /boft "toy\.encoder\.layer\.0\.query_proj": the inputs are no multiple of 5/,
    ],
    [
      'boft',
      { boftBlockSize: 4, boftNButterflyFactor: 2 },
      /the number of blocks \(3\) must be a multiple of 2\^1/,
    ],
    ['boft', { boftBlockSize: 3, boftNButterflyFactor: 2 }, /the block size \(3\) must be even/],
    ['pissa', { r: 13 }, /pissa "toy.*": rank must be at most min\(in, out\) = 12, got 13/],
    ['lora-xs', { r: 13 }, /lora-xs "toy.*": rank must be at most/],
    ['svft', { rank: 13 }, /svft "toy.*": rank must be at most/],
  ])('where the layer does not fit: %s %j', async (method, options, message) => {
    const config = methodNamed(method).configure({ ...options, targetModules: ['query_proj'] });
    await expect(getPeftModel(toyModel(), config)).rejects.toThrow(message);
  });
});

test.each([
  ['oft', { eps: 0.1 }, 'oft: eps = 0.1 has no effect: it is only used when coft is true'],
  ['oft', { useCayleyNeumann: false, numCayleyNeumannTerms: 3 }, 'numCayleyNeumannTerms = 3 has no effect'],
  ['svft', { randomSeed: 3 }, 'svft: randomSeed = 3 has no effect'],
  ['lora-xs', { svdNiter: 3 }, 'lora-xs: svdNiter = 3 has no effect'],
])('without effect: %s %j', (method, options, message) => {
  methodNamed(method).configure(options);
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toContain(message);
});

test("a setting of PEFT's that is switched off is passed over, one that is on is not", () => {
  const file = {
    peft_type: 'LORA',
    r: 4,
    loftq_config: {},
    use_qalora: false,
    qalora_group_size: 16,
    bias: 'none',
  };
  expect(configFromPeft(file)).toMatchObject({ r: 4 });
  expect(() => configFromPeft({ ...file, use_qalora: true })).toThrow('unknown setting "useQalora"');
  expect(() => configFromPeft({ ...file, bias: 'all' })).toThrow('unknown setting "bias"');
});

test('docs/methods.md has a row for every method', async () => {
  const page = await readFile(path.join(import.meta.dirname, '../../../docs/methods.md'), 'utf8');
  for (const name of Object.keys(METHODS)) expect(page).toMatch(new RegExp(`^\\| \`${name}\` \\|`, 'm'));
});
