import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sampleRecord } from '../test/records.ts';
import { identityOf, recordPath } from './identity.ts';
import { planPrune, prune } from './prune.ts';
import type { RunRecord } from './schema.ts';
import { readRecords, writeRecord } from './store.ts';
import { runFolder } from './unfinished.ts';

let root: string;
let places: { resultsFolder: string; runsFolder: string; changedBefore: number };
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'psoft-prune-'));
  places = {
    resultsFolder: path.join(root, 'results'),
    runsFolder: path.join(root, 'runs'),
    changedBefore: Date.now() - 60_000,
  };
  mkdirSync(places.resultsFolder);
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const at = (record: RunRecord, createdAt: string): RunRecord => ({
  ...record,
  runInfo: { ...record.runInfo, createdAt },
});

/** A run's folder below runs/, last changed a day ago unless said otherwise. */
function makeRun(
  record: RunRecord,
  files: Record<string, string>,
  changed = Date.now() - 86_400_000,
): string {
  const folder = path.join(places.runsFolder, runFolder(record));
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    writeFileSync(path.join(folder, name), text);
  }
  for (const name of readdirSync(folder, { recursive: true }))
    utimesSync(path.join(folder, String(name)), changed / 1000, changed / 1000);
  utimesSync(folder, changed / 1000, changed / 1000);
  return folder;
}

/** kind and path of what is found. */
const found = async () =>
  (await planPrune(places)).items.map(({ kind, path: place }) => [kind, path.relative(root, place)]);
const relative = (record: RunRecord, ...more: string[]) => path.join('runs', runFolder(record), ...more);

