/** Several processes at work in one results folder. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { removeFolder, removeLeftovers, writeAtomically } from '../src/atomic.ts';
import { readRecords } from '../src/store.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'psoft-concurrency-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

test('writers of one folder lose nothing, and a reader beside them never sees half a record', async () => {
  const [writers, count] = [3, 25];
  const script = fileURLToPath(new URL('./writeMany.ts', import.meta.url));
  const children = Array.from({ length: writers }, (_, writer) =>
    fork(script, [root, String(writer + 1), String(count)], { execArgv: ['--import', 'tsx'] }),
  );
  await Promise.all(children.map((child) => once(child, 'message')));
  const ends = Promise.all(children.map((child) => once(child, 'exit')));
  let running = true;
  ends.finally(() => {
    running = false;
  });
  for (const child of children) child.send('go');

  const seen: number[] = [];
  while (running) {
    const { records, skipped } = await readRecords(root);
    expect(skipped).toEqual([]);
    seen.push(records.length);
  }
  expect((await ends).map(([code]) => code)).toEqual([0, 0, 0]);
  // Nothing that was there is ever gone, and the reader did look while they wrote.
  expect(seen).toEqual([...seen].sort((a, b) => a - b));
  expect(new Set(seen).size).toBeGreaterThan(2);

  const { records, skipped } = await readRecords(root);
  expect(skipped).toEqual([]);
  const expected = Array.from(
    { length: writers * count },
    (_, i) => 1000 * (1 + Math.floor(i / count)) + (i % count),
  );
  expect(records.map(({ runInfo }) => runInfo.seed).sort((a, b) => a - b)).toEqual([1, ...expected]);
  // The shared record is whole, and the last of one writer.
  const shared = records.find(({ runInfo }) => runInfo.seed === 1)!;
  expect([1, 2, 3].map((writer) => 1000 * writer + count - 1)).toContain(shared.runInfo.totalSeconds);
  const left = readdirSync(root, { recursive: true }).filter((name) => String(name).endsWith('.tmp'));
  expect(left).toEqual([]);
}, 60_000);

test('a folder that is removed while a file is written comes back with the file', async () => {
  const folder = path.join(root, 'a', 'b');
  // Some megabytes, so that writing takes a while.
  const text = 'x'.repeat(1 << 23);
  let removals = 0;
  for (let i = 0; i < 20 && removals < 3; i++) {
    const file = path.join(folder, `${i}.json`);
    let isDone = false;
    const written = writeAtomically(file, text).finally(() => {
      isDone = true;
    });
    while (!isDone && temporaries(folder).length === 0) await setImmediate();
    if (!isDone && !existsSync(file)) {
      rmSync(folder, { recursive: true, force: true });
      removals++;
    }
    await written;
    expect(statSync(file).size).toBe(text.length);
    expect(temporaries(folder)).toEqual([]);
  }
  expect(removals).toBe(3);
});

function temporaries(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.tmp')) : [];
}

test('removing a folder takes it whole; what a killed removal left is cleared', async () => {
  const folder = path.join(root, 'run');
  for (const name of ['a', 'b/c']) await writeAtomically(path.join(folder, name), 'x');
  await removeFolder(folder);
  expect(readdirSync(root)).toEqual([]);
  await writeAtomically(path.join(root, '.run.1-ab.removed', 'rest'), 'x');
  await writeAtomically(path.join(root, 'other', 'file'), 'x');
  await removeLeftovers(root);
  expect(readdirSync(root)).toEqual(['other']);
  await expect(removeFolder(folder)).rejects.toThrow('ENOENT');
});
