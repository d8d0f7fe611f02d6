/** Each checkpoint has a card in the Hub's form, and what it says is what the files say. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { type CheckpointName, checkpointFolder } from '../src/index.ts';

const parent = path.dirname(checkpointFolder('deberta-tiny'));
const names = readdirSync(parent) as CheckpointName[];

test('every checkpoint is looked at', () => {
  expect(names.sort()).toEqual(['deberta-tiny', 'llama-tiny', 'opt-tiny', 'vit-tiny']);
});

describe.each(names)('%s', (name) => {
  const file = (one: string) => readFileSync(path.join(checkpointFolder(name), one), 'utf8');
  const card = file('README.md');
  const [, header, text] = /^---\n([\s\S]*?)\n---\n([\s\S]*)$/.exec(card)!;
  const pretraining = JSON.parse(file('pretraining.json'));
  const config = JSON.parse(file('config.json'));

  test('the header has the fields that the Hub reads', () => {
    const fields = [...header!.matchAll(/^(\w+):/gm)].map(([, field]) => field);
    expect(fields).toEqual(
      expect.arrayContaining([
        'license',
        'library_name',
        'pipeline_tag',
        'tags',
        ...(name === 'vit-tiny' ? [] : ['language']),
      ]),
    );
    expect(header).toContain('license: apache-2.0');
  });

  test('settings and losses are those of pretraining.json and config.json', () => {
    const { steps, batchSize, length, learningRate, seed, finalLoss } = pretraining;
    expect(text).toContain(`${steps.toLocaleString('en')} steps of ${batchSize} `);
    if (length !== undefined) expect(text).toContain(`of ${length} tokens`);
    expect(text).toContain(`learning rate ${learningRate}, seed ${seed}`);
    expect(text).toContain(`${finalLoss.toFixed(2)} (natural logarithm`);
    expect(text).toContain(`${config.num_hidden_layers} layers`);
    expect(text).toContain(`${config.num_attention_heads} heads`);
    if (config.vocab_size !== undefined) expect(text).toContain(`${config.vocab_size.toLocaleString('en')} `);
  });

  test('says what it is not for', () => {
    expect(text).toMatch(/\*\*Not for\*\*/);
  });
});
