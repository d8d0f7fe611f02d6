import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { metaMathForm } from '../metamathForm.ts';
import { PEFT_CHARACTER_LIMIT, peftTrainingSet, peftValidationSet } from '../peftBenchmark.ts';
import { fingerprintInstructions, fingerprintProblems } from '../problems.ts';
import { readGsm8k, readMath, readMetaMath } from './folder.ts';

const FIXTURES = path.join(import.meta.dirname, '../../../test/fixtures/math');
const root = mkdtempSync(path.join(tmpdir(), 'psoft-math-'));
afterAll(() => rmSync(root, { recursive: true }));
let folders = 0;
/** A folder with these files; `@name` copies a fixture. */
function folderOf(files: Readonly<Record<string, string>>): string {
  const folder = path.join(root, String(folders++));
  for (const [name, content] of Object.entries(files)) {
    const file = path.join(folder, name);
    mkdirSync(path.dirname(file), { recursive: true });
    if (content.startsWith('@')) cpSync(path.join(FIXTURES, content.slice(1)), file);
    else writeFileSync(file, content);
  }
  return folder;
}
const lines = (...rows: unknown[]) => rows.map((row) => `${JSON.stringify(row)}\n`).join('');

const GSM = { question: 'How many?', answer: 'One <<1=1>>1.\n#### 1' };
const MATH = { problem: 'Solve.', level: 'Level 2', type: 'Algebra', solution: 'It is $\\boxed{x}$.' };

describe('GSM8K', () => {
  const expected = [{ problem: 'How many?', solution: 'One <<1=1>>1.\n#### 1' }];
  test.each<[string, Record<string, string>]>([
    ['lines', { 'test.jsonl': lines(GSM) }],
    ['below its name', { 'gsm8k/test.jsonl': lines(GSM) }],
    ['an array', { 'test.json': JSON.stringify([GSM]) }],
    ['lines called .json', { 'test.json': lines(GSM) }],
    ["MetaMath's copy", { 'GSM8K_test.jsonl': lines({ query: GSM.question, response: GSM.answer }) }],
    [
      'empty lines, byte order mark, fields left out',
      { 'test.jsonl': `\ufeff${lines({ ...GSM, id: 3 })}\n\n` },
    ],
  ])('from %s', async (_, files) => {
    expect((await readGsm8k(folderOf(files), 'test')).examples).toEqual(expected);
  });
  test.each([
    'test-00000-of-00001.parquet',
    'main/test-00000-of-00001.parquet',
    'gsm8k/data/test-0.parquet',
    'test/0000.parquet',
  ])('from parquet, %s', async (name) => {
    const { source, examples } = await readGsm8k(folderOf({ [name]: '@gsm8k-test.parquet' }), 'test');
    expect(examples).toHaveLength(3);
    expect(examples[2]).toEqual({
      problem: 'A boat has 2 sails, another 3. How many in all?',
      solution: '2 + 3 = <<2+3=5>>5 sails\n#### 5',
    });
    expect(source).toMatch(/test \(1 files\)$/);
  });
  test('the fingerprint is of the content', async () => {
    const one = await readGsm8k(folderOf({ 'test.jsonl': lines(GSM) }), 'test');
    const other = await readGsm8k(folderOf({ 'gsm8k/test.json': JSON.stringify([GSM]) }), 'test');
    expect(fingerprintProblems(one.examples)).toBe(fingerprintProblems(other.examples));
    expect(one.source).not.toBe(other.source);
    expect(fingerprintProblems([...one.examples, ...one.examples])).not.toBe(
      fingerprintProblems(one.examples),
    );
  });
  test.each<[string, Record<string, string>, RegExp]>([
    ['nothing', {}, /^no GSM8K test data in .*test\.jsonl.*test-\*\.parquet$/],
    ['another split', { 'train.jsonl': lines(GSM) }, /^no GSM8K test data/],
    ['no rows', { 'test.jsonl': '\n' }, /test\.jsonl: no rows$/],
    ['no JSON', { 'test.jsonl': `${lines(GSM)}{"question"\n` }, /test\.jsonl row 2: not JSON: /],
    [
      'a list',
      { 'test.jsonl': '[1]\n' },
      /test\.jsonl row 1: expected an object with the fields, got \[1\]$/,
    ],
    [
      'other fields',
      { 'test.jsonl': lines({ q: 'a', answer: 'b' }) },
      /row 1: expected the fields "question" and "answer", or "query" and "response", or .*; it has q, answer$/,
    ],
    [
      'a field that a later row lacks',
      { 'test.jsonl': lines(GSM, { question: 'a' }) },
      /row 2: "answer" is missing, expected text$/,
    ],
    ['a number', { 'test.jsonl': lines(GSM, { ...GSM, answer: 5 }) }, /row 2: "answer" is 5, expected text$/],
    [
      'empty text',
      { 'test.json': JSON.stringify([{ ...GSM, question: ' ' }]) },
      /test\.json row 1: "question" is empty/,
    ],
    [
      'no answer',
      { 'test.jsonl': lines(GSM, { ...GSM, answer: '5' }) },
      /row 2: "answer" states no answer, expected "#### N"$/,
    ],
    [
      'other columns',
      { 'test-0.parquet': '@algebra-test.parquet', x: '' },
      /states no answer, expected "#### N"/,
    ],
    ['no parquet', { 'test-0.parquet': lines(GSM) }, /is no parquet file/],
  ])('%s is refused', async (_, files, message) => {
    await expect(readGsm8k(folderOf(files), 'test')).rejects.toThrow(message);
  });
});

