/**
 * One process at a time for one run. A lock is a file that names its holder. Whether a holder still lives is never
 * judged by a clock that can be set: on the same machine its process is looked up (number, start, boot), elsewhere its
 * signs of life are watched, which are changes of the file's time, whatever the time.
 */
import { randomBytes } from 'node:crypto';
import {
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isSameProcess, type ProcessId, thisProcess } from './processId.ts';

export { describe as describeProcess, isSameProcess, type ProcessId, thisProcess } from './processId.ts';

export interface Holder extends ProcessId {
  /** Of this one taking of the lock. */
  readonly nonce: string;
}

/** How often a holder shows that it lives. */
export const BEAT_MILLISECONDS = 5_000;

export interface LockWatch {
  /** A holder whose process cannot be looked up counts as gone after so long without a sign of life. */
  readonly patienceMilliseconds?: number;
  /** Milliseconds on a clock that never goes back. */
  readonly now?: () => number;
}

const PATIENCE_MILLISECONDS = 60_000;
const POLL_MILLISECONDS = 250;

/** The lock is another's, who lives. */
export class HeldError extends Error {
  override readonly name = 'HeldError';
  constructor(
    readonly file: string,
    readonly holder: Holder | undefined,
  ) {
    super(`${describeHolder(holder)} is at it already (lock ${file}): wait for its end, or stop it`);
  }
}

/** A lock that this process holds. */
export class Lock {
  constructor(
    readonly file: string,
    readonly nonce: string,
  ) {}

  /** For others that cannot look this process up. */
  beat(): void {
    showLife(this.file, this.nonce);
  }

  /**
   * Before something is written that only the holder may write.
   * @throws HeldError where another has taken the lock for abandoned, as after this machine was suspended
   */
  assertHeld(): void {
    const holder = readHolder(this.file);
    if (holder !== undefined && holder.nonce !== this.nonce) throw new HeldError(this.file, holder);
  }

  release(): void {
    if (readHolder(this.file)?.nonce === this.nonce) rmSync(this.file, { force: true });
  }
}

/** Changes the time of a lock's file, if it is the one that is meant; a folder that is gone is no matter. */
export function showLife(file: string, nonce: string): void {
  try {
    if (readHolder(file)?.nonce !== nonce) return;
    const before = statSync(file).mtimeMs / 1000;
    // A second at least: some file systems know no less. It need not be the true time, only another one.
    const after = Math.max(before + 1, Date.now() / 1000);
    utimesSync(file, after, after);
  } catch {
    // Without a sign of life others wait longer than they need, or ask the process itself.
  }
}

/**
 * Takes the lock, from a holder that is gone if need be.
 * @throws HeldError where its holder lives
 */
export async function takeLock(file: string, watch: LockWatch = {}): Promise<Lock> {
  const { patienceMilliseconds = PATIENCE_MILLISECONDS, now = () => performance.now() } = watch;
  let seen: { readonly sign: string; readonly since: number } | undefined;
  for (;;) {
    // Here, should somebody remove the folder meanwhile.
    mkdirSync(path.dirname(file), { recursive: true });
    const nonce = create(file);
    if (nonce !== undefined) return new Lock(file, nonce);
    const holder = readHolder(file);
    const sign = signOf(file);
    // Released just now.
    if (sign === undefined) continue;
    const isAlive = holder === undefined ? undefined : isSameProcess(holder);
    if (isAlive === true) throw new HeldError(file, holder);
    if (isAlive === undefined) {
      if (seen !== undefined && seen.sign !== sign) throw new HeldError(file, holder);
      seen ??= { sign, since: now() };
      if (now() - seen.since < patienceMilliseconds) {
        await sleep(POLL_MILLISECONDS);
        continue;
      }
    }
    removeAbandoned(file, holder);
    seen = undefined;
  }
}

/**
 * Waits for the lock as long as its holder lives.
 * @param onHeld told at once, and every minute
 * @returns undefined when told to stop
 */
export async function waitForLock(
  file: string,
  shouldStop: () => boolean,
  onHeld: (error: HeldError) => void,
): Promise<Lock | undefined> {
  for (let tries = 0; !shouldStop(); tries++) {
    try {
      return await takeLock(file);
    } catch (error) {
      if (!(error instanceof HeldError)) throw error;
      if (tries % 60 === 0) onHeld(error);
      await sleep(1000);
    }
  }
  return undefined;
}

/** @returns undefined where no whole lock is there */
export function readHolder(file: string): Holder | undefined {
  try {
    const holder = JSON.parse(readFileSync(file, 'utf8')) as Holder;
    return typeof holder.nonce === 'string' && typeof holder.pid === 'number' ? holder : undefined;
  } catch {
    return undefined;
  }
}

export function describeHolder(holder: ProcessId | undefined): string {
  return holder === undefined ? 'another process' : `process ${holder.pid} on ${holder.host}`;
}

/** @returns the lock's nonce; undefined where there is a lock */
function create(file: string): string | undefined {
  const nonce = randomBytes(8).toString('hex');
  const holder: Holder = { ...thisProcess(), nonce };
  const temporary = `${file}.${nonce}.tmp`;
  try {
    writeFileSync(temporary, JSON.stringify(holder), { flag: 'wx' });
    // In one step with its content: a kill leaves a whole lock or none.
    linkSync(temporary, file);
    return nonce;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // ENOENT: another process took the temporary file for a leftover.
    if (code === 'EEXIST' || code === 'ENOENT') return undefined;
    if (code === 'EPERM' || code === 'ENOTSUP' || code === 'ENOSYS' || code === 'EOPNOTSUPP')
      return createWithoutLinks(file, holder);
    throw new Error(`could not write ${file}: ${(error as Error).message}`);
  } finally {
    rmSync(temporary, { force: true });
  }
}

/** On file systems without hard links; what a kill leaves half is judged by its signs of life. */
function createWithoutLinks(file: string, holder: Holder): string | undefined {
  try {
    writeFileSync(file, JSON.stringify(holder), { flag: 'wx' });
    return holder.nonce;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return undefined;
    throw error;
  }
}

/** Of the file as it is: who holds it, and the last sign of life. */
function signOf(file: string): string | undefined {
  try {
    const { mtimeMs, ino, size } = statSync(file);
    return [mtimeMs, ino, size].join(' ');
  } catch {
    return undefined;
  }
}

/** Takes a holder's lock away. Where another was quicker, and has a new lock already, that one is put back. */
function removeAbandoned(file: string, holder: Holder | undefined): void {
  const aside = `${file}.${randomBytes(8).toString('hex')}.tmp`;
  try {
    renameSync(file, aside);
  } catch {
    return;
  }
  try {
    if (readHolder(aside)?.nonce !== holder?.nonce) linkSync(aside, file);
  } catch {
    // A third has it by now; who was pushed out notices before it writes.
  } finally {
    rmSync(aside, { force: true });
  }
  removeLeftovers(file);
}

/** What kills in between have left; a process that lives makes such a file for an instant only. */
function removeLeftovers(file: string): void {
  const prefix = `${path.basename(file)}.`;
  for (const name of readdirSync(path.dirname(file))) {
    const whole = path.join(path.dirname(file), name);
    if (!name.startsWith(prefix) || !name.endsWith('.tmp')) continue;
    const holder = readHolder(whole);
    if (holder === undefined || isSameProcess(holder) === false) rmSync(whole, { force: true });
  }
}
