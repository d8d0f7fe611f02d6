/** The mathematics sets through a Hub on loopback. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { readMetaMathFromHub, readProblemsFromHub } from '../../src/math/read/hub.ts';
import { COMMIT, useSetting } from './setting.ts';

const setting = useSetting();
const FIXTURES = fileURLToPath(new URL('../fixtures/math/', import.meta.url));
const SUBJECTS =
  'algebra counting_and_probability geometry intermediate_algebra number_theory prealgebra precalculus'.split(
    ' ',
  );

const host = (name: string, files: Record<string, string>) =>
  setting.hub.host(
    `datasets/${name}`,
    Object.fromEntries(
      Object.entries(files).map(([file, fixture]) => [
        file,
        { content: readFileSync(path.join(FIXTURES, fixture)), isLarge: true },
      ]),
    ),
  );
const options = (environment = {}) => ({ environment: { ...setting.environment, ...environment } });

describe('GSM8K from the Hub', () => {
  test('both splits of its main configuration, and the commit; the cache serves offline', async () => {
    host('openai/gsm8k', {
      'main/train-00000-of-00001.parquet': 'gsm8k-train.parquet',
      'main/test-00000-of-00001.parquet': 'gsm8k-test.parquet',
      'socratic/test-00000-of-00001.parquet': 'algebra-test.parquet',
    });
    const { splits, commit } = await readProblemsFromHub('gsm8k', ['train', 'test'], undefined, options());
    expect(commit).toBe(COMMIT);
    expect([splits.train.examples.length, splits.test.examples.length]).toEqual([5, 3]);
    expect(splits.test.source).toBe('openai/gsm8k@c0ffee00 test');
    expect(splits.test.examples[0]!.solution).toMatch(/#### 1$/);
    const before = setting.hub.log();
    const again = await readProblemsFromHub('gsm8k', ['test'], undefined, options({ HF_HUB_OFFLINE: '1' }));
    expect(again.splits.test).toEqual(splits.test);
    expect(setting.hub.log()).toHaveLength(before.length);
  });
  test('a split that is absent is named', async () => {
    host('org/copy', { 'data/train-00000-of-00001.parquet': 'gsm8k-train.parquet' });
    await expect(
      readProblemsFromHub('gsm8k', ['train', 'test'], { name: 'org/copy' }, options()),
    ).rejects.toThrow(
      /^dataset "org\/copy" has no test split at commit c0ffee0*: expected test-\*\.parquet below main, found data\/train-00000/,
    );
  });
});

describe('MATH from the Hub', () => {
  test('a configuration for each subject, in the order of their names', async () => {
    host(
      'EleutherAI/hendrycks_math',
      Object.fromEntries(
        SUBJECTS.map((subject) => [`${subject}/test-00000-of-00001.parquet`, 'algebra-test.parquet']),
      ),
    );
    const { splits } = await readProblemsFromHub('math', ['test'], undefined, options());
    expect(splits.test.examples).toHaveLength(28);
    expect(splits.test.examples[5]).toMatchObject({ level: 'Level 2', type: 'Algebra' });
  });
  test('not without one of them', async () => {
    host(
      'EleutherAI/hendrycks_math',
      Object.fromEntries(
        SUBJECTS.slice(1).map((subject) => [`${subject}/test-0.parquet`, 'algebra-test.parquet']),
      ),
    );
    await expect(readProblemsFromHub('math', ['test'], undefined, options())).rejects.toThrow(
      /lacks the subjects algebra:/,
    );
  });
  test('a copy in one piece', async () => {
    host('org/math', { 'data/test-00000-of-00001.parquet': 'algebra-test.parquet' });
    const { splits } = await readProblemsFromHub('math', ['test'], { name: 'org/math' }, options());
    expect(splits.test.examples).toHaveLength(4);
  });
});

describe('MetaMathQA from the Hub', () => {
  test('as its authors publish it', async () => {
    const rows = [{ query: 'q', response: 'r', type: 't', original_question: 'o' }];
    setting.hub.host('datasets/meta-math/MetaMathQA-40K', {
      'MetaMathQA-40K.json': { content: Buffer.from(JSON.stringify(rows)), isLarge: true },
    });
    const { set, commit } = await readMetaMathFromHub(undefined, options());
    expect(set).toEqual({
      source: 'meta-math/MetaMathQA-40K@c0ffee00 train',
      examples: [{ query: 'q', response: 'r', type: 't' }],
    });
    expect(commit).toBe(COMMIT);
  });
  test('a copy in parquet, or GSM8K in its place', async () => {
    host('org/metamath', { 'data/train-00000-of-00001.parquet': 'metamath-train.parquet' });
    const { set } = await readMetaMathFromHub({ name: 'org/metamath' }, options());
    expect(set.examples.map(({ type }) => type)).toEqual(['GSM_Rephrased', 'MATH_AnsAug']);
    host('openai/gsm8k', { 'main/train-00000-of-00001.parquet': 'gsm8k-train.parquet' });
    const gsm8k = await readMetaMathFromHub({ name: 'openai/gsm8k' }, options());
    expect(gsm8k.set.examples[1]!.response).toBe('1 + 2 = 3 sails\n#### 3\nThe answer is: 3');
  });
  test('a data set that has neither', async () => {
    host('org/none', { 'README.md': 'gsm8k-test.parquet' });
    await expect(readMetaMathFromHub({ name: 'org/none' }, options())).rejects.toThrow(
      /^dataset "org\/none" at commit c0ffee0*: expected one MetaMathQA\*\.json or train-\*\.parquet, found none$/,
    );
  });
});
