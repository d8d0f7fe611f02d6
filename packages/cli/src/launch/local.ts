/** This machine: so many workers at once as cores, memory and GPUs allow. */

import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ConfigError } from '@psoft/training/config';
import { describeHolder, isSameProcess, readHolder } from '@psoft/training/lock';
import { readJob, resetJob, type SweepState } from '../sweep/state.ts';
import type { Launched, Launcher, LaunchRequest, Word } from './launcher.ts';
import { Pool, type PoolLimits } from './pool.ts';

export function localLauncher(limits: PoolLimits): Launcher {
  return {
    name: 'local',
    launch: async (request: LaunchRequest): Promise<Launched> => {
      for (const id of request.jobs) await resetJob(request.folder, id);
      return new Pool(request, limits).run();
    },
    words: async (folder, state) => localWords(folder, state),
    cancel: (folder) => cancelLocal(folder),
  };
}

/** The lock of a sweep: whoever hands out its jobs holds it. */
export const sweepLock = (folder: string): string => path.join(folder, 'lock');

function localWords(folder: string, { jobs }: SweepState): Map<number, Word> {
  const words = new Map<number, Word>();
  for (const { id } of jobs) {
    const { status, worker } = readJob(folder, id);
    if (status !== 'running' || worker === undefined) continue;
    const isLive = isSameProcess(worker);
    if (isLive !== undefined)
      words.set(id, { isLive, text: isLive ? describeHolder(worker) : `${describeHolder(worker)} is gone` });
  }
  return words;
}

/** Asks the process that runs the sweep to stop, and waits until it has. */
async function cancelLocal(folder: string): Promise<string> {
  const file = sweepLock(folder);
  const holder = readHolder(file);
  const isLive = holder && isSameProcess(holder);
  if (holder === undefined || isLive === false) return 'nothing of it runs on this machine';
  if (isLive === undefined)
    throw new ConfigError(`${describeHolder(holder)} runs it: cancel it there (lock ${file})`);
  process.kill(holder.pid, 'SIGTERM');
  while (isSameProcess(holder)) await sleep(200);
  return `${describeHolder(holder)} has stopped; every run that was under way has a checkpoint`;
}