describe('MATH', () => {
  const { problem, solution, level, type } = MATH;
  test.each<[string, Record<string, string>]>([
    ['lines', { 'test.jsonl': lines(MATH) }],
    ['below its name', { 'MATH/test.jsonl': lines(MATH) }],
    ['a file a problem', { 'test/algebra/1.json': JSON.stringify(MATH, undefined, 2) }],
  ])('from %s', async (_, files) => {
    expect((await readMath(folderOf(files), 'test')).examples).toEqual([{ problem, solution, level, type }]);
  });
  test('files a problem come by subject, then by number', async () => {
    const names = [
      'test/geometry/2.json',
      'test/geometry/10.json',
      'test/algebra/3.json',
      'train/algebra/1.json',
    ];
    const folder = folderOf(
      Object.fromEntries(names.map((name) => [name, JSON.stringify({ ...MATH, problem: name })])),
    );
    const { examples } = await readMath(folder, 'test');
    expect(examples.map((example) => example.problem)).toEqual([names[2], names[0], names[1]]);
  });
  test("MetaMath's copy has no level", async () => {
    const file = lines({ instruction: problem, output: solution });
    expect((await readMath(folderOf({ 'MATH_test.jsonl': file }), 'test')).examples).toEqual([
      { problem, solution },
    ]);
  });
  test('parquet, with level and type', async () => {
    const { examples } = await readMath(folderOf({ 'test-0.parquet': '@algebra-test.parquet' }), 'test');
    expect(examples[3]).toEqual({
      problem: 'Solve $x - 3 = 0$.',
      solution: '$x = \\boxed{3}$.',
      level: 'Level 4',
      type: 'Algebra',
    });
  });
  test('boxes of the older kinds', async () => {
    const boxes = ['\\fbox{3}', '\\boxed 3', '\\boxed{\\{3\\}}'].map((box) => ({ ...MATH, solution: box }));
    expect((await readMath(folderOf({ 'train.jsonl': lines(...boxes) }), 'train')).examples).toHaveLength(3);
  });
  test.each<[string, Record<string, string>, RegExp]>([
    [
      'no box',
      { 'test.jsonl': lines({ ...MATH, solution: 'five' }) },
      /row 1: "solution" states no answer, expected "\\boxed\{\.\.\.\}"$/,
    ],
    [
      'a level that is no text',
      { 'test.jsonl': lines({ ...MATH, level: 2 }) },
      /row 1: "level" is 2, expected text$/,
    ],
    [
      'a file that is no problem',
      { 'test/algebra/1.json': '{"problem": "p"}' },
      /algebra\/1\.json: expected the fields "problem" and "solution"/,
    ],
  ])('%s is refused', async (_, files, message) => {
    await expect(readMath(folderOf(files), 'test')).rejects.toThrow(message);
  });
});

