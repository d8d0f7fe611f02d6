/** What fullDisk.test.ts runs on a disk of 256 kB: prints what was refused and what is left. */
import { closeSync, openSync, readdirSync, rmSync, writeSync } from 'node:fs';
import path from 'node:path';
import { readRecords, writeRecord } from '@psoft/results';
import { trainingRecord } from '../../results/test/records.ts';
import { CheckpointFile } from '../src/run/checkpoint.ts';
import { assertWritable } from '../src/run/claim.ts';
import { takeLock } from '../src/run/lock.ts';

const [folder, mode] = process.argv.slice(2) as [string, string?];
const messageOf = (work: Promise<unknown>) =>
  work.then(
    () => 'nothing was refused',
    (error: Error) => error.message,
  );

if (mode === 'read-only') {
  console.log(JSON.stringify({ refused: await messageOf(assertWritable(path.join(folder, 'results'))) }));
} else {
  const checkpoint = new CheckpointFile(folder, {
    configHash: 'ab',
    executor: 'cpu',
    threads: 1,
    versions: 'x',
  });
  const stateOf = (step: number, size: number) => ({
    step,
    epoch: 0,
    batch: step,
    values: new Float32Array(size),
    optimiser: { step, firstMoment: new Float32Array(size), secondMoment: new Float32Array(size) },
    best: undefined,
    rows: [],
    meter: { milliseconds: [], loss: 0, norm: 0, tokens: 0 },
  });
  await checkpoint.write({ state: stateOf(1, 10), seconds: 1, continued: 0 });
  const refused = await messageOf(checkpoint.write({ state: stateOf(2, 30_000), seconds: 2, continued: 0 }));
  const stays = (await checkpoint.read(10)).state.step;
  fill();
  const results = path.join(folder, 'results');
  const record = await messageOf(writeRecord(results, trainingRecord(1)));
  const lock = await messageOf(takeLock(path.join(folder, 'run', 'lock')));
  const left = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => name)
    .sort();
  const counts = async () => {
    const { records, skipped } = await readRecords(results);
    return [records.length, skipped.length];
  };
  const records = await counts();
  rmSync(path.join(folder, 'filler'));
  await writeRecord(results, trainingRecord(1));
  console.log(
    JSON.stringify({ checkpoint: refused, stays, record, lock, left, records, afterwards: await counts() }),
  );
}

/** To the last byte. */
function fill(): void {
  const file = openSync(path.join(folder, 'filler'), 'w');
  try {
    for (;;) writeSync(file, Buffer.alloc(4096));
  } catch {
    // Full.
  } finally {
    closeSync(file);
  }
}
