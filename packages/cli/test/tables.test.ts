import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { psoft } from './psoft.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'psoft-tables-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test('the tables are made from what is committed, three files each, without running anything', async () => {
  const out = path.join(folder, 'all');
  const { code, stdout, stderr } = await psoft('results', 'tables', '--out', out);
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(/tiny\/nlu\/table2\.md: 117 of 117 cells/);
  const tiny = await readdir(path.join(out, 'tiny', 'nlu'));
  expect(tiny.sort()).toEqual(
    ['table17', 'table2', 'table7'].flatMap((name) =>
      ['csv', 'md', 'tex'].map((ending) => `${name}.${ending}`),
    ),
  );
  expect(await readdir(path.join(out, 'paper'))).toEqual(['bench', 'commonsense', 'math', 'nlu', 'vision']);
  const bench = ['table19', 'table20', 'table21', 'table22'];
  expect((await readdir(path.join(out, 'tiny', 'bench'))).filter((name) => name.endsWith('.md'))).toEqual(
    bench.map((name) => `${name}.md`),
  );
  const table2 = await readFile(path.join(out, 'tiny', 'nlu', 'table2.md'), 'utf8');
  expect(table2).toMatch(/\| PSOFT r=32 .*13,440.*83\.9 ± 3\.1/);
  expect(table2).not.toContain('88.04');
  const printed = await readFile(path.join(out, 'paper', 'nlu', 'table2.md'), 'utf8');
  expect(printed).toMatch(/\| \*paper\* .*70\.42.*88\.04/);
});

test('without a record all is missing; printed instead of written; what is unknown is refused', async () => {
  const empty = ['--results-dir', path.join(folder, 'none')];
  const print = await psoft(
    'results',
    'tables',
    '--tables=table6',
    '--profile=tiny',
    '--print=text',
    ...empty,
  );
  expect(print.code).toBe(0);
  expect(print.stdout).toContain('18 of 18 cells are missing. To fill them:\n  npx nx run math:table6\n');
  const table = await psoft('results', 'tables', '--tables=table1', ...empty);
  expect([table.code, table.stderr]).toEqual([
    1,
    expect.stringMatching(/^psoft: unknown table "table1"; known: table2, /),
  ]);
  const scorer = await psoft('results', 'tables', '--scorer=kind', ...empty);
  expect(scorer.stderr).toMatch(/no table has the scorer "kind"; known: paper, strict/);
});
