/** Runs the command as a user does. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const BIN = fileURLToPath(new URL('../bin/psoft.mjs', import.meta.url));

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly outcome: Promise<Outcome>;
  kill(signal: NodeJS.Signals): void;
  /** SIGKILL to the command and all that it started. */
  killAll(): void;
  /** Resolves when standard error has said `text`. */
  said(text: RegExp): Promise<void>;
}

/** @param input on standard input */
export function start(args: readonly string[], env: Record<string, string> = {}, input?: string): Running {
  // A process group of its own, to be killed whole.
  const child = spawn(process.execPath, [BIN, ...args], { env: { ...process.env, ...env }, detached: true });
  child.stdin.end(input ?? '');
  let [stdout, stderr] = ['', ''];
  const waiting: { text: RegExp; resolve: () => void }[] = [];
  child.stdout.on('data', (data: Buffer) => {
    stdout += data;
  });
  child.stderr.on('data', (data: Buffer) => {
    stderr += data;
    for (const one of waiting) if (one.text.test(stderr)) one.resolve();
  });
  const outcome = new Promise<Outcome>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
  return {
    outcome,
    kill: (signal) => void child.kill(signal),
    killAll: () => void process.kill(-child.pid!, 'SIGKILL'),
    said: (text) =>
      new Promise((resolve, reject) => {
        waiting.push({ text, resolve });
        if (text.test(stderr)) resolve();
        outcome.then(() => reject(new Error(`ended without saying ${text}: ${stderr}`)), reject);
      }),
  };
}

export function psoft(...args: string[]): Promise<Outcome> {
  return start(args).outcome;
}
