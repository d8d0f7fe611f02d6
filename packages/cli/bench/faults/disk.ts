/**
 * Real disks that are full, as root on Linux: one that has room for one checkpoint but not for the next beside it, one
 * that has none for the record, and one that is read-only. Each time the sweep is run to its end and compared with one
 * that had room. Exit code 1 where anything differs.
 *
 *   npx tsx packages/cli/bench/faults/disk.ts FOLDER
 */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { judge } from './verdict.ts';

const [root] = process.argv.slice(2);
if (root === undefined) throw new Error('disk.ts FOLDER');
const BIN = fileURLToPath(new URL('../../bin/psoft.mjs', import.meta.url));
const places = (name: string) => ({
  results: path.join(root, name, 'results'),
  runs: path.join(root, name, 'runs'),
});

function sweep(name: string, ...more: string[]) {
  const { results, runs } = places(name);
  const { status, stderr } = spawnSync(
    process.execPath,
    [
      ...[BIN, 'sweep', 'run', 'nlu/table2', '--tasks=rte', '--methods=psoft', '--seeds=1', '--max-steps=24'],
      ...['--checkpoint-steps=2', '--threads=1', `--results-dir=${results}`, `--runs-dir=${runs}`, ...more],
    ],
    { encoding: 'utf8' },
  );
  return { code: status, stderr };
}

const mount = (folder: string, size: string) => {
  mkdirSync(folder, { recursive: true });
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'none', folder]);
};
const checkpoints = (name: string) =>
  readdirSync(places(name).runs, { recursive: true })
    .map(String)
    .filter((file) => file.endsWith('checkpoint.safetensors'));
const logOf = (name: string) => {
  const folder = path.join(places(name).runs, 'sweeps');
  return readFileSync(path.join(folder, readdirSync(folder)[0]!, 'logs', '0000.log'), 'utf8');
};

const findings: Record<string, unknown> = {};
const straight = sweep('straight');
if (straight.code !== 0) throw new Error(straight.stderr);
const check = async (name: string) => (await judge(places(name), 1, places('straight'))).problems;

// A checkpoint takes 0.6 MB, 0.8 with the best values so far.
mount(places('checkpoint').runs, '1100k');
try {
  const { code, stderr } = sweep('checkpoint');
  const told =
    logOf('checkpoint').match(/the state after step \d+ could not be saved, the run goes on: .*/g) ?? [];
  findings['full at a checkpoint'] = {
    code,
    ...(code === 0 ? {} : { stderr }),
    timesTold: told.length,
    told: told[0],
    problems: await check('checkpoint'),
  };
} finally {
  execFileSync('umount', [places('checkpoint').runs]);
}

mount(places('record').results, '64k');
try {
  const filler = path.join(places('record').results, 'filler');
  fill(filler);
  const full = sweep('record');
  const kept = checkpoints('record');
  const left = readdirSync(places('record').results, { recursive: true })
    .map(String)
    .filter((one) => one.includes('.'));
  rmSync(filler);
  const again = sweep('record', '--retry-failed');
  findings['full at the record'] = {
    code: full.code,
    told: full.stderr.split('\n').find((line) => line.includes('ENOSPC')),
    checkpoints: kept.length,
    left,
    again: again.code,
    problems: await check('record'),
  };
} finally {
  execFileSync('umount', [places('record').results]);
}

mount(places('read-only').results, '1m');
try {
  execFileSync('mount', ['-o', 'remount,ro', places('read-only').results]);
  const refused = sweep('read-only');
  execFileSync('mount', ['-o', 'remount,rw', places('read-only').results]);
  const again = sweep('read-only', '--retry-failed');
  findings['read-only results'] = {
    code: refused.code,
    told: refused.stderr.split('\n').find((line) => line.includes('EROFS')),
    steps: existsSync(places('read-only').runs) && checkpoints('read-only').length,
    again: again.code,
    problems: await check('read-only'),
  };
} finally {
  execFileSync('umount', [places('read-only').results]);
}

process.stdout.write(`${JSON.stringify(findings, null, 1)}\n`);
const isBad = Object.values(findings).some((one) => (one as { problems: unknown[] }).problems.length > 0);
if (isBad) process.exitCode = 1;

/** To the last byte. */
function fill(file: string): void {
  const descriptor = openSync(file, 'w');
  try {
    for (;;) writeSync(descriptor, Buffer.alloc(4096));
  } catch {
    // Full.
  } finally {
    closeSync(descriptor);
  }
}
