/** The pool with workers that do as their job's name says: real processes, no real work. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, expect, test, vi } from 'vitest';
import { logFile, readJob, type SweepState } from '../sweep/state.ts';
import type { Launched } from './launcher.ts';
import { Pool, type PoolLimits } from './pool.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'psoft-pool-'));
afterAll(() => rmSync(folder, { recursive: true, maxRetries: 5 }));
afterEach(() => vi.restoreAllMocks());

const program = path.join(folder, 'worker.mjs');
writeFileSync(
  program,
  `
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
const folder = process.argv[4];
const id = Number(process.argv.find((word) => word.startsWith('--job=')).slice(6));
const { jobs } = JSON.parse(readFileSync(path.join(folder, 'sweep.json'), 'utf8'));
const name = jobs[id].name;
const log = (what) => appendFileSync(path.join(folder, 'events'), JSON.stringify({ what, name, gpu: process.env.CUDA_VISIBLE_DEVICES }) + '\\n');
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const say = (state) => { mkdirSync(path.join(folder, 'jobs'), { recursive: true }); writeFileSync(path.join(folder, 'jobs', String(id).padStart(4, '0') + '.json'), JSON.stringify({ starts: 1, ...state })); };
const before = existsSync(path.join(folder, 'once-' + id));
writeFileSync(path.join(folder, 'once-' + id), '');
log('in');
process.send({ type: 'life' });
let stop = false;
process.on('SIGTERM', () => { stop = true; });
process.on('disconnect', () => { stop = true; });
if (name.startsWith('work')) await sleep(400);
if (name.startsWith('held') && !before) process.exit(75);
if (name.startsWith('fails')) { say({ status: 'failed', failures: { 'its label': 'loss is NaN' } }); process.exit(1); }
if (name.startsWith('dies') || (name.startsWith('once') && !before)) { console.log('step 3 of 9'); process.kill(process.pid, 'SIGKILL'); await sleep(5000); }
if (name.startsWith('hangs')) { console.log('loading'); await sleep(60_000); }
if (name.startsWith('memory')) { const all = []; for (;;) all.push(new Array(1e5).fill(all.length)); }
if (name.startsWith('long')) { while (!stop) await sleep(10); log('out'); process.exit(130); }
log('out');
process.exit(0);
`,
);

let runs = 0;
const said: string[] = [];

async function run(
  jobs: readonly { name: string; memoryBytes?: number }[],
  limits: Partial<PoolLimits> = {},
  watch: Partial<SweepState['watch']> = {},
  during?: () => Promise<void>,
): Promise<{ launched: Launched; own: string; events: { what: string; name: string; gpu?: string }[] }> {
  const own = path.join(folder, `run-${runs++}`);
  const state = {
    jobs: jobs.map((job, id) => ({ ...job, id, runs: [id] })),
    watch: { attempts: 3, hangMilliseconds: 60_000, ...watch },
  } as unknown as SweepState;
  said.length = 0;
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => said.push(String(text)) > 0);
  mkdirSync(own);
  writeFileSync(path.join(own, 'sweep.json'), JSON.stringify(state));
  const pool = new Pool(
    { folder: own, state, jobs: jobs.map((_, id) => id) },
    { jobs: 2, memoryBytes: 1e9, ...limits },
    program,
  );
  const [launched] = await Promise.all([pool.run(), during?.()]);
  const log = path.join(own, 'events');
  const events = (existsSync(log) ? readFileSync(log, 'utf8') : '')
    .trim()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
  return { launched, own, events };
}

/** Most that were at work at once. */
function mostAtOnce(events: readonly { what: string }[]): number {
  let [now, most] = [0, 0];
  for (const { what } of events) {
    now += what === 'in' ? 1 : -1;
    most = Math.max(most, now);
  }
  return most;
}

const works = (count: number, more: object = {}) =>
  Array.from({ length: count }, (_, i) => ({ name: `work-${i}`, ...more }));

test('runs so many at once, and each once', async () => {
  const { launched, events } = await run(works(5));
  expect(launched).toBe('ended');
  expect(mostAtOnce(events)).toBe(2);
  expect(events.filter(({ what }) => what === 'in')).toHaveLength(5);
});

