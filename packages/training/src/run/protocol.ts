/** Messages between the process that the user talks to and the one that computes. */
import type { Executor } from '@psoft/engine';
import type { RunPrecision } from '@psoft/engine/devices';
import type { EpochRow } from '../fit.ts';
import type { AnglesRequest, AnglesSummary } from './angles.ts';
import type { RunConfig } from './config.ts';
import type { EvaluateRequest, EvaluationSummary } from './evaluate/execute.ts';
import type { GenerateRequest, GenerateSummary } from './generate.ts';
import type { MemoryPlan } from './memory.ts';
import type { MergeRunRequest, MergeRunSummary } from './merge.ts';
import type { RunPlan } from './plan.ts';
import type { PredictRequest, PredictSummary } from './predict/index.ts';

export interface RunRequest {
  readonly config: RunConfig;
  readonly options: RunOptions;
}

/** How a program executes; no part of a run's identity. */
export interface ExecutionOptions {
  readonly executor: Executor;
  readonly threads?: number;
  /** Of what only computes: trainings and evaluations have it among their settings, where it decides the result. */
  readonly precision?: RunPrecision;
}

/** Where and how a run executes; no part of its identity. */
export interface RunOptions extends Omit<ExecutionOptions, 'precision'> {
  readonly resultsFolder: string;
  readonly runsFolder: string;
  /** Saves the state after so many steps; by time (about a minute) when left out. */
  readonly checkpointSteps?: number;
  /** Begins anew where there is a checkpoint. */
  readonly restart?: boolean;
  /**
   * Does nothing where the run is recorded by the time that its turn comes: 'record' asks for the record only, 'files'
   * for what was trained as well. Without it a run is run again.
   */
  readonly unlessThere?: 'record' | 'files';
  /** Waits for another process that is at the same run, instead of giving up. */
  readonly waits?: boolean;
}

export interface RunSummary {
  readonly status: 'completed' | 'cancelled';
  readonly metrics: Readonly<Record<string, number>>;
  /** Chosen on the selection split, and its score there; absent where the last epoch is kept. */
  readonly bestEpoch?: number;
  /** Where the choice is made by steps. */
  readonly bestStep?: number;
  readonly bestMetric?: number;
  readonly recordFile: string;
  readonly runFolder?: string;
  readonly adapterFolder?: string;
}

/** What can be asked of the computing process, and what it answers. */
export interface Jobs {
  readonly train: { readonly request: RunRequest; readonly result: RunSummary };
  readonly plan: { readonly request: RunRequest; readonly result: RunPlan };
  readonly memory: {
    readonly request: Pick<RunRequest, 'config'>;
    readonly result: MemoryPlan | undefined;
  };
  readonly evaluate: { readonly request: EvaluateRequest; readonly result: EvaluationSummary };
  readonly generate: { readonly request: GenerateRequest; readonly result: GenerateSummary };
  readonly merge: { readonly request: MergeRunRequest; readonly result: MergeRunSummary };
  readonly angles: { readonly request: AnglesRequest; readonly result: AnglesSummary };
  readonly predict: { readonly request: PredictRequest; readonly result: PredictSummary };
}
export type JobName = keyof Jobs;

export type ToChild =
  | { readonly [Name in JobName]: { readonly type: Name; readonly request: Jobs[Name]['request'] } }[JobName]
  | { readonly type: 'stop' };

export type FromChild =
  | { readonly type: 'note'; readonly text: string }
  | { readonly type: 'download'; readonly file: string; readonly done: number; readonly total: number }
  | {
      readonly type: 'step';
      readonly step: number;
      readonly totalSteps: number;
      readonly loss: number;
      readonly tokensPerSecond: number;
    }
  | { readonly type: 'epoch'; readonly row: EpochRow; readonly isBest: boolean }
  /** The lock of the run was taken: the process that is never busy shows for it that the run lives. */
  | { readonly type: 'lock'; readonly file: string; readonly nonce: string }
  | { readonly type: 'done'; readonly result: Jobs[JobName]['result'] }
  /** Expected errors are one line for the user; others come with a stack. */
  | { readonly type: 'failed'; readonly message: string; readonly stack?: string; readonly isHeld?: true };
