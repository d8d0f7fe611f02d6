/** From a plan to the sweep's folder: which jobs are open, what each will take, and what is known of it already. */
import path from 'node:path';
import { runOptionsOf } from '../commands/runOptions.ts';
import { ROOT } from '../workspace.ts';
import { type Estimate, Estimator, estimateJob } from './estimate.ts';
import { type Job, jobsOf } from './jobs.ts';
import type { PlannedSweep, SweepOptionValues } from './planned.ts';
import type { Recorded } from './recorded.ts';
import { hashOf, readJob, type SweepState, writeJob, writeSweep } from './state.ts';

/** A job, whether any of its runs is yet to be run, and what that will take. */
export interface EstimatedJob extends Job, Estimate {
  readonly isOpen: boolean;
}

/** What every job of a plan will take. */
export async function estimateJobs(
  { runs }: PlannedSweep,
  { files, isTrained }: Recorded,
  options: SweepOptionValues,
  mayProbe: boolean,
): Promise<EstimatedJob[]> {
  const isOpen = (at: number) => files[at] === undefined;
  const jobs = jobsOf(runs).map((job) => ({ ...job, isOpen: job.runs.some(isOpen) }));
  if (!jobs.some((job) => job.isOpen)) return jobs;
  const runOptions = runOptionsOf(options);
  const estimator = await Estimator.open([runOptions.resultsFolder, path.join(ROOT, 'results')], runOptions);
  const estimated: EstimatedJob[] = [];
  for (const job of jobs)
    estimated.push(
      job.isOpen
        ? { ...job, ...(await estimateJob(job, runs, isOpen, isTrained, estimator, mayProbe)) }
        : job,
    );
  return estimated;
}

interface Opening {
  readonly target: string;
  readonly planned: PlannedSweep;
  readonly folder: string;
  readonly recorded: Recorded;
  readonly options: SweepOptionValues & {
    readonly attempts: number;
    readonly hangMinutes: number;
    readonly retryFailed?: boolean;
    readonly probe?: boolean;
  };
  /** Of every run; undefined leaves it to the executor. */
  readonly threads: number | undefined;
}

/**
 * Says of every run that is not open why, and writes the sweep's state. The caller holds the sweep's lock.
 * @returns the state and which jobs are to be run
 */
export async function openSweep({
  target,
  planned,
  folder,
  recorded,
  options,
  threads,
}: Opening): Promise<{ readonly state: SweepState; readonly open: readonly number[] }> {
  const { runs, name, title } = planned;
  const runOptions = runOptionsOf(options);
  const jobs = await estimateJobs(planned, recorded, options, options.probe === true);
  const state = {
    name,
    title,
    target,
    hash: hashOf(runs, runOptions.resultsFolder),
    runs,
    jobs: jobs.map(({ isOpen: _, from: __, ...job }) => job),
    options: { ...runOptions, ...(threads === undefined ? {} : { threads }) },
    watch: { attempts: options.attempts, hangMilliseconds: options.hangMinutes * 60_000 },
  };
  const written = await writeSweep(folder, state);
  for (const [at, { label, config }] of runs.entries()) {
    const place = `[${at + 1}/${runs.length}] ${label}`;
    if ('unavailable' in config) process.stderr.write(`${place}: ${config.unavailable}\n`);
    else if (recorded.files[at] !== undefined) process.stderr.write(`${place}: recorded already\n`);
  }
  const open: number[] = [];
  for (const job of jobs) if (await mayRun(job, folder, options.retryFailed === true)) open.push(job.id);
  return { state: written, open };
}

/** Whether a job is to be run now; its file is made to say so. */
async function mayRun(
  { id, name, isOpen }: EstimatedJob,
  folder: string,
  retries: boolean,
): Promise<boolean> {
  const { status, starts, failures = {}, deaths = [] } = readJob(folder, id);
  if (!isOpen) {
    if (status !== 'done') await writeJob(folder, id, { status: 'done', starts });
    return false;
  }
  if ((status === 'failed' || status === 'died') && !retries) {
    const reason = Object.values(failures)[0] ?? deaths.at(-1);
    process.stderr.write(`${name}: failed before, --retry-failed runs it again: ${reason}\n`);
    return false;
  }
  return true;
}
