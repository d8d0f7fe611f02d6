import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { fingerprintExamples } from '../text.ts';
import { NO_LABEL, readGlue } from './official.ts';
import { GLUE_TASKS, type GlueSplit, type GlueTaskName } from './tasks.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'psoft-glue-'));
afterAll(() => rmSync(folder, { recursive: true }));
let cases = 0;

function dirWith(content: string | Uint8Array, name = 'dev.tsv', inside = ''): string {
  const dir = path.join(folder, String(cases++));
  mkdirSync(path.join(dir, inside), { recursive: true });
  writeFileSync(path.join(dir, inside, name), content);
  return dir;
}

const GOOD = 'gj04\t1\t\tThe sailors rode the breeze.\ngj04\t0\t*\tHe said "no" and "not';

describe('CoLA, without a header', () => {
  test('reads labels and sentences, quotes as they stand', async () => {
    const { examples } = await readGlue(dirWith(GOOD), 'cola', 'validation');
    expect(examples).toEqual([
      { text: 'The sailors rode the breeze.', label: 1 },
      { text: 'He said "no" and "not', label: 0 },
    ]);
  });
  test('takes the folder above CoLA, Windows line ends and a last line end', async () => {
    const dir = dirWith(`${GOOD.replaceAll('\n', '\r\n')}\r\n`, 'dev.tsv', 'CoLA');
    expect((await readGlue(dir, 'cola', 'validation')).examples).toHaveLength(2);
  });

  test.each([
    ['an empty file', '', /dev\.tsv is empty/],
    ['a missing column', 'a\t1\tSentence.\n', /line 1: 3 columns/],
    ['an extra tab', `${GOOD}\nx\t1\t\tA\tB\n`, /line 3: 5 columns/],
    ['a label out of range', 'a\t2\t\tSentence.\n', /label must be 0 or 1, got "2"/],
    ['a header', 'source\tlabel\tmark\tsentence\n', /got "label"/],
    ['an empty sentence', 'a\t1\t\t \n', /sentence is empty/],
    [
      'bytes that are no UTF-8',
      Buffer.concat([Buffer.from(`${GOOD}\nx\t1\t\t`), Uint8Array.of(0xff)]),
      /line 3: not valid UTF-8/,
    ],
    ['an empty line', `${GOOD}\n\n${GOOD}\n`, /line 3: 1 column,/],
    ['a bad row after an empty one', `\n${GOOD}`, /line 1: 1 column,/],
  ])('%s is one clear line', async (_, content, message) => {
    await expect(readGlue(dirWith(content), 'cola', 'validation')).rejects.toThrow(message);
  });
  test('a missing file says where it was looked for', async () => {
    await expect(readGlue(dirWith(GOOD), 'cola', 'train')).rejects.toThrow(
      /looked for .*train\.tsv and .*CoLA/,
    );
  });
});

/** A line of each official file, as GLUE publishes them, and what it says. */
const FILES: readonly [
  GlueTaskName,
  GlueSplit,
  file: string,
  header: string,
  line: string,
  expected: readonly [text: string, textPair: string | undefined, label: number],
][] = [
  ['cola', 'test', 'test.tsv', 'index\tsentence', '0\tOne.', ['One.', undefined, NO_LABEL]],
  ['sst2', 'train', 'train.tsv', 'sentence\tlabel', 'one film \t1', ['one film ', undefined, 1]],
  ['sst2', 'test', 'test.tsv', 'index\tsentence', '0\tone film', ['one film', undefined, NO_LABEL]],
  [
    'mrpc',
    'validation',
    'dev.tsv',
    '\ufeffQuality\t#1 ID\t#2 ID\t#1 String\t#2 String',
    '1\t10\t20\tOne.\t"Two.',
    ['One.', '"Two.', 1],
  ],
  [
    'mrpc',
    'test',
    'test.tsv',
    'index\t#1 ID\t#2 ID\t#1 String\t#2 String',
    '0\t1\t2\tOne.\tTwo.',
    ['One.', 'Two.', NO_LABEL],
  ],
  [
    'stsb',
    'train',
    'train.tsv',
    'index\tgenre\tfilename\tyear\told_index\tsource1\tsource2\tsentence1\tsentence2\tscore',
    '0\tmain-captions\tMSRvid\t2012test\t0001\tnone\tnone\tOne.\tTwo.\t3.800',
    ['One.', 'Two.', 3.8],
  ],
  [
    'rte',
    'train',
    'train.tsv',
    'index\tsentence1\tsentence2\tlabel',
    '0\tOne.\tTwo.\tnot_entailment',
    ['One.', 'Two.', 1],
  ],
  [
    'qnli',
    'validation',
    'dev.tsv',
    'index\tquestion\tsentence\tlabel',
    '0\tWho?\tHe.\tentailment',
    ['Who?', 'He.', 0],
  ],
  [
    'qqp',
    'train',
    'train.tsv',
    'id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate',
    '5\t1\t2\tHow?\tWhy?\t0',
    ['How?', 'Why?', 0],
  ],
  ['qqp', 'test', 'test.tsv', 'id\tquestion1\tquestion2', '0\tHow?\tWhy?', ['How?', 'Why?', NO_LABEL]],
  [
    'mnli',
    'train',
    'train.tsv',
    'index\tpromptID\tpairID\tgenre\tsentence1_binary_parse\tsentence2_binary_parse\tsentence1_parse\tsentence2_parse\tsentence1\tsentence2\tlabel1\tgold_label',
    '0\t1\t1n\tfiction\t( a )\t( b )\t(ROOT)\t(ROOT)\tOne.\tTwo.\tneutral\tneutral',
    ['One.', 'Two.', 1],
  ],
  [
    'mnli',
    'mismatched',
    'dev_mismatched.tsv',
    'index\tpromptID\tpairID\tgenre\tsentence1_binary_parse\tsentence2_binary_parse\tsentence1_parse\tsentence2_parse\tsentence1\tsentence2\tlabel1\tlabel2\tlabel3\tlabel4\tlabel5\tgold_label',
    '0\t1\t1n\tfiction\t(a)\t(b)\t(R)\t(R)\tOne.\tTwo.\tneutral\tneutral\tneutral\tneutral\tneutral\tcontradiction',
    ['One.', 'Two.', 2],
  ],
];

