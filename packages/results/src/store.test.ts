import { fork } from 'node:child_process';
import { once } from 'node:events';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SAMPLES, sampleRecord, sealed } from '../test/records.ts';
import { identityOf, recordPath } from './identity.ts';
import { describeSkipped, findRecord, readRecords, writeRecord } from './store.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'psoft-results-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const pathOf = (record = sampleRecord()) => path.join(root, recordPath(identityOf(record)));

describe('writeRecord', () => {
  it('writes a readable file to its place and nothing else', async () => {
    const record = sampleRecord();
    expect(await writeRecord(root, record)).toBe(pathOf());
    expect(JSON.parse(readFileSync(pathOf(), 'utf8'))).toEqual(record);
    expect(readFileSync(pathOf(), 'utf8')).toContain('\n  "runInfo": {\n');
    expect(readdirSync(path.dirname(pathOf()))).toEqual([path.basename(pathOf())]);
  });

  it('replaces the record of the same run, not that of another', async () => {
    const record = sampleRecord();
    await writeRecord(root, record);
    await writeRecord(root, sampleRecord({ seed: 2 }));
    await writeRecord(root, { ...record, runInfo: { ...record.runInfo, totalSeconds: 99 } });
    const { records } = await readRecords(root);
    expect(records.map(({ runInfo }) => [runInfo.seed, runInfo.totalSeconds])).toEqual([
      [1, 99],
      [2, 61.5],
    ]);
  });

  it('refuses an invalid record, a wrong hash and an unsafe name, and leaves no file', async () => {
    const record = sampleRecord();
    const wrong = { ...record, runInfo: { ...record.runInfo, seed: 1.5 } };
    await expect(writeRecord(root, wrong)).rejects.toThrow('runInfo.seed: expected a whole number');
    const edited = { ...record, runInfo: { ...record.runInfo, adapterConfig: { r: 4 } } };
    await expect(writeRecord(root, edited)).rejects.toThrow('is not the hash of the record');
    const unsafe = sealed({ ...record, runInfo: { ...record.runInfo, task: 'nul' } });
    await expect(writeRecord(root, unsafe)).rejects.toThrow('task "nul" cannot be part of a file name');
    for (const profile of ['charts', 'imported']) {
      const reserved = sealed({ ...record, runInfo: { ...record.runInfo, profile } });
      await expect(writeRecord(root, reserved)).rejects.toThrow(
        `profile "${profile}" is the name of another folder`,
      );
    }
    expect(readdirSync(root)).toEqual([]);
  });

  it('keeps the record of another run whose hash begins alike', async () => {
    const other = sampleRecord({ rank: 16 });
    mkdirSync(path.dirname(pathOf()), { recursive: true });
    writeFileSync(pathOf(), JSON.stringify(other));
    await expect(writeRecord(root, sampleRecord())).rejects.toThrow(
      `holds another run, ${other.runInfo.configHash}, whose first digits are the same`,
    );
    expect(JSON.parse(readFileSync(pathOf(), 'utf8'))).toEqual(other);
    writeFileSync(pathOf(), 'damaged');
    await writeRecord(root, sampleRecord());
    expect(await findRecord(root, identityOf(sampleRecord()))).toEqual(sampleRecord());
  });

  it('says which file it could not write, and leaves no temporary one', async () => {
    mkdirSync(pathOf(), { recursive: true });
    await expect(writeRecord(root, sampleRecord())).rejects.toThrow(`could not write ${pathOf()}: `);
    expect(readdirSync(path.dirname(pathOf()))).toEqual([path.basename(pathOf())]);
  });

  it('clears temporary files of processes killed long ago', async () => {
    mkdirSync(path.dirname(pathOf()), { recursive: true });
    const [old, fresh] = ['1-aa', '2-bb'].map((id) =>
      path.join(path.dirname(pathOf()), `.${path.basename(pathOf())}.${id}.tmp`),
    );
    writeFileSync(old!, '{');
    writeFileSync(fresh!, '{');
    utimesSync(old!, 1, 1);
    await writeRecord(root, sampleRecord());
    expect(readdirSync(path.dirname(pathOf())).sort()).toEqual([
      path.basename(fresh!),
      path.basename(pathOf()),
    ]);
  });

  it('leaves a whole record when the process is killed in the middle of writing', async () => {
    const script = fileURLToPath(new URL('../test/writeForever.ts', import.meta.url));
    // Some megabytes, so that writing takes a while.
    const epochs = 20_000;
    const temporaries = () => readdirSync(path.dirname(pathOf())).filter((name) => name.endsWith('.tmp'));
    for (let round = 1; round <= 5; round++) {
      const child = fork(script, [root, String(epochs)], { execArgv: ['--import', 'tsx'] });
      try {
        await once(child, 'message');
        const deadline = Date.now() + 5000;
        while (temporaries().length < round && Date.now() < deadline) await setImmediate();
      } finally {
        child.kill('SIGKILL');
      }
      await once(child, 'exit');
      const { records, skipped } = await readRecords(root);
      expect(skipped).toEqual([]);
      expect(records.map(({ trainInfo }) => trainInfo.metrics.length)).toEqual([epochs]);
      // A kill that came after the rename leaves none: then the round showed nothing, and is tried again.
      if (temporaries().length < round) round--;
    }
  }, 30_000);
});

