import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import {
  cutsTo,
  PAPER_FOLDER,
  printedDuration,
  printedNumber,
  readPaper,
  roundsTo,
  TABLES,
} from './index.ts';
import { parseTable } from './read.ts';

const folder = await mkdtemp(path.join(tmpdir(), 'psoft-paper-'));
afterAll(() => rm(folder, { recursive: true }));

test('every file has a shape, and every shape a file', async () => {
  const files = (await readdir(PAPER_FOLDER)).filter((name) => name.endsWith('.csv'));
  expect(files.map((name) => name.slice(0, -4)).sort()).toEqual(Object.keys(TABLES).sort());
  const paper = await readPaper();
  for (const [name, rows] of Object.entries(paper)) {
    const text = await readFile(path.join(PAPER_FOLDER, `${name}.csv`), 'utf8');
    // Every line but the header is a row, and the file ends in a line end.
    expect([name, rows.length]).toEqual([name, text.split('\n').length - 2]);
  }
});

test('cells keep the digits that are printed', async () => {
  const { table13_math_low_budget, table17_ranks_cola, table2_glue } = await readPaper();
  const psoft = table13_math_low_budget.find(({ label }) => label === 'PSOFT r=168 Q;K;V');
  expect(psoft).toMatchObject({
    line: 5,
    inserted_modules: ['Q', 'K', 'V'],
    params_m: { text: '1.20', value: 1.2, halfUnit: 0.005, decimals: 2 },
  });
  expect(table17_ranks_cola[0]?.runtime).toMatchObject({ text: '17m34s', value: 1054 });
  expect(table2_glue[1]?.stsb).toMatchObject({ text: 'OOM', value: undefined });
  expect(table2_glue[1]?.avg.text).toBe('');
});

test.each([
  ['12', 12, 0.5],
  ['-0.50', -0.5, 0.005],
])('the number %s', (text, value, halfUnit) => {
  expect(printedNumber(text)).toMatchObject({ text, value, halfUnit });
});

test.each(['1,2', '1e3', ' 1', 'N/A', '.5', '5.'])('"%s" is no printed number', (text) => {
  expect(printedNumber(text)).toBeUndefined();
});

test('durations have seconds below sixty', () => {
  expect(printedDuration('1m60s')).toBeUndefined();
  expect(printedDuration('91m05s')?.value).toBe(5465);
});

test('rounding reaches half a unit either way, cutting a whole unit up', () => {
  const printed = printedNumber('1.20')!;
  expect([1.195, 1.205, 1.1949, 1.2051].map((value) => roundsTo(value, printed))).toEqual([
    true,
    true,
    false,
    false,
  ]);
  expect([1.2, 1.2099, 1.21, 1.1999].map((value) => cutsTo(value, printed))).toEqual([
    true,
    true,
    false,
    false,
  ]);
  expect(roundsTo(1.21, printed, 0.005)).toBe(true);
  expect(roundsTo(Number.NaN, printed)).toBe(false);
});

const header = 'variant,rte,cola\n';
test.each([
  ['variant,cola,rte\n', 'x: columns must be variant,rte,cola, got variant,cola,rte'],
  [`${header}a,1\n`, 'x line 2: needs 3 cells, got 2'],
  [`${header}a,1,2\nb,high,2\n`, 'x line 3, rte: must be a number, got "high"'],
  [`${header}a,1,2\na,3,4\n`, 'x line 3: "a" stands on line 2 already'],
  [`${header}"a,1,2\n`, 'x line 2: Quoted field unterminated'],
  [`${header}a,1,2\n\nb,1,2\n`, 'x line 3: needs 3 cells, got 1'],
])('a damaged file is refused: %j', (text, message) => {
  expect(() => parseTable('table7_initialization', text, 'x')).toThrow(message);
});

test('a line end of either kind', () => {
  expect(parseTable('table7_initialization', 'variant,rte,cola\r\na,1,2\r\n', 'x')).toHaveLength(1);
});

test('a folder without a table is refused, naming the file', async () => {
  await cp(PAPER_FOLDER, folder, { recursive: true });
  await rm(path.join(folder, 'table7_initialization.csv'));
  await expect(readPaper(folder)).rejects.toThrow(/table7_initialization\.csv: ENOENT/);
  await writeFile(path.join(folder, 'table7_initialization.csv'), `${header}a,1,2\n`);
  expect((await readPaper(folder)).table7_initialization).toHaveLength(1);
});
