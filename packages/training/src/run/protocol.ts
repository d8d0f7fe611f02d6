/** Messages between the process that the user talks to and the one that trains. */
import type { Executor } from '@psoft/engine';
import type { EpochRow } from '../fit.ts';
import type { RunConfig } from './config.ts';

export interface RunRequest {
  readonly config: RunConfig;
  readonly options: RunOptions;
}

/** Where and how a run executes; no part of its identity. */
export interface RunOptions {
  readonly executor: Executor;
  readonly threads?: number;
  readonly resultsFolder: string;
  readonly runsFolder: string;
  /** Does nothing where a record of the same run is there already. */
  readonly skipExisting?: boolean;
}

export interface RunSummary {
  /** skipped: there was a record of the same run, and it was left alone. */
  readonly status: 'completed' | 'cancelled' | 'skipped';
  readonly metrics: Readonly<Record<string, number>>;
  readonly bestEpoch?: number;
  readonly recordFile: string;
  readonly adapterFolder?: string;
}

export type ToChild = { readonly type: 'run'; readonly request: RunRequest } | { readonly type: 'stop' };

export type FromChild =
  | { readonly type: 'note'; readonly text: string }
  | {
      readonly type: 'step';
      readonly step: number;
      readonly totalSteps: number;
      readonly loss: number;
      readonly tokensPerSecond: number;
    }
  | { readonly type: 'epoch'; readonly row: EpochRow; readonly isBest: boolean }
  | { readonly type: 'done'; readonly summary: RunSummary }
  /** `expected` errors are one line for the user; others come with a stack. */
  | { readonly type: 'failed'; readonly message: string; readonly stack?: string };
