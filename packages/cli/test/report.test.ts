import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeReport } from '../src/commands/results/report.ts';
import { ROOT } from '../src/workspace.ts';
import { psoft } from './psoft.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'psoft-report-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A page is too long to be shown when it is not as expected. */
const missingIn = (page: string, texts: readonly string[]) => texts.filter((text) => !page.includes(text));

test('the committed records make a page small enough to be committed, that tells nothing of who ran them', async () => {
  const results = path.join(ROOT, 'results');
  const page = await makeReport(results, path.join(results, 'report'));
  expect(Buffer.byteLength(page)).toBeLessThan(3e6);
  const shown = [
    'nlu/cola',
    '13,440',
    'Table 22',
    'Figure 4a',
    'does not follow',
    'href="../../docs/audit.md"',
  ];
  expect(missingIn(page, shown)).toEqual([]);
  const data = page.slice(page.indexOf('<main'), page.lastIndexOf('<script>'));
  const secrets = [os.homedir(), ROOT, folder, os.hostname()].filter((one) => one.length > 3);
  expect(secrets.filter((secret) => data.includes(secret))).toEqual([]);
  const patterns = [
    /\/home\//,
    /\/Users\//,
    /hf_[A-Za-z0-9]{20}/,
    /npm_[A-Za-z0-9]{20}/,
    /gh[pousr]_[A-Za-z0-9]{20}/,
  ];
  expect(patterns.filter((pattern) => pattern.test(data))).toEqual([]);
}, 120_000);

test('psoft results report writes it and says where; without a record the page says what to run', async () => {
  const file = path.join(folder, 'empty.html');
  const { code, stdout, stderr } = await psoft(
    'results',
    'report',
    '--results-dir',
    path.join(folder, 'none'),
    '--out',
    file,
  );
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(/empty\.html: \d\.\d MB\nopen it: file:\/\/.*empty\.html\n$/);
  expect(missingIn(await readFile(file, 'utf8'), ['not run yet', 'npx nx run nlu:table2'])).toEqual([]);
}, 120_000);
