/** What can run the jobs of a sweep. Each way is one file beside this one. */
import type { SweepState } from '../sweep/state.ts';

export interface LaunchRequest {
  /** The sweep's folder. */
  readonly folder: string;
  readonly state: SweepState;
  /** Which of its jobs, in this order. */
  readonly jobs: readonly number[];
}

/**
 * 'ended': every job was begun and is over, well or not. 'stopped': a signal came, jobs may be open. 'submitted': a
 * scheduler has them.
 */
export type Launched = 'ended' | 'stopped' | 'submitted';

/** What a scheduler says of a job. */
export interface Word {
  readonly isLive: boolean;
  /** In the scheduler's own words: "PENDING (Priority)", "OUT_OF_MEMORY, exit code 0:125". */
  readonly text: string;
}

export interface Launcher {
  readonly name: string;
  launch(request: LaunchRequest): Promise<Launched>;
  /** Of jobs that it was given; those it knows nothing of are absent. */
  words(folder: string, state: SweepState): Promise<ReadonlyMap<number, Word>>;
  /** @returns what was done, for people */
  cancel(folder: string, state: SweepState): Promise<string>;
}