describe('MetaMathQA', () => {
  const META = {
    query: 'How\nmany?',
    response: 'One.\nThe answer is: 1',
    type: 'GSM_AnsAug',
    original_question: 'How many?',
  };
  const expected = [{ query: META.query, response: META.response, type: META.type }];
  test.each<[string, Record<string, string>]>([
    ['an array', { 'MetaMathQA-40K.json': JSON.stringify([META]) }],
    ['lines', { 'MetaMathQA-40K.json': lines(META) }],
    ['a training file', { 'train.jsonl': lines(META) }],
  ])('from %s', async (_, files) => {
    expect((await readMetaMath(folderOf(files))).examples).toEqual(expected);
  });
  test('from the file that is named, and from parquet', async () => {
    const folder = folderOf({
      'MetaMathQA-40K.json': lines(META),
      'MetaMathQA-395K.json': lines(META, META),
    });
    expect((await readMetaMath(path.join(folder, 'MetaMathQA-395K.json'))).examples).toHaveLength(2);
    await expect(readMetaMath(folder)).rejects.toThrow(
      /holds MetaMathQA-395K\.json and MetaMathQA-40K\.json: name the file/,
    );
    const { examples } = await readMetaMath(folderOf({ 'data/train-0.parquet': '@metamath-train.parquet' }));
    expect(examples[0]).toEqual({
      query: 'How many sails\nhave two boats?',
      response: 'Two.\n#### 2\nThe answer is: 2',
      type: 'GSM_Rephrased',
    });
  });
  test("GSM8K's own training set, brought into the form", async () => {
    const set = await readMetaMath(
      folderOf({ 'train.jsonl': lines(GSM, { ...GSM, answer: 'So <<2*3=6>>6 <<1>>.\n#### 1,234,567' }) }),
    );
    expect(set.examples).toEqual([
      { query: 'How many?', response: 'One 1.\n#### 1\nThe answer is: 1' },
      { query: 'How many?', response: 'So 6 .\n#### 1,234,567\nThe answer is: 1234567' },
    ]);
    expect(fingerprintInstructions(set.examples)).toMatch(/^[0-9a-f]{64}$/);
    const parquet = await readMetaMath(
      folderOf({ 'main/train-00000-of-00001.parquet': '@gsm8k-train.parquet' }),
    );
    expect(parquet.examples[4]!.response).toBe('4 + 5 = 9 sails\n#### 9\nThe answer is: 9');
  });
  test.each<[string, Record<string, string>, RegExp]>([
    ['nothing', { 'a.txt': '' }, /^no MetaMathQA data in /],
    [
      'another set',
      { 'train.jsonl': lines({ problem: 'a', solution: 'b' }) },
      /row 1: expected the fields "query" and "response", or "question" and "answer"; it has problem, solution$/,
    ],
    [
      'an answer without mark',
      { 'train.jsonl': lines({ ...GSM, answer: '1' }) },
      /row 1: "answer" states no answer/,
    ],
    [
      'a response that is none',
      { 'MetaMathQA.json': JSON.stringify([META, { query: 'a', response: null }]) },
      /row 2: "response" is null, expected text$/,
    ],
    ['an array that breaks off', { 'MetaMathQA.json': '[{"query": "a"' }, /MetaMathQA\.json: not JSON: /],
  ])('%s is refused', async (_, files, message) => {
    await expect(readMetaMath(folderOf(files))).rejects.toThrow(message);
  });
  test('MATH in the form ends in what stands in the box', () => {
    expect(metaMathForm({ problem: 'p', solution: 'So $\\boxed{\\frac12}$.\n' }, 'math').response).toBe(
      'So $\\boxed{\\frac12}$.\nThe answer is: \\frac12',
    );
    expect(() => metaMathForm({ problem: 'p', solution: 'nothing' }, 'gsm8k')).toThrow(
      /states no answer \("#### N"\)/,
    );
  });
});

describe("PEFT's benchmark", () => {
  test('long examples are left out by characters, not UTF-16 units', () => {
    const of = (length: number, letter = 'a') => ({ query: 'q', response: letter.repeat(length - 2) });
    const kept = peftTrainingSet([
      of(PEFT_CHARACTER_LIMIT),
      of(PEFT_CHARACTER_LIMIT + 1),
      of(PEFT_CHARACTER_LIMIT, '𝟏'),
    ]);
    expect(kept.map(({ response }) => response[0])).toEqual(['a', '\ud835']);
  });
  test("validation: the first fifty of NumPy's shuffle of 7,473", () => {
    const train = Array.from({ length: 7473 }, (_, i) => ({ problem: String(i), solution: '' }));
    const chosen = peftValidationSet(train).map(({ problem }) => Number(problem));
    // np.random.seed(0); i = np.arange(7473); np.random.shuffle(i); i[:50]
    expect(chosen).toHaveLength(50);
    expect(chosen.slice(0, 6)).toEqual([6447, 6827, 39, 4229, 5594, 2200]);
  });
});
