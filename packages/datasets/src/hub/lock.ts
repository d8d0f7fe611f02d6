/** One download of a file at a time, also between processes. */
import { randomUUID } from 'node:crypto';
import { link, mkdir, open, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { hostname } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface LockOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called once when another holder has to be waited for. */
  readonly onWait?: ((holder: string) => void) | undefined;
  readonly pollMs?: number;
  /** A lock that its holder has not touched for so long was left behind. */
  readonly staleMs?: number;
}

/**
 * Runs `work` while holding the lock file, which names process and machine. A lock is taken over when its process is
 * gone from this machine, or when nobody has touched it for `staleMs` of the waiter's own clock (another machine on a
 * shared disk; its clock may differ). Two holders are possible for the moment of a takeover and do no harm here: both
 * write the same bytes to the same places, and the sum is checked before the file is named a blob.
 */
export async function withLock<T>(file: string, options: LockOptions, work: () => Promise<T>): Promise<T> {
  const { signal, onWait, pollMs = 100, staleMs = 30_000 } = options;
  const mine = JSON.stringify({ pid: process.pid, host: hostname(), id: randomUUID() });
  await mkdir(path.dirname(file), { recursive: true });
  let touched: { at: number; since: number } | undefined;
  while (!(await take(file, mine))) {
    const seen = await look(file);
    if (seen === undefined) continue;
    if (touched === undefined) onWait?.(seen.holder);
    if (touched?.at !== seen.touchedAt) touched = { at: seen.touchedAt, since: performance.now() };
    if (seen.isGone || performance.now() - touched.since > staleMs) await takeAway(file, seen.content);
    else await sleep(pollMs, undefined, signal === undefined ? {} : { signal });
  }
  const beat = setInterval(() => {
    const now = new Date();
    utimes(file, now, now).catch(() => {}); // Taken over after a long standstill: the work goes on all the same.
  }, staleMs / 3);
  beat.unref();
  try {
    return await work();
  } finally {
    clearInterval(beat);
    if ((await look(file))?.content === mine) await rm(file, { force: true });
  }
}

async function take(file: string, content: string): Promise<boolean> {
  try {
    const handle = await open(file, 'wx');
    await handle.writeFile(content).finally(() => handle.close());
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

async function look(file: string) {
  try {
    const content = await readFile(file, 'utf8');
    const { mtimeMs: touchedAt } = await stat(file);
    const { pid, host } = parsed(content);
    return {
      content,
      touchedAt,
      holder: `process ${pid} on ${host}`,
      isGone: host === hostname() && !lives(pid),
    };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** A lock is empty for the moment between its making and its writing. */
function parsed(content: string): { pid: number; host: string } {
  try {
    const { pid, host } = Object(JSON.parse(content));
    return { pid: Number(pid), host: String(host) };
  } catch {
    return { pid: 0, host: 'an unknown machine' };
  }
}

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Removes a lock that was left behind, unless someone else was quicker and has made a new one in its place. */
export async function takeAway(file: string, content: string): Promise<void> {
  const aside = `${file}.${randomUUID()}`;
  try {
    await rename(file, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  if ((await readFile(aside, 'utf8')) !== content) await link(aside, file).catch(() => {});
  await rm(aside, { force: true });
}
