/**
 * A sweep on disk: `runs/sweeps/<name>-<hash>/`, whose `sweep.json` says what is to be run, `jobs/<id>.json` how far each
 * job is, `logs/<id>.log` what it said, and `submissions.json` what a scheduler was given. Every file is whole at any
 * time, so that another shell can ask, and a killed sweep goes on.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { sha256, writeAtomically } from '@psoft/results';
import { ConfigError } from '@psoft/training/config';
import type { ProcessId } from '@psoft/training/lock';
import type { RunRequest } from '@psoft/training/supervise';
import type { SeriesRun } from '../commands/series.ts';
import { ROOT } from '../workspace.ts';
import type { Job } from './jobs.ts';

const FORMAT = 1;

/** What a sweep runs, and how. Paths below the workspace are written as such: another machine has it elsewhere. */
export interface SweepState {
  readonly format: number;
  readonly name: string;
  readonly title: string;
  /** As it was asked for. */
  readonly target: string;
  /** Of what is run and where its records go; ends the folder's name. */
  readonly hash: string;
  readonly runs: readonly SeriesRun[];
  readonly jobs: readonly (Job & Estimated)[];
  readonly options: RunRequest['options'];
  readonly watch: {
    /** How often a run is begun whose process dies. */
    readonly attempts: number;
    readonly hangMilliseconds: number;
  };
}

/** What a job is expected to take; absent where nothing like it was measured. */
export interface Estimated {
  readonly seconds?: number;
  readonly memoryBytes?: number;
}

export const JOB_STATUSES = ['waiting', 'running', 'done', 'failed', 'died', 'stopped'] as const;

/** How far one job is. */
export interface JobState {
  readonly status: (typeof JOB_STATUSES)[number];
  /** How often a worker began it. */
  readonly starts: number;
  /** Who is at it, or was last. */
  readonly worker?: ProcessId;
  /** As the scheduler calls it: "17_3". */
  readonly schedulerId?: string;
  /** For people; nothing is decided by it. */
  readonly startedAt?: string;
  readonly endedAt?: string;
  /** Place among the job's runs, and the step that it has reached. */
  readonly run?: number;
  readonly step?: number;
  readonly totalSteps?: number;
  /** Of runs that failed, by their labels. */
  readonly failures?: Readonly<Record<string, string>>;
  /** Every death and hang on the way, in order. */
  readonly deaths?: readonly string[];
}

const WORKSPACE = '<workspace>/';

/** @returns the folder below `runsFolder` */
export function sweepFolder(runsFolder: string, { name, hash }: Pick<SweepState, 'name' | 'hash'>): string {
  return path.join(runsFolder, 'sweeps', `${name}-${hash.slice(0, 8)}`);
}

export function hashOf(runs: readonly SeriesRun[], resultsFolder: string): string {
  return sha256(
    JSON.parse(JSON.stringify(portable({ runs: runs.map(({ config }) => config), resultsFolder }))),
  );
}

export function serialise(state: SweepState): string {
  return `${JSON.stringify(portable(state), null, 1)}\n`;
}

export async function writeSweep(folder: string, state: Omit<SweepState, 'format'>): Promise<SweepState> {
  const whole = { format: FORMAT, ...state };
  await mkdir(path.join(folder, 'logs'), { recursive: true });
  await writeAtomically(path.join(folder, 'sweep.json'), serialise(whole));
  return whole;
}

/**
 * @param file its `sweep.json`, which may be packed by gzip, or the folder that holds it
 * @throws ConfigError where there is none, or one of another version
 */
export function readSweepState(file: string): SweepState {
  const whole = /\.json(\.gz)?$/.test(file) ? file : path.join(file, 'sweep.json');
  let state: SweepState;
  try {
    const bytes = readFileSync(whole);
    state = JSON.parse((whole.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8')) as SweepState;
  } catch (error) {
    throw new ConfigError(`${whole} cannot be read as the state of a sweep: ${(error as Error).message}`);
  }
  if (state.format !== FORMAT)
    throw new ConfigError(
      `${whole} has format ${state.format}, this code reads ${FORMAT}: start the sweep again`,
    );
  return local(state) as SweepState;
}

const jobFile = (folder: string, id: number) =>
  path.join(folder, 'jobs', `${String(id).padStart(4, '0')}.json`);

/** A line for each death of a worker under a scheduler, which only the script around it sees. */
export const deathsFile = (folder: string, id: number): string =>
  path.join(folder, 'jobs', `${String(id).padStart(4, '0')}.deaths`);

export const logFile = (folder: string, id: number): string =>
  path.join(folder, 'logs', `${String(id).padStart(4, '0')}.log`);

export async function writeJob(folder: string, id: number, state: JobState): Promise<void> {
  await writeAtomically(jobFile(folder, id), `${JSON.stringify(state, null, 1)}\n`);
}

/** A job that is to be run: what is known of the times before no longer counts. */
export async function resetJob(folder: string, id: number): Promise<void> {
  await rm(deathsFile(folder, id), { force: true });
  await writeJob(folder, id, { status: 'waiting', starts: 0 });
}

/** @returns a waiting job where nothing is known of it yet */
export function readJob(folder: string, id: number): JobState {
  const file = jobFile(folder, id);
  if (!existsSync(file)) return { status: 'waiting', starts: 0 };
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as JobState;
  } catch (error) {
    throw new ConfigError(
      `${file} cannot be read: ${(error as Error).message}; remove it to begin the job anew`,
    );
  }
}

/** All sweeps below `runsFolder` whose folder's name begins so, the whole name alone if it is one. */
export function findSweeps(runsFolder: string, beginning: string): string[] {
  const root = path.join(runsFolder, 'sweeps');
  if (!existsSync(root)) return [];
  const names = readdirSync(root)
    .filter((name) => name.startsWith(beginning) && existsSync(path.join(root, name, 'sweep.json')))
    .sort();
  return (names.includes(beginning) ? [beginning] : names).map((name) => path.join(root, name));
}

function portable(value: unknown): unknown {
  return mapText(value, (text) => (text.startsWith(ROOT) ? `${WORKSPACE}${text.slice(ROOT.length)}` : text));
}

function local(value: unknown): unknown {
  return mapText(value, (text) =>
    text.startsWith(WORKSPACE) ? path.join(ROOT, text.slice(WORKSPACE.length)) : text,
  );
}

function mapText(value: unknown, map: (text: string) => string): unknown {
  if (typeof value === 'string') return map(value);
  if (Array.isArray(value)) return value.map((one) => mapText(one, map));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, mapText(one, map)]));
}
