import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { HeldError, type Holder, readHolder, showLife, takeLock, waitForLock } from './lock.ts';
import { describe as describeProcess, isSameProcess, thisProcess } from './processId.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'psoft-lock-'));
afterAll(() => rmSync(folder, { recursive: true }));
const fileOf = (name: string) => path.join(folder, name, 'lock');
const hold = (file: string, holder: Partial<Holder>) =>
  writeFileSync(file, JSON.stringify({ ...thisProcess(), nonce: 'other', ...holder }));

/** A process that runs TypeScript which may use the lock, and its output. */
function node(code: string): { child: ChildProcess; output: Promise<string> } {
  const lock = pathToFileURL(path.join(import.meta.dirname, 'lock.ts')).href;
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', '--input-type=module', '-e', `import * as lock from '${lock}';\n${code}`],
    { cwd: import.meta.dirname, stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let text = '';
  child.stdout!.on('data', (data) => {
    text += data;
  });
  return { child, output: new Promise((resolve) => child.on('close', () => resolve(text))) };
}

describe('a lock', () => {
  test('is one process’s until it is released, and leaves nothing', async () => {
    const file = fileOf('one');
    const lock = await takeLock(file);
    await expect(takeLock(file)).rejects.toThrow(
      new RegExp(`process ${process.pid} on .* is at it already \\(lock ${file}\\)`),
    );
    lock.assertHeld();
    lock.release();
    expect(readdirSync(path.dirname(file))).toEqual([]);
    (await takeLock(file)).release();
  });

  test('of a process that was killed is free at once', async () => {
    const file = fileOf('killed');
    const { child } = node(
      `await lock.takeLock(${JSON.stringify(file)}); console.log('held'); setInterval(() => 0, 1000);`,
    );
    await expect.poll(() => readHolder(file)?.pid, { timeout: 20_000 }).toBe(child.pid);
    await expect(takeLock(file)).rejects.toThrow(HeldError);
    child.kill('SIGKILL');
    await new Promise((resolve) => child.on('exit', resolve));
    (await takeLock(file)).release();
  });

  test.skipIf(thisProcess().started === undefined)(
    'of a process whose number another has now is free: its start tells',
    async () => {
      const file = fileOf('reused');
      (await takeLock(file)).release();
      hold(file, { started: '1' });
      (await takeLock(file)).release();
      // And of one that has not ended it is not, whatever the clock says.
      const lock = await takeLock(file);
      for (const seconds of [0, 4e9]) {
        utimesSync(file, seconds, seconds);
        vi.setSystemTime(seconds === 0 ? new Date('2100-01-01') : new Date('1990-01-01'));
        await expect(takeLock(file)).rejects.toThrow(HeldError);
      }
      vi.useRealTimers();
      lock.release();
    },
  );

  test('of another machine is held as long as it shows signs of life', async () => {
    const file = fileOf('elsewhere');
    (await takeLock(file)).release();
    hold(file, { place: 'another boot', host: 'elsewhere' });
    let time = 0;
    const watch = { patienceMilliseconds: 1000, now: () => time };
    const first = takeLock(file, watch);
    showLife(file, 'other');
    await expect(first).rejects.toThrow('on elsewhere is at it already');
    // Another holder's signs are none of this one's.
    const before = statSync(file).mtimeMs;
    showLife(file, 'a third');
    expect(statSync(file).mtimeMs).toBe(before);
    const second = takeLock(file, watch);
    time = 1001;
    const lock = await second;
    expect(readHolder(file)).toMatchObject({ ...thisProcess() });
    lock.release();
  });

  test('that is not whole counts as one whose holder cannot be asked', async () => {
    const file = fileOf('half');
    (await takeLock(file)).release();
    writeFileSync(file, '{"pid": 1');
    let time = 0;
    const taken = takeLock(file, { patienceMilliseconds: 10, now: () => (time += 6) });
    (await taken).release();
  });

  test('that was lost is noticed before anything is written', async () => {
    const file = fileOf('lost');
    const lock = await takeLock(file);
    hold(file, { pid: 1, started: '1', host: 'thief' });
    expect(() => lock.assertHeld()).toThrow('process 1 on thief');
    lock.release();
    expect(readHolder(file)?.host).toBe('thief');
  });

  test('is waited for where that is asked for, until told to stop', async () => {
    const file = fileOf('waited');
    const lock = await takeLock(file);
    let held = 0;
    const asked = performance.now();
    const shouldStop = () => performance.now() - asked > 50;
    expect(await waitForLock(file, shouldStop, () => held++)).toBeUndefined();
    const waiting = waitForLock(
      file,
      () => false,
      () => {
        held++;
        lock.release();
      },
    );
    expect((await waiting)?.file).toBe(file);
    expect(held).toBe(2);
  });

  test('is never two processes’ at once, though all of them find an abandoned one', async () => {
    const file = fileOf('race');
    const log = path.join(folder, 'race.log');
    (await takeLock(file)).release();
    hold(file, { started: '1' });
    const worker = `
      import { appendFileSync } from 'node:fs';
      for (let i = 0; i < 20; i++) {
        const held = await lock.waitForLock(${JSON.stringify(file)}, () => false, () => undefined).catch(() => undefined);
        appendFileSync(${JSON.stringify(log)}, 'in ' + process.pid + '\\n');
        await new Promise((resolve) => setTimeout(resolve, 1));
        appendFileSync(${JSON.stringify(log)}, 'out ' + process.pid + '\\n');
        // Half of them as a kill leaves it.
        if (i % 2) held.release();
        else { const text = JSON.parse((await import('node:fs')).readFileSync(held.file)); text.started = '1'; (await import('node:fs')).writeFileSync(held.file, JSON.stringify(text)); }
      }`;
    await Promise.all([node(worker), node(worker), node(worker)].map(({ output }) => output));
    const lines = readFileSync(log, 'utf8').trim().split('\n');
    expect(lines).toHaveLength(3 * 20 * 2);
    for (let i = 0; i < lines.length; i += 2) expect(lines[i + 1]).toBe(lines[i]!.replace('in', 'out'));
  }, 60_000);
});

describe('a process', () => {
  test('is known from another by more than its number', () => {
    expect(isSameProcess(thisProcess())).toBe(thisProcess().place === undefined ? undefined : true);
    expect(isSameProcess({ ...thisProcess(), place: 'elsewhere', host: 'x' })).toBeUndefined();
    const { pid } = spawn(process.execPath, ['-e', '']);
    const id = describeProcess(pid!);
    expect(id.pid).toBe(pid);
  });
});