describe('readRecords', () => {
  it('reads an absent or empty folder as no records', async () => {
    expect(await readRecords(path.join(root, 'absent'))).toEqual({ records: [], skipped: [] });
    expect(await readRecords(root)).toEqual({ records: [], skipped: [] });
  });

  it('filters, and returns records in the order of their paths', async () => {
    const records = [...SAMPLES, sampleRecord({ variant: 'strict' }), sampleRecord({ profile: 'paper' })];
    for (const record of [...records].reverse()) await writeRecord(root, record);
    const count = async (filter: Parameters<typeof readRecords>[1]) =>
      (await readRecords(root, filter)).records.length;
    expect(await count({})).toBe(11);
    expect(await count({ profile: 'tiny', experiment: 'nlu', task: 'cola' })).toBe(10);
    expect(await count({ profile: 'paper', method: 'lora' })).toBe(0);
    expect(await count({ method: 'psoft', profile: 'tiny' })).toBe(4);
    expect(await count({ method: 'psoft', profile: 'tiny', variant: null })).toBe(3);
    expect(await count({ variant: 'strict' })).toBe(1);
    expect(await count({ seed: 2, status: 'completed' })).toBe(3);
    const paths = (await readRecords(root)).records.map((record) => recordPath(identityOf(record)));
    expect(paths).toEqual([...paths].sort());
  });

  it('names every file it does not read, and reads the rest', async () => {
    await writeRecord(root, sampleRecord());
    const folder = path.dirname(pathOf());
    const text = readFileSync(pathOf(), 'utf8');
    const damaged: Record<string, [string, string]> = {
      'a.json': ['', 'the file is empty'],
      'b.json': [text.slice(0, text.length / 2), 'not valid JSON: '],
      'c.json': [text.replace('"schemaVersion": 1', '"schemaVersion": 7'), 'schemaVersion: 7 is not known'],
      'd.json': [text.replace('"r": 32', '"r": 33'), 'runInfo.configHash: '],
      'e.json': [text, `is the record of ${recordPath(identityOf(sampleRecord()))}; move it there`],
      'f.json': ['null', 'record: expected an object, got null'],
      'g.json': [text.replace('"method": "psoft"', '"method": "../x"'), 'runInfo.method: expected a name'],
    };
    for (const [name, [content]] of Object.entries(damaged)) writeFileSync(path.join(folder, name), content);
    writeFileSync(path.join(root, 'stray.json'), '{}');
    // Not named like records: charts, notes and what a killed process left.
    mkdirSync(path.join(root, 'charts'));
    for (const name of ['README.md', '.a.json.1-ff.tmp', 'charts/data.json'])
      writeFileSync(path.join(root, name), '{');
    const { records, skipped } = await readRecords(root);
    expect(records).toEqual([sampleRecord()]);
    const expected = Object.entries(damaged).map(([name, [, reason]]) => [`tiny/nlu/cola/${name}`, reason]);
    expected.unshift(['stray.json', 'schemaVersion: missing']);
    expect(skipped.map(({ file }) => file).sort()).toEqual(expected.map(([file]) => file).sort());
    for (const [file, reason] of expected) {
      const seen = skipped.find((one) => one.file === file)!.reason;
      expect(seen.startsWith(reason!), `${file}: ${seen}`).toBe(true);
      expect(seen).not.toContain('\n');
    }
  });
});

describe('readRecords through links', () => {
  it('follows folders that lie elsewhere, and names links that lead nowhere or in a circle', async () => {
    await writeRecord(path.join(root, 'disk'), sampleRecord());
    const results = path.join(root, 'results');
    mkdirSync(results);
    symlinkSync(path.join(root, 'disk', 'tiny'), path.join(results, 'tiny'));
    symlinkSync(path.join(root, 'nowhere'), path.join(results, 'gone.json'));
    symlinkSync(root, path.join(results, 'circle'));
    const { records, skipped } = await readRecords(results);
    expect(records).toContainEqual(sampleRecord());
    const reasons = Object.fromEntries(skipped.map(({ file, reason }) => [file, reason]));
    expect(reasons['gone.json']).toMatch(/^ENOENT/);
    expect(reasons['circle/results']).toBe('a link that leads back to a folder above it');
    expect(describeSkipped('results', skipped)).toContain(
      'results/circle/results was not read: a link that leads back to a folder above it',
    );
  });
});

describe('findRecord', () => {
  it('finds the record of a run, and none of a run that has not been', async () => {
    await writeRecord(root, sampleRecord());
    expect(await findRecord(root, identityOf(sampleRecord()))).toEqual(sampleRecord());
    expect(await findRecord(root, identityOf(sampleRecord({ rank: 16 })))).toBeUndefined();
    expect(await findRecord(path.join(root, 'absent'), identityOf(sampleRecord()))).toBeUndefined();
  });

  it('does not take a damaged file for a missing one', async () => {
    await writeRecord(root, sampleRecord());
    writeFileSync(pathOf(), '{');
    await expect(findRecord(root, identityOf(sampleRecord()))).rejects.toThrow(
      /psoft-s1-[0-9a-f]{8}\.json: not valid JSON: .*; remove the file to run again$/,
    );
  });
});
