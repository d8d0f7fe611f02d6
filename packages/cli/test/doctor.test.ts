import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { DoctorReport } from '../src/doctor/index.ts';
import { psoft, start } from './psoft.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'psoft-doctor-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('psoft doctor looks at this machine; its exit code is of what was asked for', async () => {
  const args = ['doctor', '--device=cuda', '--offline=nlu', '--json'];
  const { code, stdout } = await start(args, { HF_HOME: folder, PSOFT_DATA: '' }).outcome;
  const { sections, failures } = JSON.parse(stdout) as DoctorReport;
  const checks = new Map(sections.flatMap((one) => one.checks.map((check) => [check.name, check] as const)));
  expect(checks.get('cpu')).toMatchObject({ state: 'fine', text: expect.stringMatching(/^works/) });
  expect(checks.get('nlu model')).toMatchObject({
    state: 'missing',
    text: expect.stringMatching(/microsoft\/deberta-v3-base/),
    remedy: 'npx nx run nlu:prepare downloads it',
  });
  expect(failures).toContain('nlu would download something: see its lines above');
  const hasCuda = checks.get('cuda')!.state === 'fine';
  expect(failures.some((line) => line.startsWith('cuda cannot be used'))).toBe(!hasCuda);
  expect(code).toBe(1);
});

test('a wrong question is one line', async () => {
  const { code, stderr } = await psoft('doctor', '--precision=tf32');
  expect([code, stderr]).toEqual([1, expect.stringMatching(/^psoft: precision tf32 is a mode of NVIDIA/)]);
});
