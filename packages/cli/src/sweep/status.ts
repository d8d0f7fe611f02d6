/** How far a sweep is: what its folder says, held against what the scheduler and the system say. */
import { lastLine, tailOf } from '@psoft/training/supervise';
import type { Word } from '../launch/launcher.ts';
import { type JobState, logFile, readJob, type SweepState } from './state.ts';

export interface JobStatus {
  readonly id: number;
  readonly name: string;
  /** 'lost': it is said to run, but nobody is at it any more. */
  readonly status: JobState['status'] | 'queued' | 'lost';
  /** For people: how far it is, or why it is where it is. */
  readonly detail: string;
}

export function statusOf(
  folder: string,
  { jobs }: SweepState,
  words: ReadonlyMap<number, Word>,
): JobStatus[] {
  return jobs.map(({ id, name, runs }) => {
    const job = readJob(folder, id);
    const word = words.get(id);
    return { id, name, ...describe(job, word, runs.length, () => lastLine(tailOf(logFile(folder, id)))) };
  });
}

function describe(
  job: JobState,
  word: Word | undefined,
  runs: number,
  last: () => string | undefined,
): Pick<JobStatus, 'status' | 'detail'> {
  const { status, failures = {}, deaths = [], run = 0, step, totalSteps } = job;
  const deathText =
    deaths.length === 0 ? '' : `; deaths so far: ${deaths.length}, the last: ${deaths.at(-1)}`;
  if (status === 'done') return { status, detail: deathText.replace(/^; /, '') };
  if (status === 'failed')
    return {
      status,
      detail: Object.entries(failures)
        .map((one) => one.join(': '))
        .join('; '),
    };
  if (status === 'died') return { status, detail: deaths.at(-1) ?? '' };
  if (status !== 'running')
    return word?.isLive ? { status: 'queued', detail: word.text } : { status, detail: word?.text ?? '' };
  if (word !== undefined && !word.isLive) {
    const said = last();
    return { status: 'lost', detail: `${word.text}${said === undefined ? '' : `; last it said: ${said}`}` };
  }
  const place = [
    ...(runs > 1 ? [`run ${run + 1} of ${runs}`] : []),
    ...(step === undefined ? [] : [`step ${step} of ${totalSteps}`]),
    ...(word === undefined ? [] : [word.text]),
  ];
  return { status, detail: `${place.join(', ')}${deathText}` };
}

/** "40 done, 2 running, 36 waiting". */
export function countsOf(jobs: readonly JobStatus[]): string {
  const counts = new Map<string, number>();
  for (const { status } of jobs) counts.set(status, (counts.get(status) ?? 0) + 1);
  return [...counts].map(([status, count]) => `${count} ${status}`).join(', ');
}
