/**
 * Runs one job in a child process: ONNX Runtime blocks the thread it runs on and a native abort takes its
 * whole process down, so neither may happen where progress is drawn and signals are handled.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import {
  describeEnding,
  type Ending,
  endingOf,
  logSize,
  outOfMemoryKills,
  saysOutOfMemory,
  tailOf,
} from './ending.ts';
import { environmentFor } from './execution.ts';
import { BEAT_MILLISECONDS, showLife } from './lock.ts';
import type { FromChild, JobName, Jobs, ToChild } from './protocol.ts';

export type { AnglesRequest, AnglesSummary } from './angles.ts';
export {
  describeEnding,
  type Ending,
  endingOf,
  lastLine,
  logSize,
  outOfMemoryKills,
  tailOf,
} from './ending.ts';
export type { EvaluateRequest, EvaluationSummary } from './evaluate/execute.ts';
export type { GenerateRequest, GenerateSummary } from './generate.ts';
export type { MemoryPlan, MemoryPrediction } from './memory.ts';
export type { MergeRunRequest, MergeRunSummary } from './merge.ts';
export type { RunPlan } from './plan.ts';
export type { PredictRequest, PredictSummary } from './predict/index.ts';
export type { RunRequest, RunSummary } from './protocol.ts';

/** In the workspace this runs from its sources, and so must the child; a published package is JavaScript. */
const IS_SOURCE = import.meta.url.endsWith('.ts');
const CHILD = fileURLToPath(new URL(IS_SOURCE ? './child.ts' : './child.js', import.meta.url));

export interface RunEvents {
  onNote?(text: string): void;
  onDownload?(info: Extract<FromChild, { type: 'download' }>): void;
  onStep?(info: Extract<FromChild, { type: 'step' }>): void;
  onEpoch?(info: Extract<FromChild, { type: 'epoch' }>): void;
}

/** A run that ended with an error; the message is one line for the user. */
export class RunFailure extends Error {
  override readonly name: string = 'RunFailure';
  constructor(
    message: string,
    readonly childStack?: string,
  ) {
    super(message);
  }

  /** Whether memory ran out for certain: another attempt would end the same way. */
  get isOutOfMemory(): boolean {
    return saysOutOfMemory(this.message);
  }
}

/** Another process is at the same run. */
export class RunHeld extends RunFailure {
  override readonly name = 'RunHeld';
}

/** The computing process ended without a word, or was ended because it no longer got on. */
export class RunDeath extends RunFailure {
  override readonly name = 'RunDeath';
  constructor(
    message: string,
    readonly ending: Ending,
    readonly hung: boolean,
  ) {
    super(message);
  }

  override get isOutOfMemory(): boolean {
    return this.ending.isCertain === true;
  }
}

/** How a job is watched; without any of it as a user in front of a terminal wants it. */
export interface Supervision {
  /** A job that says nothing for so long, no step, no note, is ended. */
  readonly hangMilliseconds?: number;
  /** More than one signal means the same as one: a scheduler sends several, and SIGKILL when it means it. */
  readonly isPatient?: boolean;
  /** Where the computing process's output goes, to be looked at for the reason of its end. */
  readonly logFile?: string;
  /** Told of every message of the computing process. */
  onLife?(): void;
}

/**
 * Starts a job and resolves when it is done. SIGINT and SIGTERM stop a run after the current step; a second signal
 * ends it at once.
 * @throws RunFailure; RunHeld and RunDeath among them
 */
export async function supervise<Name extends JobName>(
  type: Name,
  request: Jobs[Name]['request'],
  events: RunEvents = {},
  { hangMilliseconds, isPatient = false, logFile, onLife }: Supervision = {},
): Promise<Jobs[Name]['result']> {
  const killsBefore = outOfMemoryKills();
  const logBefore = logFile === undefined ? 0 : logSize(logFile);
  const child = fork(CHILD, {
    execArgv: IS_SOURCE
      ? ['--import', pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href]
      : [],
    env: { ...process.env, ...environmentFor<Name>(request) },
    // Only predictions may read what is piped in.
    stdio: [type === 'predict' ? 'inherit' : 'ignore', 'inherit', 'inherit', 'ipc'],
  });
  let signals = 0;
  const onSignal = () => {
    signals++;
    if (signals === 1) send(child, { type: 'stop' });
    else if (!isPatient) child.kill('SIGKILL');
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  let beats: NodeJS.Timeout | undefined;
  let hung = false;
  const hang =
    hangMilliseconds === undefined
      ? undefined
      : setTimeout(() => {
          hung = true;
          child.kill('SIGKILL');
        }, hangMilliseconds);
  try {
    return await new Promise<Jobs[Name]['result']>((resolve, reject) => {
      let settled = false;
      child.on('message', (message: FromChild) => {
        hang?.refresh();
        onLife?.();
        if (message.type === 'lock') {
          const { file, nonce } = message;
          beats = setInterval(() => showLife(file, nonce), BEAT_MILLISECONDS);
        } else if (message.type === 'note') events.onNote?.(message.text);
        else if (message.type === 'download') events.onDownload?.(message);
        else if (message.type === 'step') events.onStep?.(message);
        else if (message.type === 'epoch') events.onEpoch?.(message);
        else if (message.type === 'done') {
          settled = true;
          resolve(message.result);
        } else {
          settled = true;
          const Failure = message.isHeld ? RunHeld : RunFailure;
          reject(new Failure(message.message, message.stack));
        }
      });
      child.on('error', (error) =>
        reject(new RunFailure(`the computing process could not be started: ${error.message}`)),
      );
      child.on('exit', (code, signal) => {
        if (settled) return;
        const ending = endingOf(code, signal, killsBefore, logFile && tailOf(logFile, logBefore));
        const what = hung
          ? `the computing process got no further for ${shownMinutes(hangMilliseconds!)} and was ended`
          : `the computing process ended before the run did (${describeEnding(ending)})`;
        reject(
          new RunDeath(
            `${what}; a run that is asked for again goes on from its last checkpoint`,
            hung ? { code, signal } : ending,
            hung,
          ),
        );
      });
      send(child, { type, request } as ToChild);
    });
  } finally {
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
    clearTimeout(hang);
    clearInterval(beats);
    if (child.connected) child.disconnect();
  }
}

function send(child: ChildProcess, message: ToChild): void {
  if (child.connected) child.send(message);
}

function shownMinutes(milliseconds: number): string {
  return milliseconds < 120_000 ? `${milliseconds / 1000} s` : `${Math.round(milliseconds / 60_000)} min`;
}
