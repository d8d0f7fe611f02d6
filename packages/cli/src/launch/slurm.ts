/** A Slurm cluster: one array of jobs for each size of job, that requeues what is preempted and goes on. */
import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { writeAtomically } from '@psoft/results';
import { ConfigError } from '@psoft/training/config';
import { tailOf } from '@psoft/training/supervise';
import { readJob, resetJob, writeJob } from '../sweep/state.ts';
import type { Launched, Launcher, LaunchRequest, Word } from './launcher.ts';
import { sizesOf } from './sizes.ts';
import { slurmScript } from './slurmScript.ts';
import { readSubmissions, type Submission, writeSubmissions } from './submissions.ts';

export interface SlurmOptions {
  /** Runs at once. */
  readonly jobs?: number;
  /** Of each run, instead of what is expected. */
  readonly memory?: number;
  /** Minutes, likewise. */
  readonly time?: number;
  readonly threads: number;
  readonly executor: string;
  readonly sbatch: readonly string[];
  readonly wait?: boolean;
}

const POLL_MILLISECONDS = 5000;

export function slurmLauncher(options: SlurmOptions): Launcher {
  return {
    name: 'slurm',
    launch: async (request) => {
      const { folder, state, jobs } = request;
      // What Slurm has still to do with is not submitted twice.
      const words = await slurmWords(folder);
      const open = jobs.filter((id) => !words.get(id)?.isLive);
      for (const id of jobs)
        if (!open.includes(id)) process.stderr.write(`${state.jobs[id]!.name}: ${words.get(id)!.text}\n`);
      for (const id of open) await resetJob(folder, id);
      await submit({ folder, state, jobs: open }, options);
      return options.wait ? waitForEnd(request, options) : 'submitted';
    },
    words: (folder) => slurmWords(folder),
    cancel: async (folder) => {
      const ids = submissionsOf(folder).map(({ id }) => id);
      if (ids.length === 0) return 'Slurm was given nothing of it';
      const live = [...(await queued(ids)).keys()];
      if (live.length === 0) return 'Slurm has nothing of it any more';
      await slurm('scancel', [...new Set(live.map((id) => id.split('_')[0]!))]);
      return `cancelled ${live.length} ${live.length === 1 ? 'job' : 'jobs'} of ${ids.join(', ')}; what was running has a checkpoint`;
    },
  };
}

const submissionsOf = (folder: string): Submission[] =>
  readSubmissions(folder).filter(({ launcher }) => launcher === 'slurm');

async function submit({ folder, state, jobs }: LaunchRequest, options: SlurmOptions): Promise<void> {
  const scripts = path.join(folder, 'slurm');
  await mkdir(scripts, { recursive: true });
  const largest = await maxArraySize();
  const sizes = sizesOf(
    jobs.map((id) => state.jobs[id]!),
    options,
  );
  for (const size of sizes)
    for (let at = 0; at < size.jobs.length; at += largest) {
      const own = size.jobs.slice(at, at + largest);
      const script = slurmScript({ folder, state, ...size, jobs: own }, options);
      const known = readSubmissions(folder);
      const file = path.join(scripts, `${known.length}.sh`);
      await writeAtomically(file, script);
      const id = (await slurm('sbatch', ['--parsable', ...options.sbatch, file])).split(/[;\n]/)[0]!;
      await writeSubmissions(folder, [...known, { launcher: 'slurm', id, jobs: own }]);
      process.stderr.write(`submitted ${own.length} jobs as array ${id}\n`);
    }
}

