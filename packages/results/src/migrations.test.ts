import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sampleRecord } from '../test/records.ts';
import { MIGRATIONS, type Migrations, migrate } from './migrations.ts';
import { recordFrom } from './parse.ts';
import { SCHEMA_VERSION } from './schema.ts';
import { readRecords, writeRecord } from './store.ts';

/** Versions that never were: -1 had no status, 0 counted half seconds. */
const INVENTED: Migrations = {
  [-1]: (record) => ({
    ...record,
    schemaVersion: 0,
    runInfo: { ...(record.runInfo as object), status: 'completed' },
  }),
  0: (record) => {
    const { totalHalves, ...runInfo } = record.runInfo as Record<string, unknown>;
    return {
      ...record,
      schemaVersion: 1,
      runInfo: { ...runInfo, totalSeconds: (totalHalves as number) / 2 },
    };
  },
};

/** A record as version 0 would have it. */
function older(version = 0): Record<string, unknown> {
  const record = sampleRecord();
  const { totalSeconds, status, ...runInfo } = record.runInfo;
  const kept = version === -1 ? {} : { status };
  return {
    ...record,
    schemaVersion: version,
    runInfo: { ...runInfo, ...kept, totalHalves: 2 * totalSeconds },
  };
}

describe('migrate', () => {
  it('has a migration for every version before the newest', () => {
    expect(Object.keys(MIGRATIONS).map(Number)).toEqual(
      Array.from({ length: SCHEMA_VERSION - 1 }, (_, index) => index + 1),
    );
  });

  it('reads records of any version as the newest, step by step, and changes none that it was given', () => {
    for (const version of [0, -1]) {
      const given = older(version);
      const before = structuredClone(given);
      expect(recordFrom(given, INVENTED)).toEqual(sampleRecord());
      expect(given).toEqual(before);
    }
    const newest = sampleRecord();
    expect(migrate(newest, INVENTED)).toBe(newest);
  });

  it('names the versions that it reads where one has no migration', () => {
    expect(() => migrate(older(0))).toThrow('schemaVersion: 0 is not known; this code reads 1');
    expect(() => migrate(older(-2), INVENTED)).toThrow(
      'schemaVersion: -2 is not known; this code reads 0, -1, 1',
    );
    expect(() => recordFrom({ ...sampleRecord(), schemaVersion: 2 }, INVENTED)).toThrow(
      'schemaVersion: 2 is not known; this code reads 1',
    );
  });

  it('refuses a migration that leads elsewhere, and one that makes another run of a record', () => {
    expect(() => migrate(older(), { 0: (record) => record })).toThrow(
      'the migration of version 0 led to 0, not 1',
    );
    const changed: Migrations = {
      0: (record) => {
        const next = INVENTED[0]!(record);
        return { ...next, runInfo: { ...(next.runInfo as object), seed: 9 } };
      },
    };
    expect(() => recordFrom(older(), changed)).toThrow('is not the hash of the record');
  });
});

describe('readRecords with older records', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(path.join(tmpdir(), 'psoft-migrations-'));
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  it('reads them with the rest, and leaves the files as they are', async () => {
    await writeRecord(root, sampleRecord({ seed: 2 }));
    const file = await writeRecord(root, sampleRecord());
    writeFileSync(file, JSON.stringify(older()));
    const { records, skipped } = await readRecords(root, {}, INVENTED);
    expect(skipped).toEqual([]);
    expect(records).toEqual([sampleRecord(), sampleRecord({ seed: 2 })]);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(older());
    const without = await readRecords(root);
    expect(without.records).toEqual([sampleRecord({ seed: 2 })]);
    expect(without.skipped).toEqual([
      { file: path.relative(root, file), reason: 'schemaVersion: 0 is not known; this code reads 1' },
    ]);
  });
});
