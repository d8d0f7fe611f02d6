/** Which process on which machine, so that one that is gone is never taken for another that got its number. */
import { readFileSync, readlinkSync } from 'node:fs';
import os from 'node:os';

export interface ProcessId {
  readonly pid: number;
  /** When it started, in ticks since the machine did; absent where the system does not say. */
  readonly started?: string;
  /** This start of the machine, and the space of process numbers: two containers have two. Absent likewise. */
  readonly place?: string;
  /** For messages. */
  readonly host: string;
}

let own: ProcessId | undefined;

export function thisProcess(): ProcessId {
  own ??= describe(process.pid);
  return own;
}

/** Of a process that is there now. */
export function describe(pid: number): ProcessId {
  const [started, place] = [startOf(pid), placeOfProcesses()];
  return {
    pid,
    ...(started === undefined ? {} : { started }),
    ...(place === undefined ? {} : { place }),
    host: os.hostname(),
  };
}

/** @returns whether that very process runs; undefined where that cannot be known from here */
export function isSameProcess({ pid, started, place, host }: ProcessId): boolean | undefined {
  const here = placeOfProcesses();
  if (here === undefined || place === undefined) {
    // A system without /proc: a number that nobody has means that it is gone, one that somebody has may be another's.
    if (here !== undefined || place !== undefined || host !== os.hostname()) return undefined;
    return exists(pid) ? undefined : false;
  }
  if (place !== here) return undefined;
  return started !== undefined && startOf(pid) === started;
}

function placeOfProcesses(): string | undefined {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return `${boot} ${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return undefined;
  }
}

/** Field 22 of its stat, behind the name, which may hold spaces and brackets. A zombie is gone. */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