/** Until Slurm has none of the jobs any more. What it lost, as with a node, is submitted again. */
async function waitForEnd({ folder, state, jobs }: LaunchRequest, options: SlurmOptions): Promise<Launched> {
  let isAsked = false;
  const onSignal = () => {
    isAsked = true;
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  try {
    for (let rounds = 1; ; rounds++) {
      for (;;) {
        const words = await slurmWords(folder);
        if (!jobs.some((id) => words.get(id)?.isLive)) break;
        for (let waited = 0; waited < POLL_MILLISECONDS && !isAsked; waited += 200) await sleep(200);
        if (isAsked) {
          process.stderr.write(
            'the jobs go on without this command: psoft sweep status, psoft sweep cancel\n',
          );
          return 'stopped';
        }
      }
      const words = await slurmWords(folder);
      const lost: number[] = [];
      for (const id of jobs) {
        const job = readJob(folder, id);
        const { text = '' } = words.get(id) ?? {};
        if (job.status === 'done' || job.status === 'failed' || /^CANCELLED/.test(text)) continue;
        if (!/OUT_OF_MEMORY|out of memory/.test(text)) lost.push(id);
        // It would end the same way: more is for the user to ask for, by --memory.
        else await writeJob(folder, id, { ...job, status: 'died', deaths: [...(job.deaths ?? []), text] });
      }
      if (lost.length === 0 || rounds >= state.watch.attempts) return 'ended';
      for (const id of lost)
        process.stderr.write(
          `${state.jobs[id]!.name}: lost (${words.get(id)?.text ?? 'Slurm knows nothing of it'}); it is begun again\n`,
        );
      await submit({ folder, state, jobs: lost }, options);
    }
  } finally {
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
  }
}

/** Of the last submission of each job. */
async function slurmWords(folder: string): Promise<Map<number, Word>> {
  const submissions = submissionsOf(folder);
  if (submissions.length === 0) return new Map();
  const ids = submissions.map(({ id }) => id);
  const [live, over] = [await queued(ids), await ended(ids)];
  const words = new Map<number, Word>();
  for (const { id, jobs } of submissions)
    for (const [at, job] of jobs.entries()) {
      const name = `${id}_${at}`;
      const text = live.get(name) ?? over.get(name);
      if (text === undefined) {
        words.delete(job);
        continue;
      }
      const memory = live.has(name) ? undefined : memoryWord(folder, name);
      words.set(job, { isLive: live.has(name), text: [text, name, ...(memory ?? [])].join(', ') });
    }
  return words;
}

/** What Slurm wrote of a job that took more memory than it had asked for; not all versions have a state for it. */
function memoryWord(folder: string, name: string): string[] | undefined {
  const line = /[^\n]*(exceeded .*memory limit|oom[- ]?kill)[^\n]*/i.exec(
    tailOf(path.join(folder, 'slurm', `${name}.out`)),
  )?.[0];
  return line === undefined
    ? undefined
    : [`${OUT_OF_MEMORY}: ${line.replace(/^slurmstepd\S*: (error: )?/, '')}`];
}

const OUT_OF_MEMORY = 'out of memory';

/** "17_3" to "RUNNING on vm"; jobs that Slurm still has to do with. */
async function queued(ids: readonly string[]): Promise<Map<string, string>> {
  const text = await slurmOrNothing('squeue', ['-h', '-r', '-o', '%i|%T|%r|%N', '-j', ids.join(',')]);
  const found = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [id, status, reason, node] = line.split('|');
    if (id === undefined || status === undefined || id === '') continue;
    const why = status === 'PENDING' ? ` (${reason})` : node ? ` on ${node}` : '';
    found.set(id, `${status}${why}`);
  }
  return found;
}

/** How jobs ended, from the controller's memory, and where accounting exists from there. */
async function ended(ids: readonly string[]): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  const accounts = await slurmOrNothing('sacct', [
    '-n',
    '-P',
    '-X',
    '-o',
    'JobID,State,ExitCode',
    '-j',
    ids.join(','),
  ]);
  for (const line of accounts.split('\n')) {
    const [id, status, code] = line.split('|');
    if (id && status && code) found.set(id, endText(status, code));
  }
  for (const id of ids) {
    const text = await slurmOrNothing('scontrol', ['show', 'job', '-o', id]);
    for (const line of text.split('\n')) {
      const field = (name: string) => new RegExp(`(?:^| )${name}=(\\S*)`).exec(line)?.[1];
      const [array, task, status] = [field('ArrayJobId'), field('ArrayTaskId'), field('JobState')];
      if (array && task && status && /^\d+$/.test(task))
        found.set(`${array}_${task}`, endText(status, field('ExitCode') ?? ''));
    }
  }
  return found;
}

/** Slurm writes an exit as "code:signal". */
function endText(status: string, exit: string): string {
  const [code, signal] = exit.split(':');
  if (signal !== undefined && signal !== '0') return `${status}, signal ${signal}`;
  return code === undefined || code === '' || code === '0' ? status : `${status}, exit code ${code}`;
}

/** Array indices are below this. */
async function maxArraySize(): Promise<number> {
  const text = await slurm('scontrol', ['show', 'config']);
  return Number(/^MaxArraySize\s*=\s*(\d+)/m.exec(text)?.[1] ?? 1001);
}

/** @throws ConfigError where Slurm is not there or refuses */
async function slurm(command: string, args: readonly string[]): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(command, [...args], { maxBuffer: 64e6 });
    return stdout.trim();
  } catch (error) {
    const { code, stderr, message } = error as Error & { code?: string; stderr?: string };
    if (code === 'ENOENT')
      throw new ConfigError(
        `${command} was not found: --launcher=slurm is for a machine that submits to Slurm`,
      );
    throw new ConfigError(`${command} ${args.join(' ')}: ${stderr?.trim().split('\n')[0] || message}`);
  }
}

/** Where not knowing is an answer: a job that Slurm has forgotten, accounting that is switched off. */
async function slurmOrNothing(command: string, args: readonly string[]): Promise<string> {
  try {
    return await slurm(command, args);
  } catch (error) {
    if (/Invalid job id|accounting storage is disabled|sacct was not found/i.test((error as Error).message))
      return '';
    throw error;
  }
}