describe('planPrune', () => {
  it('finds nothing in a tidy place, nor in an empty one', async () => {
    expect(await found()).toEqual([]);
    const record = sampleRecord();
    await writeRecord(places.resultsFolder, record);
    makeRun(record, { 'run.json': '{}', 'adapter/adapter_model.safetensors': 'x' });
    expect(await planPrune(places)).toEqual({ items: [], kept: [], unread: [] });
  });

  it('needs a folder of records: without one every run would seem to be without a record', async () => {
    rmSync(places.resultsFolder, { recursive: true });
    makeRun(sampleRecord(), { 'run.json': '{}' });
    await expect(planPrune(places)).rejects.toThrow(/results does not exist: give the folder/);
  });

  it('finds runs that failed or were stopped, and folders without a record', async () => {
    const [failed, cancelled] = [
      sampleRecord({ seed: 1, status: 'failed' }),
      sampleRecord({ seed: 2, status: 'cancelled' }),
    ];
    makeRun(failed, { 'failed.json': JSON.stringify(failed), 'train.jsonl': 'x' });
    makeRun(cancelled, { 'cancelled.json': JSON.stringify(cancelled), 'checkpoint.safetensors': 'x' });
    const orphan = makeRun(sampleRecord({ seed: 3 }), { 'run.json': '{}', 'adapter/x': 'abc' });
    // Folders that people made are nobody's business.
    mkdirSync(path.join(places.runsFolder, 'tiny', 'nlu', 'cola', 'my-notes'), { recursive: true });
    const { items } = await planPrune(places);
    expect(items.map(({ kind, path: place, reason }) => [kind, path.relative(root, place), reason])).toEqual(
      [
        ['failed', relative(failed), 'loss is NaN at step 12: lower the learning rate'],
        ['cancelled', relative(cancelled), 'stopped before its end; its checkpoint goes with it'],
        [
          'without a record',
          path.relative(root, orphan),
          expect.stringMatching(/^there is no .*-s3-.*\.json$/),
        ],
      ].sort((a, b) => ((a[1] as string) < (b[1] as string) ? -1 : 1)),
    );
    expect(items.find(({ path: place }) => place === orphan)!.bytes).toBeGreaterThanOrEqual(5);
  });

  it('finds of a completed run what an earlier or later attempt left, and keeps the run', async () => {
    const record = sampleRecord();
    await writeRecord(places.resultsFolder, record);
    const failed = at(sampleRecord({ status: 'failed' }), '2026-01-01T00:00:00.000Z');
    const cancelled = at(sampleRecord({ status: 'cancelled' }), '2026-12-31T00:00:00.000Z');
    const folder = makeRun(record, {
      'run.json': '{}',
      'failed.json': JSON.stringify(failed),
      'cancelled.json': JSON.stringify(cancelled),
    });
    expect(await found()).toEqual([
      ['superseded', relative(record, 'failed.json')],
      ['cancelled', relative(record, 'cancelled.json')],
    ]);
    await prune(await planPrune(places));
    expect(readdirSync(folder)).toEqual(['run.json']);
    expect((await readRecords(places.resultsFolder)).records).toEqual([record]);
  });

  it('finds copies of a completed record, and never the only one', async () => {
    const record = sampleRecord();
    const home = await writeRecord(places.resultsFolder, record);
    const copy = path.join(places.resultsFolder, 'tiny', 'nlu', 'cola', 'copy.json');
    writeFileSync(copy, JSON.stringify(at(record, '2026-01-01T00:00:00.000Z')));
    expect(await found()).toEqual([['superseded', path.relative(root, copy)]]);
    // A newer one may be the better: it stays, and so does one whose place is empty.
    writeFileSync(copy, JSON.stringify(at(record, '2026-12-31T00:00:00.000Z')));
    expect((await planPrune(places)).items).toEqual([]);
    rmSync(home);
    const { items, kept } = await planPrune(places);
    expect(items).toEqual([]);
    expect(kept).toEqual([{ path: copy, reason: `is not in its place, ${home}, which holds no newer one` }]);
  });

  it('finds records among the results that are none of completed runs', async () => {
    const failed = sampleRecord({ status: 'failed' });
    await writeRecord(places.resultsFolder, failed);
    expect(await found()).toEqual([['failed', path.join('results', recordPath(identityOf(failed)))]]);
  });

  it('keeps what changed of late, and what belongs to a record that cannot be read', async () => {
    const [young, damaged, unclear] = [1, 2, 3].map((seed) => sampleRecord({ seed })) as [
      RunRecord,
      RunRecord,
      RunRecord,
    ];
    makeRun(young, { 'checkpoint.safetensors': 'x' }, Date.now());
    const file = await writeRecord(places.resultsFolder, damaged);
    writeFileSync(file, '{');
    makeRun(damaged, { 'run.json': '{}' });
    makeRun(unclear, { 'failed.json': '' });
    const { items, kept, unread } = await planPrune(places);
    expect(items).toEqual([]);
    expect(kept).toEqual([
      {
        path: path.join(places.runsFolder, runFolder(young)),
        reason: expect.stringMatching(/^changed of late/),
      },
    ]);
    expect(unread).toEqual([
      expect.stringMatching(/-s2-.*\.json: not valid JSON/),
      expect.stringMatching(/failed\.json: the file is empty$/),
    ]);
  });
});

describe('prune', () => {
  it('removes each whole, and leaves nothing hidden behind', async () => {
    const orphan = makeRun(sampleRecord(), { 'adapter/deep/x': 'abc' });
    const hidden = path.join(path.dirname(orphan), '.psoft-s9-00000000.1-ab.removed');
    mkdirSync(hidden);
    const removed = await prune(await planPrune(places));
    expect(removed.map((item) => item.path)).toEqual([orphan]);
    expect(readdirSync(path.dirname(orphan))).toEqual([]);
  });

  it('leaves what changed since it was found', async () => {
    const records = [1, 2, 3].map((seed) => sampleRecord({ seed }));
    const folders = records.map((record) => makeRun(record, { 'checkpoint.safetensors': 'x' }));
    const failed = sampleRecord({ seed: 4, status: 'failed' });
    const file = await writeRecord(places.resultsFolder, failed);
    const plan = await planPrune(places);
    expect(plan.items).toHaveLength(4);
    // The first run ends, the second goes on, the failed one is done again.
    await writeRecord(places.resultsFolder, records[0]!);
    writeFileSync(path.join(folders[1]!, 'checkpoint.safetensors'), 'y');
    await writeRecord(places.resultsFolder, sampleRecord({ seed: 4 }));
    const removed = await prune(plan);
    expect(removed.map((item) => item.path)).toEqual([folders[2]]);
    expect([...folders.slice(0, 2), file].every(existsSync)).toBe(true);
  });
});
