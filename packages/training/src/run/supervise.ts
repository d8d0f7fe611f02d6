/**
 * Runs one training run in a child process: ONNX Runtime blocks the thread it runs on and a native abort takes its
 * whole process down, so neither may happen where progress is drawn and signals are handled.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { FromChild, RunRequest, RunSummary, ToChild } from './protocol.ts';

export type { RunSummary } from './protocol.ts';

const CHILD = fileURLToPath(new URL('./child.ts', import.meta.url));

export interface RunEvents {
  onNote?(text: string): void;
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
 * Starts the run and resolves when it is done. SIGINT and SIGTERM stop it after the current step; a second signal
 * ends it at once.
 * @throws RunFailure
 */
export async function superviseRun(request: RunRequest, events: RunEvents = {}): Promise<RunSummary> {
  const child = fork(CHILD, {
    // The child imports TypeScript as well, wherever it is started from.
    execArgv: ['--import', pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
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
    return await new Promise<RunSummary>((resolve, reject) => {
      let settled = false;
      child.on('message', (message: FromChild) => {
        if (message.type === 'note') events.onNote?.(message.text);
        else if (message.type === 'step') events.onStep?.(message);
        else if (message.type === 'epoch') events.onEpoch?.(message);
        else if (message.type === 'done') {
          settled = true;
          resolve(message.summary);
        } else {
          settled = true;
          reject(new RunFailure(message.message, message.stack));
        }
      });
      child.on('error', (error) =>
        reject(new RunFailure(`the training process could not be started: ${error.message}`)),
      );
      child.on('exit', (code, signal) => {
        if (settled) return;
        const how = signal === null ? `exit code ${code}` : `signal ${signal}`;
        reject(
          new RunFailure(`the training process ended before the run did (${how}): nothing was recorded`),
        );
      });
      send(child, { type: 'run', request });
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
