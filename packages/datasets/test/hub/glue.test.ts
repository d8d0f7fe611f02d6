/** GLUE and models through a Hub on loopback. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { readGlueFromHub } from '../../src/glue/hub.ts';
import { fetchModel } from '../../src/hub/model.ts';
import { type HostedFile, small } from './server.ts';
import { COMMIT, useSetting } from './setting.ts';

const setting = useSetting();
const FIXTURES = fileURLToPath(new URL('../fixtures/glue/', import.meta.url));
const DATA = { name: 'org/glue' };

function hostGlue(...files: readonly string[]): void {
  const hosted = files.map((file): [string, HostedFile] => [
    `${file}-00000-of-00001.parquet`,
    { content: readFileSync(path.join(FIXTURES, `${file}-00000-of-00001.parquet`)), isLarge: true },
  ]);
  setting.hub.host('datasets/org/glue', Object.fromEntries(hosted));
}
const options = () => ({ environment: setting.environment });

describe('GLUE from the Hub', () => {
  test('texts, classes and the commit', async () => {
    hostGlue('rte/train', 'rte/validation');
    const { splits, commit } = await readGlueFromHub(DATA, 'rte', ['train', 'validation'], options());
    expect(commit).toBe(COMMIT);
    expect([splits.train.examples.length, splits.validation.examples.length]).toEqual([24, 12]);
    expect(splits.train.examples[1]).toEqual({
      text: 'The sailor saw ship 1.',
      textPair: 'The ship 1 was seen.',
      label: 1,
    });
    expect(splits.train.source).toBe('org/glue@c0ffee00 rte/train');
  });
  test('scores', async () => {
    hostGlue('stsb/train');
    const { splits } = await readGlueFromHub(DATA, 'stsb', ['train'], options());
    expect(splits.train.examples.slice(0, 3).map(({ label }) => label)).toEqual([0, 0.5, 1]);
  });
  test('columns of other names, a second validation set, test sets without labels', async () => {
    hostGlue('mnli/validation_matched', 'mnli/validation_mismatched', 'mnli/test_mismatched');
    const wanted = ['validation', 'mismatched', 'testMismatched'] as const;
    const { splits } = await readGlueFromHub(DATA, 'mnli', wanted, options());
    expect(wanted.map((name) => splits[name].examples.length)).toEqual([12, 9, 4]);
    expect(splits.validation.examples[2]!.label).toBe(2);
    expect(splits.testMismatched.examples[2]!.label).toBe(-1);
  });
  test('a missing split is named', async () => {
    hostGlue('rte/train');
    await expect(readGlueFromHub(DATA, 'rte', ['train', 'validation'], options())).rejects.toThrow(
      /rte\/validation-\*\.parquet/,
    );
  });
  test('other columns are refused', async () => {
    const content = readFileSync(path.join(FIXTURES, 'mnli/train-00000-of-00001.parquet'));
    setting.hub.host('datasets/org/glue', { 'rte/train-00000-of-00001.parquet': { content, isLarge: true } });
    await expect(readGlueFromHub(DATA, 'rte', ['train'], options())).rejects.toThrow(/sentence1/);
  });
});

describe('models', () => {
  const fetched = async (files: Record<string, HostedFile>) => {
    setting.hub.host('models/org/tiny', files);
    return [...(await fetchModel({ name: 'org/tiny' }, options())).files].sort();
  };
  test('safetensors before torch’s files, and only what is read', async () => {
    const files = {
      'config.json': small('{}'),
      'spm.model': small('x'),
      'tokenizer_config.json': small('{}'),
      'model.safetensors': small('weights'),
      'pytorch_model.bin': small('more weights'),
      'tf_model.h5': small('others'),
      'README.md': small('text'),
    };
    expect(await fetched(files)).toEqual([
      'config.json',
      'model.safetensors',
      'spm.model',
      'tokenizer_config.json',
    ]);
    expect(setting.hub.log().filter((line) => /GET .*(bin|h5|md)$/.test(line))).toEqual([]);
  });
  test('torch’s files where there is nothing else', async () => {
    const files = { 'config.json': small('{}'), 'pytorch_model.bin': small('weights') };
    expect(await fetched(files)).toEqual(['config.json', 'pytorch_model.bin']);
  });
  test('shards by their index', async () => {
    const index = JSON.stringify({ weight_map: { a: 'model-1.safetensors', b: 'model-2.safetensors' } });
    expect(
      await fetched({
        'config.json': small('{}'),
        'model.safetensors.index.json': small(index),
        'model-1.safetensors': small('1'),
        'model-2.safetensors': small('2'),
        'model-3.safetensors': small('of no use'),
      }),
    ).toEqual(['config.json', 'model-1.safetensors', 'model-2.safetensors', 'model.safetensors.index.json']);
  });
  test('a repository without weights names what was looked for', async () => {
    await expect(fetched({ 'config.json': small('{}') })).rejects.toThrow(
      /org\/tiny has no weights.*model\.safetensors.*pytorch_model\.bin/,
    );
  });
  test('all of it from the cache when offline', async () => {
    await fetched({ 'config.json': small('{}'), 'pytorch_model.bin': small('weights') });
    const before = setting.hub.log().length;
    const environment = { ...setting.environment, HF_HUB_OFFLINE: '1' };
    const { files } = await fetchModel({ name: 'org/tiny' }, { environment });
    expect([...files].sort()).toEqual(['config.json', 'pytorch_model.bin']);
    expect(setting.hub.log()).toHaveLength(before);
  });
});
