import { describe, expect, test } from 'vitest';
import { toyModel } from '../test/toy.ts';
import { PsoftConfig, type PsoftOptions } from './methods/psoft/index.ts';
import { nearest } from './nearest.ts';
import { findTargets, isWithin } from './target.ts';

const model = toyModel();
const found = (options: PsoftOptions): string[] =>
  findTargets(model, new PsoftConfig(options)).map(({ name }) => name.replace('toy.encoder.layer.', ''));

describe('finds', () => {
  test.each<[PsoftOptions, string[]]>([
    [{ targetModules: ['query_proj'] }, ['0.query_proj', '1.query_proj']],
    [
      { targetModules: ['output.dense', 'toy.encoder.layer.1.query_proj'] },
      ['0.output.dense', '1.query_proj', '1.output.dense'],
    ],
    // The pooler's dense belongs to the head.
    [
      { targetModules: ['dense'] },
      ['0.intermediate.dense', '0.output.dense', '1.intermediate.dense', '1.output.dense'],
    ],
    [
      { targetModules: '.*\\.(query_proj|output\\.dense)' },
      ['0.query_proj', '0.output.dense', '1.query_proj', '1.output.dense'],
    ],
    [
      { targetModules: 'all-linear' },
      [0, 1].flatMap((i) => [`${i}.query_proj`, `${i}.intermediate.dense`, `${i}.output.dense`]),
    ],
    [{ targetModules: 'all-linear', excludeModules: ['dense'] }, ['0.query_proj', '1.query_proj']],
    [{ targetModules: ['query_proj'], excludeModules: '.*layer\\.0.*' }, ['1.query_proj']],
    [{ targetModules: ['query_proj'], layersToTransform: 0 }, ['0.query_proj']],
    [{ targetModules: ['query_proj'], layersToTransform: [1, 7], layersPattern: 'layer' }, ['1.query_proj']],
    [{ targetModules: ['query_proj'], layersToTransform: [] }, ['0.query_proj', '1.query_proj']],
    [
      { targetModules: 'all-linear', modulesToSave: ['query_proj', 'intermediate'] },
      ['0.output.dense', '1.output.dense'],
    ],
  ])('%j', (options, names) => {
    expect(found(options)).toEqual(names);
  });
});

test('a string must match the whole name', () => {
  expect(() => found({ targetModules: 'query_proj' })).toThrow(
    'no module to adapt: targetModules "query_proj" leaves none of the 8 linear modules',
  );
});

describe('refuses', () => {
  test.each<[PsoftOptions, string]>([
    [
      { targetModules: ['query_proj', 'qury_proj'] },
      'targetModules: no linear module is named "qury_proj" or ends in ".qury_proj"; did you mean query_proj?',
    ],
    [{ targetModules: ['proj'] }, 'no linear module is named "proj"'],
    [
      { targetModules: ['query_proj'], excludeModules: ['dens'] },
      'excludeModules: no linear module is named "dens"',
    ],
    [{ targetModules: '(' }, 'targetModules: "(" is not a regular expression'],
    [{}, 'targetModules is left out and there is no default for model_type "toy"'],
    [{ targetModules: ['query_proj'], layersToTransform: 5 }, 'no module to adapt'],
    [{ targetModules: ['query_proj'], layersToTransform: 0, layersPattern: 'blocks' }, 'no module to adapt'],
    [{ targetModules: ['classifier'] }, 'no module to adapt'],
    [
      { targetModules: ['query_proj'], modulesToSave: ['clasifier'] },
      'modulesToSave: no module "clasifier" in ToyForSequenceClassification; did you mean classifier?',
    ],
  ])('%j', (options, message) => {
    expect(() => found(options)).toThrow(message);
  });
});

test("the defaults are PEFT's, by model_type", () => {
  const deberta = { ...model, config: { model_type: 'deberta-v2' } };
  expect(() => findTargets(deberta, new PsoftConfig())).toThrow('"value_proj"');
  const llama = { ...model, config: { model_type: 'llama' } };
  expect(() => findTargets(llama, new PsoftConfig())).toThrow('"q_proj"');
});

test('a module is named by whole parts of a path', () => {
  expect(isWithin('deberta.pooler.dense.weight', 'pooler')).toBe(true);
  expect(isWithin('pooler.weight', 'pooler')).toBe(true);
  expect(isWithin('deberta.pooler2.weight', 'pooler')).toBe(false);
});

test('near names come first, far ones not at all', () => {
  expect(nearest('querry', ['key_proj', 'query', 'query_proj', 'dense'])).toEqual(['query', 'query_proj']);
});
