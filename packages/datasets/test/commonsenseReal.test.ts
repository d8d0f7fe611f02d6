/** The commonsense sets as LLM-Adapters published them, where PSOFT_DATA has them: counts, sums, rows and scorers. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  COMMONSENSE_SCORERS,
  COMMONSENSE_SET_NAMES,
  COMMONSENSE_SETS,
  type CommonsenseRow,
  type CommonsenseSetName,
  gradeCommonsense,
  optionsOf,
  readCommonsenseSet,
  readCommonsenseTraining,
  responseOf,
} from '../src/commonsense/index.ts';

const folder = path.join(process.env.PSOFT_DATA ?? '', 'commonsense');
const has = (name: string): boolean =>
  process.env.PSOFT_DATA !== undefined && existsSync(path.join(folder, name));
const count = (rows: readonly CommonsenseRow[], isRight: (row: CommonsenseRow, index: number) => boolean) =>
  rows.filter(isRight).length;

describe.each(COMMONSENSE_SET_NAMES)('the real %s (PSOFT_DATA)', (set) => {
  const { folder: own, testCount, testBlob, words } = COMMONSENSE_SETS[set];
  test.skipIf(!has(`${own}/test.json`))('test questions', async () => {
    const { rows, files, isPublished, note } = await readCommonsenseSet(set, folder);
    expect(rows).toHaveLength(testCount);
    expect(files).toEqual([{ path: `${own}/test.json`, blob: testBlob }]);
    expect(isPublished).toBe(true);
    expect(note).toMatch(/is the published file, byte for byte$/);
    for (const row of rows) {
      const options = optionsOf(row)!;
      expect(options).toEqual(words.slice(0, options.length));
      expect(options).toContain(row.answer);
      expect(row.output).toBe(responseOf(row.answer));
      expect(row.input).toBe('');
    }
    for (const scorer of COMMONSENSE_SCORERS) {
      const grade = (row: CommonsenseRow, output: string) =>
        gradeCommonsense(scorer, set, { output, answer: row.answer, options: optionsOf(row)! }).correct;
      expect(count(rows, (row) => grade(row, row.output))).toBe(testCount);
      expect(count(rows, (row) => grade(row, ''))).toBe(0);
      const next = (i: number): CommonsenseRow => rows[(i + 1) % testCount]!;
      const alike = count(rows, ({ answer }, i) => answer === next(i).answer);
      expect(count(rows, (row, i) => grade(row, next(i).output))).toBe(alike);
      // Whoever repeats the question answers with its first word for `paper`, and names all options for `strict`.
      const repeated = count(rows, (row) => grade(row, `Answer format: ${optionsOf(row)!.join('/')}`));
      expect(repeated).toBe(scorer === 'strict' ? 0 : count(rows, ({ answer }) => answer === words[0]));
    }
  });
});

/** Rows of the published training files of single sets. */
const TRAINING: Readonly<Partial<Record<CommonsenseSetName, number>>> = {
  boolq: 9427,
  'arc-e': 2251,
  'arc-c': 1119,
  obqa: 4957,
};
const there = COMMONSENSE_SET_NAMES.filter((set) => has(`${COMMONSENSE_SETS[set].folder}/train.json`));

test.skipIf(there.join() !== Object.keys(TRAINING).join())(
  'training files of four sets, joined (PSOFT_DATA)',
  async () => {
    const { rows, files, source, isPublished } = await readCommonsenseTraining(folder);
    expect(source).toBe(`${folder} (train.json of boolq, arc-e, arc-c, obqa)`);
    expect(files).toHaveLength(4);
    expect(isPublished).toBe(false);
    expect(rows).toHaveLength(17_754);
    let at = 0;
    for (const size of Object.values(TRAINING)) {
      const part = rows.slice(at, at + size);
      const first = optionsOf(part[0]!)![0];
      expect(part.every((row) => optionsOf(row)![0] === first)).toBe(true);
      at += size;
    }
  },
);

test.skipIf(!has('ARC-Easy/test.json'))("another set's file is told by its sum (PSOFT_DATA)", async () => {
  await expect(readCommonsenseSet('arc-c', path.join(folder, 'ARC-Easy'))).rejects.toThrow(
    /test\.json is the published test file of arc-e, not of arc-c; name the folder that is meant$/,
  );
  await expect(readCommonsenseTraining(path.join(folder, 'ARC-Easy/test.json'))).rejects.toThrow(
    /is the published test file of arc-e, which is not to be trained on; name the folder that is meant$/,
  );
});
