/** How a process ended that did not say so itself, in words. */
import { closeSync, fstatSync, openSync, readFileSync, readSync, statSync } from 'node:fs';
import { stripVTControlCharacters } from 'node:util';

/** What can be known of an end that nobody announced. */
export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Whether memory ran out, as far as can be told; says by what that is told. */
  readonly outOfMemory?: string;
  /** The process said so itself: it would end the same way again. A kernel's kill may have had others to thank for it. */
  readonly isCertain?: true;
}

/** Words of V8, the C++ library and ONNX Runtime when an allocation fails. */
const NO_MEMORY =
  /JavaScript heap out of memory|Array buffer allocation failed|std::bad_alloc|bad allocation|Failed to allocate memory|Cannot allocate memory|CUDA_ERROR_OUT_OF_MEMORY|out of memory/i;

/**
 * @param killsBefore {@link outOfMemoryKills} when the process was started
 * @param log its last lines
 */
export function endingOf(
  code: number | null,
  signal: NodeJS.Signals | null,
  killsBefore: number | undefined,
  log = '',
): Ending {
  const said = NO_MEMORY.exec(log)?.[0];
  if (said !== undefined) return { code, signal, outOfMemory: `it said "${said}"`, isCertain: true };
  const kills = outOfMemoryKills();
  const wasKilled = signal === 'SIGKILL' || code === 137;
  if (wasKilled && killsBefore !== undefined && kills !== undefined && kills > killsBefore)
    return { code, signal, outOfMemory: 'the system killed a process for want of memory meanwhile' };
  return { code, signal };
}

/** "signal SIGKILL; out of memory: the system ...". */
export function describeEnding({ code, signal, outOfMemory }: Ending): string {
  const how = signal === null ? `exit code ${code}` : `signal ${signal}`;
  return outOfMemory === undefined ? how : `${how}; out of memory: ${outOfMemory}`;
}

/**
 * How many processes the kernel has killed for want of memory: of this process's own group where there are groups, else
 * on the whole machine, where others' count as well. Undefined where it does not say.
 */
export function outOfMemoryKills(
  read: (file: string) => string = (file) => readFileSync(file, 'utf8'),
): number | undefined {
  const countIn = (file: string) => {
    try {
      const count = /^oom_kill (\d+)$/m.exec(read(file))?.[1];
      return count === undefined ? undefined : Number(count);
    } catch {
      return undefined;
    }
  };
  let groups = '';
  try {
    groups = read('/proc/self/cgroup');
  } catch {
    // No groups.
  }
  const [first, second] = [/^\d+:memory:(.*)$/m.exec(groups)?.[1], /^0::(.*)$/m.exec(groups)?.[1]];
  return (
    (first === undefined ? undefined : countIn(`/sys/fs/cgroup/memory${first}/memory.oom_control`)) ??
    (second === undefined ? undefined : countIn(`/sys/fs/cgroup${second}/memory.events`)) ??
    countIn('/proc/vmstat')
  );
}

/** Whether a message says that memory ran out. */
export function saysOutOfMemory(text: string): boolean {
  return NO_MEMORY.test(text);
}

/** Bytes of a log so far: what comes behind them is of what is started now. */
export function logSize(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

/**
 * The end of a log, as much of it as tells why something ended; empty where there is none.
 * @param from leaves out what stands before
 */
export function tailOf(file: string, from = 0, bytes = 8192): string {
  try {
    const descriptor = openSync(file, 'r');
    try {
      const { size } = fstatSync(descriptor);
      const buffer = Buffer.alloc(Math.max(0, Math.min(bytes, size - from)));
      readSync(descriptor, buffer, 0, buffer.length, size - buffer.length);
      return buffer.toString('utf8');
    } finally {
      closeSync(descriptor);
    }
  } catch {
    return '';
  }
}

/** The last line of a log that says something, at most 200 characters of it. */
export function lastLine(log: string): string | undefined {
  const line = stripVTControlCharacters(log)
    .split(/[\r\n]/)
    .map((one) => one.trim())
    .filter((one) => /[\p{L}\p{N}]/u.test(one))
    .at(-1);
  return line === undefined || line.length <= 200 ? line : `${line.slice(0, 200)} ...`;
}
