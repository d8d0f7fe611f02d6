/** Runs the command as a user does: in a process of its own, or at least with the same words. */
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
  /** Reads no more of standard output. */
  closeOutput(): void;
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
    closeOutput: () => void child.stdout.destroy(),
    said: (text) =>
      new Promise((resolve, reject) => {
        waiting.push({ text, resolve });
        if (text.test(stderr)) resolve();
        outcome.then(() => reject(new Error(`ended without saying ${text}: ${stderr}`)), reject);
      }),
  };
}

let isRunning = false;

/**
 * The command in this process: what it computes runs in one of its own all the same, and a second to start the command
 * itself is saved. One at a time; what a computing process prints itself (predictions) is not seen, see {@link start}.
 */
export async function psoft(...args: string[]): Promise<Outcome> {
  if (isRunning) throw new Error('psoft() runs one command at a time');
  isRunning = true;
  const { main } = await import('../src/main.ts');
  const written = { stdout: '', stderr: '' };
  const streams = ['stdout', 'stderr'] as const;
  const originals = streams.map((stream) => process[stream].write);
  for (const stream of streams)
    process[stream].write = ((chunk: string | Uint8Array, ...rest: unknown[]) => {
      written[stream] += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString();
      const done = rest.at(-1);
      if (typeof done === 'function') done();
      return true;
    }) as typeof process.stdout.write;
  try {
    return { code: await main(args), ...written };
  } finally {
    streams.forEach((stream, at) => {
      process[stream].write = originals[at]!;
    });
    isRunning = false;
  }
}
