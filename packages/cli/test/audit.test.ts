/** `psoft audit` as a user runs it. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { PAPER_FOLDER } from '@psoft/results/paper';
import { afterAll, expect, test } from 'vitest';
import { start } from './psoft.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'psoft-audit-'));
cpSync(PAPER_FOLDER, folder, { recursive: true });
afterAll(() => rmSync(folder, { recursive: true }));

test('lists what does not follow, and succeeds', async () => {
  const { code, stdout, stderr } = await start(['audit']).outcome;
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toContain('    OFTv2 b=32: params_m\n      printed 14.3, recomputed 15.237\n');
  expect(stdout).not.toContain('PSOFT r=46: avg');
});

test('--strict fails with 2, --all lists all, --paper-dir reads another copy', async () => {
  const file = path.join(folder, 'table2_glue.csv');
  writeFileSync(file, readFileSync(file, 'utf8').replace('88.04', '88.40'));
  const { code, stdout } = await start(['audit', '--strict', '--all', '--format=csv', '--paper-dir', folder])
    .outcome;
  expect(code).toBe(2);
  expect(stdout).toContain(
    'averages,Table 2,PSOFT r=46: avg,88.40,88.038,mean of the 6 tasks,does not follow,\n',
  );
  expect(stdout).toContain('averages,Table 2,DoRA r=8: avg,87.61,87.610,mean of the 6 tasks,follows,\n');
});

test('a damaged table is an error of one line', async () => {
  writeFileSync(path.join(folder, 'wall_times.csv'), 'model,inserted_modules,minutes\nLLaMA-3.2-3B,Q,long\n');
  const { code, stdout, stderr } = await start(['audit', '--paper-dir', folder]).outcome;
  expect([code, stdout]).toEqual([1, '']);
  expect(stderr).toBe(
    `psoft: ${path.join(folder, 'wall_times.csv')} line 2, minutes: must be a number, got "long"\n`,
  );
});
