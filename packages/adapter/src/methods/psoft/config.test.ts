import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { configFromPeft } from '../../registry.ts';
import { PsoftConfig, type PsoftOptions } from './config.ts';

let warnings: string[];
beforeEach(() => {
  warnings = [];
  vi.spyOn(process, 'emitWarning').mockImplementation((message) => void warnings.push(String(message)));
});
afterEach(() => vi.restoreAllMocks());

const build = (options: Record<string, unknown>) => () => new PsoftConfig(options as PsoftOptions);

test("defaults are PEFT's", () => {
  expect({ ...new PsoftConfig() }).toEqual({
    r: 32,
    psoftAlpha: 32,
    psoftDropout: 0,
    abSvdInit: 'psoft_init',
    psoftSvd: 'full',
    psoftSvdLowrankNiter: 10,
    randomSeed: 0,
    psoftOrth: true,
    orthogonalityPenalty: 0,
    psoftMagA: true,
    psoftMagB: true,
    useCayleyNeumann: false,
    numCayleyNeumannTerms: 5,
    neumannConvention: 'peft',
    initWeights: true,
  });
  expect(warnings).toEqual([]);
});

test('scaling is alpha / r', () => {
  expect(new PsoftConfig({ r: 8, psoftAlpha: 12 }).scaling).toBe(1.5);
});

describe('refuses, quoting the value', () => {
  test.each([
    [{ r: 0 }, 'psoft: r must be a positive integer up to 65536, got 0'],
    [{ r: 2.5 }, 'r must be a positive integer up to 65536, got 2.5'],
    [{ r: '8' }, 'r must be a positive integer up to 65536, got "8"'],
    [{ psoftAlpha: 0 }, 'psoftAlpha must be a positive number, got 0'],
    [{ psoftAlpha: Number.NaN }, 'psoftAlpha must be a positive number, got NaN'],
    [{ psoftDropout: 1 }, 'psoftDropout must be at least 0 and below 1, got 1'],
    [
      { abSvdInit: 'pisa_init' },
      'psoft: abSvdInit must be one of psoft_init, pissa_init, output_init, got "pisa_init"',
    ],
    [{ psoftSvd: 'fast' }, 'psoftSvd must be one of full, lowrank, got "fast"'],
    [
      { psoftSvd: 'lowrank', psoftSvdLowrankNiter: -1 },
      'psoftSvdLowrankNiter must be an integer of at least 0, got -1',
    ],
    [
      { useCayleyNeumann: true, numCayleyNeumannTerms: 0 },
      'numCayleyNeumannTerms must be a positive integer up to 65536, got 0',
    ],
    [
      { useCayleyNeumann: true, cayleyNeumannEps: 1 },
      'cayleyNeumannEps must be between 0 and 1, both excluded, got 1',
    ],
    [{ neumannConvention: 'authors' }, 'neumannConvention must be one of peft, paper, got "authors"'],
    [{ psoftOrth: 1 }, 'psoftOrth must be true or false, got 1'],
    [{ targetModules: [] }, 'targetModules must be a list of module names or suffixes'],
    [{ targetModules: [''] }, 'targetModules must be'],
    [
      { layersToTransform: [-1] },
      'layersToTransform must be a layer index or a list of layer indices, got [-1]',
    ],
    [{ psoftalpha: 3 }, 'unknown setting "psoftalpha"; did you mean psoftAlpha'],
    [{ zebra: 3 }, 'unknown setting "zebra"; known: targetModules, excludeModules'],
    [
      { targetModules: '.*query', layersToTransform: 0 },
      'layersToTransform (0) cannot be used when targetModules is a string (".*query")',
    ],
    [
      { targetModules: '.*query', layersPattern: 'layer', layersToTransform: 1 },
      'cannot be used when targetModules',
    ],
    [{ layersPattern: 'layer' }, 'layersPattern ("layer") needs layersToTransform'],
    [{ r: 1, psoftMagA: false, psoftMagB: false }, 'trains nothing'],
  ])('%j', (options, message) => {
    expect(build(options)).toThrow(message);
  });
});

