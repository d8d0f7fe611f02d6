/** Language models as a user trains, evaluates and merges them: a small model with random weights, cut short. */
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type RunRecord, readRecords } from '@psoft/results';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeLanguageModel } from './languageModel.ts';
import { psoft } from './psoft.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'psoft-math-'));
afterAll(() => rmSync(folder, { recursive: true, maxRetries: 5 }));
const model = path.join(folder, 'model');
beforeAll(() => writeLanguageModel(model));

const out = (name: string) => [
  `--results-dir=${path.join(folder, name, 'results')}`,
  `--runs-dir=${path.join(folder, name, 'runs')}`,
  '--threads=1',
];
const recordsOf = async (name: string, task: string) =>
  (await readRecords(path.join(folder, name, 'results'), { experiment: 'math', task })).records;
const runsOf = (name: string, task: string) => {
  const runs = path.join(folder, name, 'runs', 'tiny', 'math', task);
  return readdirSync(runs).map((run) => path.join(runs, run));
};
interface Row {
  readonly index: number;
  readonly promptHash: string;
  readonly prompt: string;
  readonly text: string;
  readonly verdicts: Record<string, { isCorrect: boolean }>;
}
const rowsOf = (run: string) =>
  readFileSync(path.join(run, 'generations.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Row);
const FEW = ['--limit=5', '--max-new-tokens=10'];
const source = `--model-dir=${model}`;

describe('one run', () => {
  let training: RunRecord;
  let texts: string[];

  test('trains, records the loss, and reports nothing itself', async () => {
    const args = ['train', 'math/train', source, '--max-steps=3', '--rank=8', '--learning-rate=0.05'];
    const { code, stdout, stderr } = await psoft(...args, ...out('one'));
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/^trained \(last epoch\)\nadapter: /);
    [training] = (await recordsOf('one', 'train')) as [RunRecord];
    const { trainInfo, runInfo } = training;
    expect([trainInfo.test, trainInfo.best, trainInfo.selectionMetric]).toEqual([
      undefined,
      undefined,
      'loss',
    ]);
    expect(trainInfo.metrics.map(({ step, selection }) => [step, selection])).toEqual([[3, {}]]);
    expect(trainInfo.metrics[0]!.trainLoss).toBeGreaterThan(1);
    // q, k, v, o, gate, up and down of two blocks: r(r-1)/2 + 2r each. The embeddings are no linear layer.
    expect(trainInfo.parameters).toMatchObject({ trainable: 14 * (28 + 16), trainableWithoutHead: 14 * 44 });
    expect(runInfo.trainConfig).toMatchObject({ batchSize: 16, microBatchSize: 8, schedule: 'cosine' });
    expect(runInfo.adapterConfig.taskType).toBe('CAUSAL_LM');
  }, 60_000);

  test('is found by its evaluation, which says so, and stores every answer', async () => {
    const { code, stdout, stderr } = await psoft('evaluate', 'math/gsm8k', ...FEW, ...out('one'));
    expect(code, stderr).toBe(0);
    expect(stderr).toMatch(/^evaluating .*math\/train\/psoft-s1-[0-9a-f]{8}\n/);
    expect(stdout).toMatch(
      /^reported: accuracy [\d.]+, strictAccuracy [\d.]+ \(accuracy is the paper scorer's, over 5/,
    );
    const [record] = (await recordsOf('one', 'gsm8k')) as [RunRecord];
    const { runInfo, trainInfo, metaInfo } = record;
    expect(runInfo.evaluates).toEqual({ task: 'train', configHash: training.runInfo.configHash });
    expect(runInfo.evaluationConfig).toEqual({
      scorer: 'paper',
      maxNewTokens: 10,
      strategy: { kind: 'greedy' },
      merge: true,
      limit: 5,
    });
    expect([runInfo.method, runInfo.seed, runInfo.adapterConfig]).toEqual([
      'psoft',
      1,
      training.runInfo.adapterConfig,
    ]);
    expect(trainInfo.generation).toMatchObject({ prompts: 5, batchSize: 5 });
    expect(trainInfo.parameters).toEqual(training.trainInfo.parameters);
    expect(metaInfo.datasetInfo.splits).toEqual([expect.objectContaining({ name: 'test', count: 5 })]);
    const [run] = runsOf('one', 'gsm8k');
    const rows = rowsOf(run!);
    expect(rows.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4]);
    expect(new Set(rows.map(({ promptHash }) => promptHash)).size).toBe(5);
    expect(rows[0]!.prompt).toMatch(/^Below is an instruction.*### Response: Let's think step by step\.$/s);
    expect(Object.keys(rows[0]!.verdicts)).toEqual(['paper', 'strict']);
    texts = rows.map(({ text }) => text);
    expect(texts.some((text) => text !== '')).toBe(true);
  }, 60_000);

  test('answers alike unmerged, merged into a model of its own, and as an adapter from elsewhere', async () => {
    const [run] = runsOf('one', 'train');
    const merged = path.join(folder, 'merged');
    const { code, stdout, stderr } = await psoft('merge', run!, `--out=${merged}`, '--threads=1');
    expect(code, stderr).toBe(0);
    const drift = /largest difference of a logit .*: (\S+) by merging, (\S+) as stored in f32/.exec(stdout)!;
    expect(Number(drift[1])).toBeLessThan(1e-4);
    expect(Number(drift[2])).toBe(Number(drift[1]));
    expect(readdirSync(merged).sort()).toEqual(readdirSync(model).sort());
    expect(JSON.parse(readFileSync(path.join(merged, 'config.json'), 'utf8'))).toMatchObject({
      model_type: 'llama',
      torch_dtype: 'float32',
    });
    const alike = [
      ['--no-merge'],
      ['--base', `--model-dir=${merged}`],
      [`--adapter=${path.join(run!, 'adapter')}`, source],
      ['--rank=8', '--max-steps=3', '--learning-rate=0.05', '--batch-size=2', source],
    ];
    for (const [i, args] of alike.entries()) {
      const other = await psoft(
        'evaluate',
        'math/gsm8k',
        ...FEW,
        ...args,
        ...out('one'),
        `--runs-dir=${path.join(folder, 'one', 'runs')}`,
      );
      expect(other.code, `${args}: ${other.stderr}`).toBe(0);
      const written = /^generations: (.*)$/m.exec(other.stdout)![1]!;
      expect(
        rowsOf(path.dirname(path.resolve(written))).map(({ text }) => text),
        `${i}: ${args}`,
      ).toEqual(texts);
    }
    const records = await recordsOf('one', 'gsm8k');
    const names = records.map(({ runInfo }) => [
      runInfo.method,
      runInfo.variant,
      runInfo.evaluationConfig!.merge,
    ]);
    expect(names).toEqual(
      expect.arrayContaining([
        ['psoft', undefined, true],
        ['psoft', undefined, false],
        ['base', undefined, undefined],
        ['psoft', 'external', true],
      ]),
    );
    // Another batch size, another way of naming the run: the same record.
    expect(records).toHaveLength(4);
  }, 120_000);

  test('is scored again from what is stored', async () => {
    const [run] = runsOf('one', 'gsm8k').filter((name) => path.basename(name).startsWith('psoft-s1'));
    const copy = path.join(folder, 'copy');
    cpSync(run!, copy, { recursive: true });
    const rows = rowsOf(copy);
    const solved = {
      ...rows[1]!,
      end: 'end',
      text: `${(rows[1] as unknown as { reference: string }).reference}`,
    };
    const answer = /#### (.*)$/.exec(solved.text)![1];
    solved.text = `So it is ${answer}.\nThe answer is: ${answer}`;
    const lines = rows.map((row, i) => JSON.stringify(i === 1 ? solved : row));
    writeFileSync(path.join(copy, 'generations.jsonl'), `${lines.join('\n')}\n`);
    const scored = path.join(folder, 'scored.jsonl');
    const { code, stdout, stderr } = await psoft('score', copy, `--out=${scored}`);
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/paper accuracy 20\.00 over 5 problems; 1 verdicts differ/);
    expect(stdout).toMatch(/strict accuracy 20\.00 over 5 problems; 1 verdicts differ/);
    expect(JSON.parse(readFileSync(scored, 'utf8').split('\n')[1]!).verdicts.paper.isCorrect).toBe(true);
    const strict = await psoft('score', copy, '--scorer=strict');
    expect(strict.stdout.trim().split('\n')).toHaveLength(1);
    expect((await psoft('score', copy, '--scorer=lenient')).stderr).toContain(
      'unknown scorer "lenient"; known: paper, strict',
    );
  }, 60_000);
});

test('a table trains each method once and evaluates every task, and goes on where it was', async () => {
  const args = ['table', 'math/table4', '--methods=base,lora,full', '--max-steps=1', '--limit=3', source];
  const first = await psoft(...args, ...out('table'));
  expect(first.code, first.stderr).toBe(0);
  expect(first.stderr.match(/, training\n/g)).toHaveLength(2);
  expect(first.stdout).toMatch(/method +trained +gsm8k +math +average/);
  expect(await recordsOf('table', 'train')).toHaveLength(2);
  expect(await recordsOf('table', 'gsm8k')).toHaveLength(3);
  const again = await psoft(...args, ...out('table'));
  expect(again.stderr.match(/recorded already/g)).toHaveLength(6);
  expect(again.stdout).toBe(first.stdout);

  // Records without what was trained: the missing adapter is trained again for the missing evaluation only.
  rmSync(path.join(folder, 'table', 'runs'), { recursive: true });
  const [lost] = (await recordsOf('table', 'math')).filter(({ runInfo }) => runInfo.method === 'lora');
  const name = `lora-s1-${lost!.runInfo.configHash.slice(0, 8)}.json`;
  rmSync(path.join(folder, 'table', 'results', 'tiny', 'math', 'math', name));
  const mended = await psoft(...args, ...out('table'));
  expect(mended.code, mended.stderr).toBe(0);
  expect(mended.stderr.match(/training again/g)).toHaveLength(1);
  expect(mended.stdout).toBe(first.stdout);
}, 180_000);

test('a method that cannot be run says why in its cell', async () => {
  const { code, stdout } = await psoft(
    'table',
    'math/table4',
    '--profile=paper',
    '--methods=full',
    ...out('paper'),
  );
  expect(code).toBe(0);
  expect(stdout).toMatch(/full +not run: 3\.2 billion values/);
}, 60_000);

test('a dry run shows an example as the model sees it', async () => {
  const { code, stdout, stderr } = await psoft(
    'train',
    'math/train',
    source,
    '--rank=8',
    '--dry-run',
    ...out('dry'),
  );
  expect(code, stderr).toBe(0);
  expect(stdout).toMatch(/steps: 500 \(2 epochs of 250/);
  expect(stdout).toMatch(
    /example 1: \d+ tokens padded to \d+; the loss counts \d+, marked >\n {2}\| <\|begin_of_text\|>Below/,
  );
  expect(stdout).toMatch(
    /\n {2}\| ### Response:\n(?: {2}> .*\n)* {2}> The answer is: \d+<\|end_of_text\|>\n/,
  );
  expect(existsSync(path.join(folder, 'dry'))).toBe(false);
}, 60_000);

describe.each<[string, string[], RegExp]>([
  [
    'an evaluation of nothing',
    ['evaluate', 'math/gsm8k', '--method=lora', '--rank=2'],
    /no finished run of math\/train, profile tiny, lora, seed 1 with these settings: train it first with `psoft train math\/train --profile=tiny --method=lora --seed=1` and the same settings/,
  ],
  ['two subjects', ['evaluate', 'math/gsm8k', '--base', '--adapter=x'], /give --adapter or --base/],
  [
    'an unknown scorer',
    ['evaluate', 'math/gsm8k', '--base', '--scorer=kind'],
    /unknown scorer "kind"; known: paper, strict/,
  ],
  [
    'beams without a beam search',
    ['evaluate', 'math/gsm8k', '--beams=3'],
    /--beams means nothing to greedy decoding: give --strategy beam/,
  ],
  ['a training of the base model', ['train', 'math/train', '--method=base'], /base trains nothing/],
  [
    'a setting of texts',
    ['train', 'nlu/cola', '--micro-batch-size=4'],
    /"microBatchSize" is for language models/,
  ],
  ['scores of no evaluation', ['score', '/'], /holds no generations\.jsonl/],
])('%s', (_, args, message) => {
  test('is one line and a non-zero exit, and nothing is written', async () => {
    const isRun = !['score'].includes(args[0]!);
    const { code, stdout, stderr } = await psoft(
      ...args,
      ...(isRun && args[1] !== 'nlu/cola' ? [source] : []),
      ...(isRun ? out('refused') : []),
    );
    expect(stderr).toMatch(message);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect([code, stdout]).toEqual([1, '']);
    expect(existsSync(path.join(folder, 'refused', 'results'))).toBe(false);
  }, 30_000);
});

const data = process.env.PSOFT_DATA ?? '';
test.skipIf(!existsSync(path.join(data, 'gsm8k', 'train.jsonl')))(
  'real GSM8K is trained on and its test problems are graded (folder PSOFT_DATA)',
  async () => {
    const gsm8k = `--data-dir=${path.join(data, 'gsm8k')}`;
    const trained = await psoft(
      'train',
      'math/train',
      source,
      gsm8k,
      '--rank=8',
      '--max-steps=1',
      ...out('real'),
    );
    expect(trained.code, trained.stderr).toBe(0);
    const [record] = (await recordsOf('real', 'train')) as [RunRecord];
    expect(record.runInfo.variant).toBe('real-data');
    expect(record.metaInfo.datasetInfo.splits[0]).toMatchObject({ name: 'train', count: 7473 });
    const { code, stdout, stderr } = await psoft('evaluate', 'math/gsm8k', gsm8k, ...FEW, ...out('real'));
    expect(code, stderr).toBe(0);
    expect(stdout).toContain('over 5 problems');
    const [graded] = (await recordsOf('real', 'gsm8k')) as [RunRecord];
    expect([graded.runInfo.variant, graded.metaInfo.datasetInfo.name]).toEqual(['real-data', 'gsm8k']);
  },
  120_000,
);
