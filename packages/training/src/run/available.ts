/** How much memory there is to take. */
import { readFile } from 'node:fs/promises';
import os from 'node:os';

/** Memory that a process may still take: what the system has free or can free, within the container's limit. */
export async function availableMemory(): Promise<number> {
  const read = (file: string) => readFile(file, 'utf8').catch(() => '');
  const kilobytes = /^MemAvailable:\s+(\d+) kB/m.exec(await read('/proc/meminfo'))?.[1];
  const free = kilobytes === undefined ? os.freemem() : 1024 * Number(kilobytes);
  const limit = Number.parseInt(await read('/sys/fs/cgroup/memory.max'), 10);
  const used = Number.parseInt(await read('/sys/fs/cgroup/memory.current'), 10);
  return Number.isFinite(limit) && Number.isFinite(used) ? Math.min(free, limit - used) : free;
}