describe('warns of settings without effect', () => {
  test.each([
    [
      { psoftSvdLowrankNiter: 3 },
      'psoftSvdLowrankNiter = 3 has no effect: it is only used when psoftSvd is lowrank',
    ],
    [{ randomSeed: 3 }, 'randomSeed = 3 has no effect'],
    [{ numCayleyNeumannTerms: 3 }, 'only used when useCayleyNeumann is true, here it is false'],
    [{ cayleyNeumannEps: 0.5 }, 'cayleyNeumannEps = 0.5 has no effect'],
    [{ neumannConvention: 'paper' }, 'neumannConvention = paper has no effect'],
    [
      { psoftOrth: false, useCayleyNeumann: true },
      'useCayleyNeumann = true has no effect: it is only used when psoftOrth',
    ],
  ])('%j', (options, message) => {
    new PsoftConfig(options as PsoftOptions);
    expect(warnings).toEqual([expect.stringContaining(message)]);
  });

  test('and not where they have one', () => {
    new PsoftConfig({
      psoftSvd: 'lowrank',
      psoftSvdLowrankNiter: 3,
      randomSeed: 1,
      useCayleyNeumann: true,
      numCayleyNeumannTerms: 3,
      cayleyNeumannEps: 0.5,
      neumannConvention: 'paper',
    });
    expect(warnings).toEqual([]);
  });
});

describe("PEFT's file form", () => {
  test.each<PsoftOptions>([
    {},
    { targetModules: ['query'], excludeModules: '.*0.*', modulesToSave: ['classifier'], taskType: 'SEQ_CLS' },
    { targetModules: ['query'], layersToTransform: [0, 2], layersPattern: 'layer', revision: 'main' },
    { r: 8, psoftAlpha: 4, psoftDropout: 0.1, abSvdInit: 'pissa_init', psoftOrth: false, psoftMagA: false },
    {
      useCayleyNeumann: true,
      numCayleyNeumannTerms: 4,
      cayleyNeumannEps: 0.9,
      psoftSvd: 'lowrank',
      randomSeed: 2,
    },
  ])('and back: %j', (options) => {
    const config = new PsoftConfig(options);
    const file = JSON.parse(JSON.stringify(config.toPeft()));
    expect(file.peft_type).toBe('PSOFT');
    expect(configFromPeft(file)).toEqual(config);
  });

  test("has exactly PEFT's keys", () => {
    // What PEFT 0.21.2 writes for a PsoftConfig.
    const keys =
      'ab_svd_init auto_mapping base_model_name_or_path cayley_neumann_eps exclude_modules fan_in_fan_out inference_mode ' +
      'init_weights layers_pattern layers_to_transform modules_to_save num_cayley_neumann_terms peft_type peft_version ' +
      'psoft_alpha psoft_dropout psoft_mag_a psoft_mag_b psoft_orth psoft_svd psoft_svd_lowrank_niter r random_seed ' +
      'revision target_modules task_type use_cayley_neumann';
    expect(Object.keys(new PsoftConfig().toPeft()).join(' ')).toBe(keys);
  });

  test("counts the paper's terms as PEFT does", () => {
    const config = new PsoftConfig({
      useCayleyNeumann: true,
      neumannConvention: 'paper',
      numCayleyNeumannTerms: 5,
    });
    const file = config.toPeft();
    expect(file.num_cayley_neumann_terms).toBe(7);
    expect(file).not.toHaveProperty('neumann_convention');
  });

  test('refuses weights stored transposed', () => {
    expect(() => configFromPeft({ peft_type: 'PSOFT', fan_in_fan_out: true })).toThrow(
      'weights here are always [out, in]',
    );
    expect(() => configFromPeft({})).toThrow("peft_type must be a method's name, got undefined");
  });
});
