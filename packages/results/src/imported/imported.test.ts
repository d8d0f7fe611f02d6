import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { importedSample } from '../../test/imported.ts';
import { sampleRecord } from '../../test/records.ts';
import { readRecords, writeRecord } from '../store.ts';
import { checkImported, type ImportedRecord, importedJsonSchema } from './schema.ts';
import { importedName, importedPath, readImported, writeImported } from './store.ts';

const published = JSON.parse(
  readFileSync(new URL('../../schema/imported-record.v1.json', import.meta.url), 'utf8'),
) as Record<string, unknown>;
const validate = new Ajv2020({ strict: true }).compile(published);

let root: string;
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'psoft-imported-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

describe('an imported record', () => {
  it('is checked as its published schema does', () => {
    expect(published).toEqual(importedJsonSchema());
    const whole = importedSample();
    expect(checkImported(whole)).toBe(whole);
    expect(validate(whole), JSON.stringify(validate.errors)).toBe(true);
    const wrong: [Record<string, unknown>, string][] = [
      [{ ...whole, schemaVersion: 2 }, 'schemaVersion: expected 1, got 2'],
      [
        { ...whole, runInfo: { name: 'x', profile: 'tiny' } },
        'runInfo.profile: expected "imported", got "tiny"',
      ],
      [{ ...whole, extra: 1 }, 'extra: unknown key'],
      [
        { ...whole, trainInfo: { test: { loss: '1' } } },
        'trainInfo.test.loss: expected a finite number, got "1"',
      ],
      [sampleRecord() as unknown as Record<string, unknown>, 'importedFrom: missing'],
    ];
    for (const [value, message] of wrong) {
      expect(() => checkImported(value)).toThrow(message);
      expect(validate(value)).toBe(false);
    }
    const [one] = whole.trainInfo.series!;
    const uneven = { ...whole, trainInfo: { series: [{ ...one!, values: [1] }] } };
    expect(() => checkImported(uneven)).toThrow('trainInfo.series[0]: its lists differ in length');
  });
});

describe('the store of imported results', () => {
  it('keeps them apart from runs, in files that are easy to read', async () => {
    await writeRecord(root, sampleRecord());
    const record = importedSample();
    const { file, isNew } = await writeImported(root, record);
    expect([file, isNew]).toEqual([path.join('imported', 'peft', `${importedName(record)}.json`), true]);
    expect(path.basename(file)).toMatch(/^psoft-llama-default-[0-9a-f]{8}\.json$/);
    expect(readFileSync(path.join(root, file), 'utf8')).toContain('"steps": [250, 500, 1000],\n');
    expect(await readImported(root)).toEqual({ records: [record], skipped: [] });
    expect(await readRecords(root)).toEqual({ records: [sampleRecord()], skipped: [] });
  });

  it('writes the same result once, another time only what changed', async () => {
    const record = importedSample();
    await writeImported(root, record);
    const later: ImportedRecord = {
      ...record,
      importedFrom: { ...record.importedFrom, importedAt: '2026-12-01T00:00:00.000Z' },
    };
    expect((await writeImported(root, later)).isNew).toBe(false);
    expect((await readImported(root)).records).toEqual([record]);
    const more = { ...later, runInfo: { ...later.runInfo, seed: 3 } };
    expect((await writeImported(root, more)).isNew).toBe(true);
    expect((await readImported(root)).records).toEqual([more]);
    // Another entry of the same file is another result.
    const other = { ...record, importedFrom: { ...record.importedFrom, entry: 'b' } };
    expect(importedPath(other)).not.toBe(importedPath(record));
  });

  it('names what it cannot read', async () => {
    const { file } = await writeImported(root, importedSample());
    const folder = path.join(root, 'imported', 'peft');
    mkdirSync(folder, { recursive: true });
    writeFileSync(path.join(folder, 'a.json'), '{');
    writeFileSync(path.join(folder, 'b.json'), readFileSync(path.join(root, file)));
    const { records, skipped } = await readImported(root);
    expect(records).toHaveLength(1);
    expect(skipped.map((one) => one.file)).toEqual(['a', 'b'].map((name) => `imported/peft/${name}.json`));
    expect(skipped[0]!.reason).toMatch(/^not valid JSON/);
    expect(skipped[1]!.reason).toBe(`is the result of ${file}; move it there`);
  });
});