test('fewer where memory does not hold more; a smaller one goes first; what can never fit is refused', async () => {
  const { events, own } = await run(
    [
      { name: 'work-large', memoryBytes: 0.5e9 },
      { name: 'work-large-2', memoryBytes: 0.5e9 },
      { name: 'work-small', memoryBytes: 0.1e9 },
      { name: 'work-huge', memoryBytes: 2e9 },
    ],
    { jobs: 4, memoryBytes: 1.3e9 },
  );
  expect(mostAtOnce(events)).toBe(2);
  const order = events.filter(({ what }) => what === 'in').map(({ name }) => name);
  expect(order.slice(0, 2).sort()).toEqual(['work-large', 'work-small']);
  expect(order).not.toContain('work-huge');
  expect(readJob(own, 3)).toMatchObject({
    status: 'failed',
    failures: { 'work-huge': 'needs about 2.3 GB, the sweep has 1.3 GB (--memory)' },
  });
});

test('one on a GPU', async () => {
  const { events } = await run(works(4), { jobs: 4, gpus: ['0', 'GPU-7'] });
  expect(mostAtOnce(events)).toBe(2);
  expect(new Set(events.map(({ gpu }) => gpu))).toEqual(new Set(['0', 'GPU-7']));
});

test('what fails, dies, or waits for another does not stop the rest; deaths are told of with what was said', async () => {
  const { launched, own, events } = await run([
    { name: 'fails' },
    { name: 'dies' },
    { name: 'once' },
    { name: 'held' },
    { name: 'work' },
  ]);
  expect(launched).toBe('ended');
  const starts = (name: string) => events.filter((one) => one.what === 'in' && one.name === name).length;
  expect(['fails', 'dies', 'once', 'held', 'work'].map(starts)).toEqual([1, 3, 2, 2, 1]);
  const text = said.join('');
  expect(text).toContain('its label: loss is NaN');
  expect(text).toContain(
    'once: the worker died (signal SIGKILL); last it said: step 3 of 9; it is begun again',
  );
  expect(text).toContain('held: another process is at it; asked for again later');
  const died = readJob(own, 1);
  expect(died.status).toBe('died');
  expect(died.deaths).toHaveLength(3);
  expect(died.deaths![2]).toBe('the worker died (signal SIGKILL); last it said: step 3 of 9');
}, 30_000);

test('a worker that ran out of memory is not begun again, and it says so', async () => {
  process.env.NODE_OPTIONS = '--max-old-space-size=24';
  const { own, events } = await run([{ name: 'memory' }, { name: 'work' }]).finally(() => {
    delete process.env.NODE_OPTIONS;
  });
  expect(events.filter(({ name }) => name === 'memory')).toHaveLength(1);
  expect(readJob(own, 0)).toMatchObject({ status: 'died' });
  expect(readJob(own, 0).deaths![0]).toMatch(
    /out of memory: it said "(JavaScript heap out of memory|.*llocation failed)"/,
  );
  expect(events.filter(({ name, what }) => name === 'work' && what === 'out')).toHaveLength(1);
});

test('a signal stops every worker, and nothing new is begun', async () => {
  const { launched, own, events } = await run(
    [{ name: 'long-1' }, { name: 'long-2' }, { name: 'work' }],
    {},
    {},
    async () => {
      const began = () => {
        try {
          return readFileSync(path.join(folder, `run-${runs - 1}`, 'events'), 'utf8').split('\n').length - 1;
        } catch {
          return 0;
        }
      };
      await expect.poll(began, { timeout: 10_000 }).toBe(2);
      process.emit('SIGTERM');
    },
  );
  expect(launched).toBe('stopped');
  expect(events.map(({ what, name }) => `${what} ${name}`).sort()).toEqual([
    'in long-1',
    'in long-2',
    'out long-1',
    'out long-2',
  ]);
  expect(readFileSync(logFile(own, 0), 'utf8')).toBe('');
});

test('a worker that says nothing any more is ended', async () => {
  // The time that every worker is given to start is not waited for.
  const real = setTimeout;
  vi.spyOn(globalThis, 'setTimeout').mockImplementation(((call: () => void, time = 0) =>
    real(call, time > 20_000 ? 2500 : time)) as typeof setTimeout);
  const { own } = await run([{ name: 'hangs' }], {}, { attempts: 1, hangMilliseconds: 10 });
  expect(readJob(own, 0)).toMatchObject({
    status: 'died',
    deaths: ['the worker said nothing for too long and was ended; last it said: loading'],
  });
});
