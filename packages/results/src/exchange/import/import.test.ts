import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { peftResult, WANDB_RUNS } from '../../../test/foreign.ts';
import { importedSample } from '../../../test/imported.ts';
import { evaluationRecord, sampleRecord, trainingRecord } from '../../../test/records.ts';
import { identityOf, recordPath, runName } from '../../identity.ts';
import { importedEntry, runEntry } from '../../query/ledger.ts';
import type { RunRecord } from '../../schema.ts';
import { readRecords, writeRecord } from '../../store.ts';
import { toJson } from '../json.ts';
import { openSource, readExportedRuns, readResults, restoreRuns } from './index.ts';

const source = (text: string, name = 'file') => ({
  path: name,
  bytes: Buffer.from(text),
  importedAt: '2026-12-01T00:00:00.000Z',
});
const exported = (...records: RunRecord[]) => toJson(records.map((record) => runEntry(record, 'x.json')));

let root: string;
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'psoft-import-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

describe('readResults', () => {
  it('names the file, and the formats that there are, for what is none', () => {
    for (const text of ['', '{"a": 1}', 'a,b\n1,2\n', 'PK\u0003\u0004 and so on'])
      expect(() => readResults(source(text, 'odd.bin'))).toThrow(
        /^odd\.bin: is none of: an export of psoft runs \(JSON\); a result of PEFT's .*; a TensorBoard event file/,
      );
    expect(() => readResults(source('a,b\n1,2\n', 'odd.csv'), 'wandb-history')).toThrow(
      /^odd\.csv: row 1|^odd\.csv: /,
    );
    expect(() => readResults(source('nothing', 'odd'), 'tensorboard')).toThrow(/^odd: /);
    expect(() => readResults(source('nothing', 'odd'), 'psoft')).toThrow('odd: not valid JSON');
  });

  it('names a file that cannot be opened', async () => {
    await expect(openSource(path.join(root, 'absent'))).rejects.toThrow(/absent: ENOENT/);
    writeFileSync(path.join(root, 'there'), 'x');
    expect((await openSource(path.join(root, 'there'))).importedAt).toMatch(/^\d{4}-.*Z$/);
  });

  it('adds what is stated, where the source does not say it, and marks it', () => {
    const statements = { experiment: 'math', task: 'gsm8k', method: 'other', seed: 9 };
    const [peft] = readResults(source(JSON.stringify(peftResult())), undefined, statements);
    expect(peft!.runInfo).toMatchObject({ experiment: 'math', task: 'gsm8k', method: 'psoft', seed: 7 });
    expect(peft!.importedFrom.stated).toEqual(['experiment', 'task']);
    const runs = readResults(source(WANDB_RUNS), undefined, { seed: 9 });
    expect(runs.map(({ runInfo }) => runInfo.seed)).toEqual([3, 4, 9]);
    expect(runs[0]!.importedFrom.stated).toBeUndefined();
    expect(() => readResults(source(WANDB_RUNS), undefined, { method: 'PSOFT!' })).toThrow(
      'file: runInfo.method: expected a name of a-z',
    );
  });
});

describe('an export of psoft runs', () => {
  it('comes back as imported results that keep all that they can hold', () => {
    const [run, evaluation, imported, ...more] = readResults(
      source(
        toJson([
          runEntry(sampleRecord({ reference: 70 }), 'x'),
          runEntry(evaluationRecord(), 'y'),
          importedEntry(importedSample(), 'z'),
        ]),
      ),
    );
    expect(more).toEqual([]);
    const original = sampleRecord();
    expect(run!.runInfo).toEqual({
      name: runName(identityOf(original)),
      profile: 'imported',
      ...{ experiment: 'nlu', task: 'cola', method: 'psoft', seed: 1, status: 'completed' },
      ...{ createdAt: original.runInfo.createdAt, totalSeconds: 61.5 },
      trainConfig: original.runInfo.trainConfig,
      adapterConfig: original.runInfo.adapterConfig,
    });
    expect(run!.trainInfo.test).toEqual(original.trainInfo.test);
    expect(run!.metaInfo).toMatchObject({
      runInfo: { profile: 'tiny', configHash: original.runInfo.configHash },
      referenceScore: { value: 70 },
      ...original.metaInfo,
    });
    expect(run!.trainInfo.series!.find(({ name }) => name === 'selection.matthews')).toMatchObject({
      steps: [100, 200, 300, 400, 500, 600],
      values: original.trainInfo.metrics.map(({ selection }) => selection.matthews),
    });
    expect(evaluation!.metaInfo).toMatchObject({ runInfo: { evaluates: { task: 'train' } } });
    expect(imported).toEqual(importedSample());
  });

  it('is restored to the very records, where they belong', async () => {
    const records = [sampleRecord(), evaluationRecord(), trainingRecord()];
    const runs = readExportedRuns(source(exported(...records)));
    expect(runs).toEqual(records);
    const restored = await restoreRuns(root, runs);
    expect(restored).toEqual(
      records.map((record) => ({ file: recordPath(identityOf(record)), outcome: 'restored' })),
    );
    const found = await readRecords(root);
    expect(found.skipped).toEqual([]);
    expect(found.records).toHaveLength(3);
    expect(found.records).toEqual(expect.arrayContaining(records));
    expect((await restoreRuns(root, runs)).map(({ outcome }) => outcome)).toEqual(
      Array(3).fill('there already'),
    );
  });

  it('replaces no other record unless told to, and restores no run that did not end', async () => {
    const record = sampleRecord();
    const other = { ...record, runInfo: { ...record.runInfo, totalSeconds: 5 } };
    await writeRecord(root, other);
    const failed = sampleRecord({ status: 'failed', seed: 2 });
    const outcomes = async (replaces: boolean) =>
      (await restoreRuns(root, [record, failed], replaces)).map(({ outcome }) => outcome);
    expect(await outcomes(false)).toEqual(['kept another', 'did not end']);
    expect((await readRecords(root)).records).toEqual([other]);
    expect(await outcomes(true)).toEqual(['restored', 'did not end']);
    expect((await readRecords(root)).records).toEqual([record]);
  });

  it('that was edited, or is of another version, is refused with the place', () => {
    const edited = exported(sampleRecord(), sampleRecord({ seed: 2 })).replace('"seed": 2', '"seed": 3');
    expect(() => readResults(source(edited, 'e.json'))).toThrow('e.json: records[1]: runInfo.configHash: ');
    expect(() => readResults(source('{"format": "psoft-export", "version": 2, "records": []}'))).toThrow(
      'file: version: 2 of exports is not known; this code reads 1',
    );
    expect(() => readExportedRuns(source(WANDB_RUNS))).toThrow('file: is not an export of psoft runs (JSON)');
  });
});
