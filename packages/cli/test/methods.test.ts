/** Methods on the command line: listed, described, chosen with settings of their own, compared. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { METHODS } from '@psoft/adapter';
import { readRecords } from '@psoft/results';
import { afterAll, describe, expect, test } from 'vitest';
import { readMethodFlags } from '../src/methodFlags.ts';
import { psoft } from './psoft.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'psoft-methods-'));
afterAll(() => rmSync(folder, { recursive: true, maxRetries: 5 }));
const out = (name: string) => [
  '--results-dir',
  path.join(folder, name),
  '--runs-dir',
  path.join(folder, `${name}-runs`),
];

describe('psoft methods', () => {
  test('lists every method with what it trains and where it comes from', async () => {
    const { stdout, code } = await psoft('methods');
    expect(code).toBe(0);
    for (const name of [...Object.keys(METHODS), 'head', 'full'])
      expect(stdout).toMatch(new RegExp(`^${name} `, 'm'));
    expect(stdout).toMatch(/^lora +Low-Rank Adaptation +r \(d \+ n\) +arXiv 2106\.09685/m);
  });

  test('describes one, its settings under their flags', async () => {
    const { stdout } = await psoft('methods', 'qgoft');
    expect(stdout).toContain('trains 4 (n - 1)');
    expect(stdout).toMatch(/--strict-oft +true or false \(default false\)/);
    expect((await psoft('methods', 'head')).stdout).toContain('no settings of its own');
    const wrong = await psoft('methods', 'lorra');
    expect([wrong.code, wrong.stderr]).toEqual([
      1,
      'psoft: unknown method "lorra"; did you mean lora or dora?\n',
    ]);
  });
});

describe('settings as flags', () => {
  test.each<[string[], object]>([
    [['--oft-block-size=8'], { oftBlockSize: 8 }],
    [['--oft-block-size', '8', '--block-share'], { oftBlockSize: 8, blockShare: true }],
    [['--use-cayley-neumann=false', '--eps', '1e-3'], { useCayleyNeumann: false, eps: 1e-3 }],
    [['--target-modules=query_proj,key_proj'], { targetModules: ['query_proj', 'key_proj'] }],
    [
      ['--target-modules=all-linear', '--layers-to-transform=0,2'],
      { targetModules: 'all-linear', layersToTransform: [0, 2] },
    ],
    [[], {}],
  ])('%j', (words, expected) => {
    expect(readMethodFlags(words, 'oft', ['--epochs'])).toEqual(expected);
  });

  test.each([
    [['--oft-blocksize=8'], 'unknown option --oft-blocksize; did you mean --oft-block-size'],
    [['--epoch=8'], 'unknown option --epoch; did you mean --epochs'],
    [['stray'], 'what is "stray"?'],
  ])('%j is refused', (words, message) => {
    expect(() => readMethodFlags(words, 'oft', ['--epochs'])).toThrow(message);
  });

  test('reach the run', async () => {
    const args = [
      'train',
      'nlu/cola',
      '--method=oft',
      '--oft-block-size=8',
      '--block-share',
      '--max-steps=1',
    ];
    const { code, stderr } = await psoft(...args, ...out('flags'));
    expect([code, stderr]).toEqual([0, expect.not.stringMatching(/^psoft:/m)]);
    const { records } = await readRecords(path.join(folder, 'flags'));
    expect(records[0]!.runInfo.adapterConfig).toMatchObject({ oftBlockSize: 8, blockShare: true });
    // One block of 8 x 8 for each of the 24 linear layers.
    expect(records[0]!.trainInfo.parameters.trainableWithoutHead).toBe(24 * 28);
    const wrong = await psoft('train', 'nlu/cola', '--method=head', '--oft-block-size=8');
    expect(wrong.code).toBe(1);
    expect(wrong.stderr).toContain('unknown option --oft-block-size');
  }, 60_000);
});

describe('psoft compare', () => {
  const args = ['compare', 'nlu/cola', '--methods=psoft-strict,full', '--seeds=1,2', '--max-steps=1'];

  test('runs methods over seeds, and not what is there already', async () => {
    const first = await psoft(...args, ...out('compare'));
    expect(first.code).toBe(0);
    expect(first.stdout).toMatch(
      /^method +trained +seed 1 +seed 2 +matthewsCorrelation, mean ± deviation +seconds a run$/m,
    );
    // 496 of a 32 x 32 rotation in 24 layers; every weight of the base model.
    expect(first.stdout).toMatch(/^psoft-strict +11,904 +-?\d+\.\d +-?\d+\.\d +-?\d+\.\d ± \d+\.\d/m);
    expect(first.stdout).toMatch(/^full +2,591,232 /m);
    const { records } = await readRecords(path.join(folder, 'compare'));
    expect(records).toHaveLength(4);
    expect(new Set(records.map(({ runInfo }) => runInfo.variant))).toEqual(new Set(['strict', undefined]));
    const created = records.map(({ runInfo }) => runInfo.createdAt).sort();

    const second = await psoft(...args, '--markdown', ...out('compare'));
    expect(second.stderr.match(/recorded already/g)).toHaveLength(4);
    expect(second.stdout).toMatch(/^\| psoft-strict \| 11,904 \|/m);
    const again = (await readRecords(path.join(folder, 'compare'))).records;
    expect(again.map(({ runInfo }) => runInfo.createdAt).sort()).toEqual(created);
  }, 120_000);

  test('a name that no method has is found before anything runs', async () => {
    const { code, stderr } = await psoft('compare', 'nlu/cola', '--methods=psoft,lorra', ...out('none'));
    expect(code).toBe(1);
    expect(stderr).toMatch(/^psoft: unknown method of nlu "lorra"/);
  });

  test('a run that fails stands in its cell, and the others go on', async () => {
    const { code, stdout } = await psoft(
      'compare',
      'nlu/cola',
      '--methods=psoft,head',
      '--seeds=1',
      '--max-steps=1',
      `--model-dir=${path.join(folder, 'no-model')}`,
      ...out('failed'),
    );
    expect(code).toBe(1);
    expect(stdout).toMatch(/^psoft .*failed .*no-model/m);
    expect(stdout).toMatch(/^head .*failed/m);
  }, 60_000);
});