describe.each(FILES)('%s %s', (task, split, file, header, line, [text, textPair, label]) => {
  test('is read by the names of its columns', async () => {
    const { examples } = await readGlue(
      dirWith(`${header}\n${line}\n`, file, GLUE_TASKS[task].folder),
      task,
      split,
    );
    expect(examples).toEqual([{ text, ...(textPair === undefined ? {} : { textPair }), label }]);
  });
  test('a column that is not there is named', async () => {
    const named = GLUE_TASKS[task].texts[0];
    const wrong = header
      .split('\t')
      .map((column) => (column === named ? 'other' : column))
      .join('\t');
    await expect(readGlue(dirWith(`${wrong}\n${line}\n`, file), task, split)).rejects.toThrow(
      `has no column "${GLUE_TASKS[task].texts[0]}"`,
    );
  });
});

describe('rows that are not as they should be', () => {
  const header = 'id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate';
  const rows = (count: number) => Array.from({ length: count }, (_, i) => `${i}\t1\t2\tHow ${i}?\tWhy?\t0`);
  test('QQP has a few: they are left out and told', async () => {
    const lines = [header, ...rows(20), '21\t1\t2\tbroken', '22\t1\t2\t\tWhy?\t1'];
    const split = await readGlue(dirWith(`${lines.join('\n')}\n`, 'train.tsv'), 'qqp', 'train');
    expect(split.examples).toHaveLength(21);
    expect(split.examples.at(-1)).toEqual({ text: '', textPair: 'Why?', label: 1 });
    expect(split.note).toMatch(/^1 broken rows left out, the first: .*line 22: 4 columns, QQP has 6/);
  });
  test('many of them are another kind of file', async () => {
    const lines = [header, ...rows(20), ...Array.from({ length: 5 }, () => 'x\ty')];
    await expect(readGlue(dirWith(lines.join('\n'), 'train.tsv'), 'qqp', 'train')).rejects.toThrow(
      /5 broken rows, the first: .*line 22/,
    );
  });
  test.each([
    ['no number', 'high'],
    ['out of range', '5.2'],
    ['empty', ''],
  ])('a score that is %s is refused', async (_, score) => {
    const text = `index\tsentence1\tsentence2\tscore\n0\tOne.\tTwo.\t${score}\n`;
    await expect(readGlue(dirWith(text), 'stsb', 'validation')).rejects.toThrow(
      `line 2: score must be a number from 0 to 5, got "${score}"`,
    );
  });
  test('a label of another task names those there are', async () => {
    const text = 'index\tsentence1\tsentence2\tlabel\n0\tOne.\tTwo.\tneutral\n';
    await expect(readGlue(dirWith(text), 'rte', 'validation')).rejects.toThrow(
      'label must be entailment or not_entailment, got "neutral"',
    );
  });
  test('a split that a task does not have', async () => {
    await expect(readGlue(folder, 'rte', 'mismatched')).rejects.toThrow('RTE has no mismatched split');
  });
});

const real = process.env.PSOFT_DATA ? path.join(process.env.PSOFT_DATA, 'glue') : undefined;
test.skipIf(real === undefined || !existsSync(real))('the real CoLA (PSOFT_DATA)', async () => {
  const [train, dev] = [await readGlue(real!, 'cola', 'train'), await readGlue(real!, 'cola', 'validation')];
  expect([train.examples.length, dev.examples.length]).toEqual([8551, 1043]);
  expect(dev.examples.filter(({ label }) => label === 1)).toHaveLength(719);
  expect(fingerprintExamples(dev.examples)).not.toBe(fingerprintExamples(train.examples));
});
