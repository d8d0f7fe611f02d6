import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { type CommonsenseRow, type CommonsenseSetName, responseOf } from '../sets.ts';
import { readCommonsenseSet, readCommonsenseTraining } from './index.ts';
import { comparison, publishedSum, setOfSum } from './published.ts';
import { readQuestions } from './rows.ts';

const FIXTURES = path.join(import.meta.dirname, '../../../test/fixtures/commonsense');
const root = mkdtempSync(path.join(tmpdir(), 'psoft-commonsense-'));
afterAll(() => rmSync(root, { recursive: true }));
let folders = 0;
function folderOf(files: Readonly<Record<string, unknown>>): string {
  const folder = path.join(root, String(folders++));
  mkdirSync(folder);
  for (const [name, content] of Object.entries(files)) {
    const file = path.join(folder, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  }
  return folder;
}
const row = (question: string, options: readonly string[], answer: string): CommonsenseRow => ({
  instruction: `${question}\n\nAnswer format: ${options.join('/')}`,
  input: '',
  output: responseOf(answer),
  answer,
});
const YES = row('Is ice cold?', ['true', 'false'], 'true');
const NO = row('Is ice hot?', ['true', 'false'], 'false');
const ARC = row('What is ice?', ['answer1', 'answer2', 'answer3'], 'answer3');
const OBQA = row('What melts?', ['answer1', 'answer2', 'answer3', 'answer4'], 'answer1');

describe('a set', () => {
  test.each(['boolq/test.json', 'dataset/boolq/test.json', 'test.json'])('from %s', async (name) => {
    const folder = folderOf({ [name]: [YES, NO] });
    const data = await readCommonsenseSet('boolq', folder);
    expect(data.rows).toEqual([YES, NO]);
    expect(data.source).toBe(path.join(folder, name));
    expect(data.files).toEqual([{ path: name, blob: expect.stringMatching(/^[0-9a-f]{40}$/) }]);
    expect(data.isPublished).toBe(false);
    expect(data.note).toBe(
      `${path.join(folder, name)} differs from the published file: 3270 rows expected, 2 found`,
    );
    expect(await readCommonsenseSet('boolq', { folder })).toEqual(data);
    expect((await readCommonsenseSet('boolq', path.join(folder, name))).rows).toEqual([YES, NO]);
  });
  test('by its own folder rather than another file', async () => {
    const folder = folderOf({
      'ARC-Easy/test.json': [ARC],
      'openbookqa/test.json': [OBQA],
      'test.json': [NO],
    });
    expect((await readCommonsenseSet('arc-e', folder)).rows).toEqual([ARC]);
    expect((await readCommonsenseSet('obqa', folder)).rows).toEqual([OBQA]);
    await expect(readCommonsenseSet('arc-c', folder)).rejects.toThrow(
      /test\.json row 1: the options "true\/false" are not of arc-c, which has answer1\/answer2\/answer3\/answer4\/answer5$/,
    );
  });
  test('HellaSwag, of which there is a sample', async () => {
    const { rows, note } = await readCommonsenseSet('hellaswag', FIXTURES);
    expect(rows.map(({ answer }) => answer)).toEqual(['ending2', 'ending4', 'ending1', 'ending3']);
    expect(note).toMatch(/differs from the published file: 10042 rows expected, 4 found$/);
  });
  test('an input, further fields and a byte order mark', async () => {
    const folder = folderOf({
      'boolq/test.json': `\ufeff${JSON.stringify([{ ...YES, input: 'It is frozen.', pred: 'true' }])}`,
    });
    expect((await readCommonsenseSet('boolq', folder)).rows).toEqual([{ ...YES, input: 'It is frozen.' }]);
  });
  test('the sum is that of git', async () => {
    // git hash-object of these bytes
    const text = '[{"instruction":"q Answer format: true/false","input":"","output":"true","answer":"true"}]';
    const { files } = await readCommonsenseSet('boolq', folderOf({ 'test.json': text }));
    expect(files[0]!.blob).toBe('9762d6d3c7e081d00190de5d462b04adf0b0c7b7');
  });

  test.each<[string, unknown, RegExp]>([
    ['no JSON', '[{"instruction"', /boolq\/test\.json: not JSON: /],
    ['no rows', [], /boolq\/test\.json: no rows$/],
    ['a web page', '<html>', /boolq\/test\.json row 1: not JSON: /],
    [
      'other fields',
      [{ question: 'q', answer: 'a' }],
      /row 1: expected the fields "instruction" and "input" and "output" and "answer"; it has question, answer$/,
    ],
    ['a list', [[YES]], /row 1: expected an object with the fields, got /],
    ['a field left out', [YES, { ...NO, input: undefined }], /row 2: "input" is missing, expected text$/],
    ['a boolean', [YES, { ...NO, answer: false }], /row 2: "answer" is false, expected text$/],
    ['an empty question', [{ ...YES, instruction: ' ' }], /row 1: "instruction" is empty, expected text$/],
    [
      'no options',
      [YES, { ...NO, instruction: 'Is ice hot?' }],
      /row 2: "instruction" lists no options, expected it to end in "Answer format: a\/b": "Is ice hot\?"$/,
    ],
    [
      "another set's options",
      [YES, ARC],
      /row 2: the options "answer1\/answer2\/answer3" are not of boolq, which has true\/false$/,
    ],
    [
      'an answer that is no option',
      [{ ...YES, answer: 'True', output: responseOf('True') }],
      /row 1: "answer" is "True", expected one of the options true\/false$/,
    ],
    [
      'an output that names another',
      [{ ...YES, output: responseOf('false') }],
      /row 1: "output" is "the correct answer is false", expected it to name the answer true$/,
    ],
    [
      'an output that names it within a word',
      [{ ...YES, output: 'untrue' }],
      /row 1: "output" is "untrue", expected it to name the answer true$/,
    ],
  ])('%s is refused', async (_, content, message) => {
    const folder = folderOf({ 'boolq/test.json': content });
    await expect(readCommonsenseSet('boolq', folder)).rejects.toThrow(message);
    await expect(readCommonsenseSet('boolq', folder)).rejects.toMatchObject({ name: 'DataError' });
  });
  test('an answer beyond the options of its question is refused', async () => {
    const folder = folderOf({ 'test.json': [{ ...ARC, answer: 'answer4', output: responseOf('answer4') }] });
    await expect(readCommonsenseSet('arc-e', folder)).rejects.toThrow(
      /"answer" is "answer4", expected one of the options answer1\/answer2\/answer3$/,
    );
  });
  test('nothing there is said with what was looked for', async () => {
    const folder = folderOf({ 'boolq/train.json': [YES] });
    await expect(readCommonsenseSet('boolq', folder)).rejects.toThrow(
      `no boolq test data in ${folder}: looked for boolq/test.json, dataset/boolq/test.json, test.json`,
    );
    const absent = path.join(folder, 'absent');
    await expect(readCommonsenseSet('boolq', absent)).rejects.toThrow(
      `there is no ${absent}: name the folder`,
    );
  });
});

describe('training data', () => {
  test.each(['commonsense_15k.json', 'ft-training_set/commonsense_15k.json', 'train.json'])(
    'from %s, of any sets',
    async (name) => {
      const folder = folderOf({ [name]: [ARC, YES], 'boolq/train.json': [NO], 'boolq/test.json': [NO] });
      const data = await readCommonsenseTraining(folder);
      expect(data.rows).toEqual([ARC, YES]);
      expect(data.source).toBe(path.join(folder, name));
      expect(data.isPublished).toBe(false);
      expect(data.note).toMatch(
        /differs from the published commonsense_15k\.json: git SHA-1 3716afef expected, [0-9a-f]{8} found \(2 rows\)$/,
      );
    },
  );
  test('from the file that is named', async () => {
    const folder = folderOf({ 'mine.json': [YES], 'train.json': [NO] });
    const data = await readCommonsenseTraining(path.join(folder, 'mine.json'));
    expect(data.rows).toEqual([YES]);
    expect(data.files[0]!.path).toBe('mine.json');
  });
  test("the sets' own files joined, in the order of the sets", async () => {
    const folder = folderOf({
      'openbookqa/train.json': [OBQA],
      'dataset/ARC-Easy/train.json': [ARC, ARC],
      'boolq/train.json': [YES, NO],
      'boolq/test.json': [NO],
      'README.md': '',
    });
    const data = await readCommonsenseTraining(folder);
    expect(data.rows).toEqual([YES, NO, ARC, ARC, OBQA]);
    expect(data.files.map((file) => file.path)).toEqual([
      'boolq/train.json',
      'dataset/ARC-Easy/train.json',
      'openbookqa/train.json',
    ]);
    expect(data.source).toBe(`${folder} (train.json of boolq, arc-e, obqa)`);
    expect(data.isPublished).toBe(false);
    expect(data.note).toBe(
      `${folder} has no commonsense_15k.json: 5 rows are joined from train.json of boolq (2), arc-e (2), obqa (1); there is none of piqa, siqa, hellaswag, winogrande, arc-c`,
    );
  });
  test('options of no set are refused, in joined files with the file', async () => {
    const odd = row('Which?', ['a', 'b'], 'a');
    const folder = folderOf({ 'boolq/train.json': [YES], 'piqa/train.json': [odd] });
    await expect(readCommonsenseTraining(folder)).rejects.toThrow(
      /piqa\/train\.json row 1: the options "a\/b" are not of any set$/,
    );
    const mixed = row('Which?', ['true', 'answer1'], 'true');
    await expect(readCommonsenseTraining(folderOf({ 'train.json': [YES, mixed] }))).rejects.toThrow(
      /row 2: the options "true\/answer1" are not of any set$/,
    );
  });
  test('nothing there is said with what was looked for', async () => {
    const folder = folderOf({ 'boolq/test.json': [YES] });
    await expect(readCommonsenseTraining(folder)).rejects.toThrow(
      `no commonsense training data in ${folder}: looked for commonsense_15k.json, ft-training_set/commonsense_15k.json, train.json, train.json in the folders of the sets`,
    );
  });
  test('rows that contradict themselves stay in the published file alone, and are told', async () => {
    const folder = folderOf({ 'train.json': [YES, { ...NO, output: responseOf('true') }] });
    const file = path.join(folder, 'train.json');
    await expect(readQuestions(file, 'training', false)).rejects.toThrow(/row 2: "output" is /);
    const { rows, faults } = await readQuestions(file, 'training', true);
    expect(rows).toHaveLength(2);
    expect(faults).toEqual([expect.stringMatching(/train\.json row 2: "output" is /)]);
    await expect(readQuestions(file, 'boolq', true)).rejects.toThrow(/row 2: "output" is /);
  });
});

describe('comparison with what is published', () => {
  test('bytes decide; the count is the plainer difference', () => {
    const set: CommonsenseSetName = 'arc-c';
    expect(comparison(set, publishedSum(set), 1172)).toBe('is the published file, byte for byte');
    expect(comparison(set, '0'.repeat(40), 3)).toBe(
      'differs from the published file: 1172 rows expected, 3 found',
    );
    expect(comparison(set, 'f'.repeat(40), 1172)).toBe(
      'differs from the published file: git SHA-1 95406854 expected, ffffffff found (1172 rows)',
    );
    expect(comparison('training', publishedSum('training'), 5)).toBe('is the published file, byte for byte');
  });
  test("a sum tells another set's file", () => {
    expect(setOfSum(publishedSum('arc-e'))).toBe('arc-e');
    expect(setOfSum('0'.repeat(40))).toBeUndefined();
  });
});
