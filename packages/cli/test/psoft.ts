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
  /** Resolves when standard error has said `text`. */
  said(text: RegExp): Promise<void>;
}

export function start(args: readonly string[], env: Record<string, string> = {}): Running {
  const child = spawn(process.execPath, [BIN, ...args], { env: { ...process.env, ...env } });
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
