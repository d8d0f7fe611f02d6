/** Several downloads of one file at once, and processes that die in the middle. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import { beforeEach, expect, it } from 'vitest';
import { takeAway, withLock } from '../../src/hub/lock.ts';
import { etagOf, type Fault, large } from './server.ts';
import { useSetting } from './setting.ts';

const setting = useSetting();
const weights = large(200_000);
const NAME = 'model.safetensors';
const cdn = () => setting.hub.requests.filter(({ server }) => server === 'cdn');
const drip: Fault = async ({ bend }, proceed) => {
  bend.dripMs = 2;
  await proceed();
};

beforeEach(() => {
  setting.hub.host('models/org/tiny', { [NAME]: weights });
});

function child(): ChildProcess & { printed: string } {
  const script = path.join(import.meta.dirname, 'child.ts');
  const env = { ...process.env, ...setting.environment };
  const started = spawn(process.execPath, ['--import', 'tsx', script, NAME, 'DONE'], { env });
  const kept = Object.assign(started, { printed: '' });
  for (const stream of [started.stdout, started.stderr])
    stream.on('data', (piece) => {
      kept.printed += piece;
    });
  return kept;
}

async function until(holds: () => boolean): Promise<void> {
  const start = performance.now();
  while (!holds()) {
    if (performance.now() - start > 8000) throw new Error('waited 8 s in vain');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

it('a killed download goes on in the next process, which does not wait for the dead one', async () => {
  setting.hub.inject(/ cdn /, drip);
  const other = child();
  const partial = path.join(setting.blobs, `${etagOf(weights)}.resume.incomplete`);
  await until(() => existsSync(partial) && readFileSync(partial).length > 20_000);
  other.kill('SIGKILL');
  await once(other, 'exit');
  const had = readFileSync(partial);
  expect(had.equals(weights.content.subarray(0, had.length))).toBe(true);
  expect(readdirSync(path.join(setting.folder, 'hub/.locks/models--org--tiny'))).toHaveLength(1);
  const snapshot = await setting.fetch([NAME]);
  expect(setting.read(snapshot, NAME).equals(weights.content)).toBe(true);
  expect(cdn().map(({ headers }) => headers.range)).toEqual([undefined, `bytes=${had.length}-`]);
  expect(cdn()[1]!.sent).toBe(200_000 - had.length);
  expect(readdirSync(setting.blobs)).toEqual([etagOf(weights)]);
});

it('two processes download a file once between them', async () => {
  setting.hub.inject(/ cdn /, drip, 9);
  const other = child();
  const ended = once(other, 'exit');
  await until(() => cdn().length === 1);
  const snapshot = await setting.fetch([NAME]);
  await ended;
  expect(other.printed).toContain('DONE');
  expect(setting.notes).toEqual([
    `${NAME} of model "org/tiny" is being downloaded by process ${other.pid} on ${hostname()}; waiting for it`,
  ]);
  expect(cdn()).toHaveLength(1);
  expect(setting.read(snapshot, NAME).equals(weights.content)).toBe(true);
});

it('two downloads in one process share one too', async () => {
  setting.hub.inject(/ cdn /, drip, 9);
  const both = await Promise.all([setting.fetch([NAME]), setting.fetch([NAME])]);
  for (const snapshot of both) expect(setting.read(snapshot, NAME).equals(weights.content)).toBe(true);
  expect(cdn()).toHaveLength(1);
});

it('waiting for another download can be broken off', async () => {
  const lock = path.join(setting.folder, 'hub/.locks/models--org--tiny', `${etagOf(weights)}.holder`);
  const controller = new AbortController();
  const onNote = () => controller.abort(new Error('enough'));
  await withLock(lock, {}, async () => {
    const fetched = setting.fetch([NAME], { signal: controller.signal, onNote });
    await expect(fetched).rejects.toThrow('enough');
  });
  expect(cdn()).toEqual([]);
});

it('a lock of another machine is taken over only when nobody touches it', async () => {
  const file = path.join(setting.folder, 'locks', 'x.holder');
  mkdirSync(path.dirname(file));
  writeFileSync(file, JSON.stringify({ pid: 1, host: 'elsewhere', id: 'a' }));
  // For 300 ms its holder gives signs of life, by a clock that is an hour slow.
  let beats = 0;
  const beat = setInterval(() => {
    if (++beats > 6) return clearInterval(beat);
    const time = new Date(Date.now() - 3_600_000);
    utimesSync(file, time, time);
  }, 50);
  const waited: string[] = [];
  const start = performance.now();
  const options = { staleMs: 200, pollMs: 10, onWait: (holder: string) => waited.push(holder) };
  expect(await withLock(file, options, async () => 7)).toBe(7);
  expect(performance.now() - start).toBeGreaterThan(450);
  expect(waited).toEqual(['process 1 on elsewhere']);
  expect(readdirSync(path.dirname(file))).toEqual([]);
});

it('many waiters for a dead holder’s lock work one after another', async () => {
  const file = path.join(setting.folder, 'locks', 'x.holder');
  mkdirSync(path.dirname(file));
  const { pid } = spawn(process.execPath, ['-e', '0']).on('error', () => {});
  await until(() => !isAlive(pid!));
  writeFileSync(file, JSON.stringify({ pid, host: hostname(), id: 'a' }));
  let inside = 0;
  let most = 0;
  const work = async () => {
    most = Math.max(most, ++inside);
    await new Promise((resolve) => setTimeout(resolve, 10));
    inside--;
  };
  await Promise.all(Array.from({ length: 8 }, () => withLock(file, { pollMs: 5 }, work)));
  expect(most).toBe(1);
  await expect(withLock(file, {}, () => Promise.reject(new Error('failed')))).rejects.toThrow('failed');
  expect(readdirSync(path.dirname(file))).toEqual([]);
});

it('a lock that someone else made meanwhile is put back', async () => {
  const file = path.join(setting.folder, 'x.holder');
  writeFileSync(file, 'new');
  await takeAway(file, 'old');
  expect(readFileSync(file, 'utf8')).toBe('new');
  await takeAway(file, 'new');
  await takeAway(file, 'new');
  expect(readdirSync(setting.folder)).toEqual([]);
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
