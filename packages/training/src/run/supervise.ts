/**
 * Runs one job in a child process: ONNX Runtime blocks the thread it runs on and a native abort takes its
 * whole process down, so neither may happen where progress is drawn and signals are handled.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { environmentFor } from './execution.ts';
import type { FromChild, JobName, Jobs, ToChild } from './protocol.ts';

export type { AnglesRequest, AnglesSummary } from './angles.ts';
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
  override readonly name = 'RunFailure';
  constructor(
    message: string,
    readonly childStack?: string,
  ) {
    super(message);
  }
}

/**
 * Starts a job and resolves when it is done. SIGINT and SIGTERM stop a run after the current step; a second signal
 * ends it at once.
 * @throws RunFailure
 */
export async function supervise<Name extends JobName>(
  type: Name,
  request: Jobs[Name]['request'],
  events: RunEvents = {},
): Promise<Jobs[Name]['result']> {
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
    else child.kill('SIGKILL');
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  try {
    return await new Promise<Jobs[Name]['result']>((resolve, reject) => {
      let settled = false;
      child.on('message', (message: FromChild) => {
        if (message.type === 'note') events.onNote?.(message.text);
        else if (message.type === 'download') events.onDownload?.(message);
        else if (message.type === 'step') events.onStep?.(message);
        else if (message.type === 'epoch') events.onEpoch?.(message);
        else if (message.type === 'done') {
          settled = true;
          resolve(message.result);
        } else {
          settled = true;
          reject(new RunFailure(message.message, message.stack));
        }
      });
      child.on('error', (error) =>
        reject(new RunFailure(`the computing process could not be started: ${error.message}`)),
      );
      child.on('exit', (code, signal) => {
        if (settled) return;
        const how = signal === null ? `exit code ${code}` : `signal ${signal}`;
        reject(
          new RunFailure(
            `the computing process ended before the run did (${how}); a run that is asked for again goes on from its last checkpoint`,
          ),
        );
      });
      send(child, { type, request } as ToChild);
    });
  } finally {
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
    if (child.connected) child.disconnect();
  }
}

function send(child: ChildProcess, message: ToChild): void {
  if (child.connected) child.send(message);
}
