/** Every record in the repository is one that this code reads. */
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { readRecords } from '../src/store.ts';

test('the records under results/ are whole, valid, where they belong, and of clean code', async () => {
  const { records, skipped } = await readRecords(fileURLToPath(new URL('../../../results', import.meta.url)));
  expect(skipped).toEqual([]);
  expect(records.length).toBeGreaterThan(0);
  for (const { runInfo, metaInfo } of records) {
    expect(runInfo.status).toBe('completed');
    expect(metaInfo.codeInfo?.isDirty).toBe(false);
  }
});
