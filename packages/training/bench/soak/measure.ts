/** What a process holds, after a full collection: what a leak would show in. */
import { readdirSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { tf } from '@psoft/engine';

export interface Held {
  /** Resident set of the process: what ONNX Runtime holds is in it. */
  readonly residentBytes: number;
  /** JavaScript's heap and the buffers that it knows of. */
  readonly heapBytes: number;
  /** Tensors of TensorFlow.js that nobody has disposed. */
  readonly tensors: number;
  /** Open files, where the system lists them. */
  readonly files: number;
  /** Timers, streams and requests that keep a process alive. */
  readonly handles: number;
}

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

export async function held(): Promise<Held> {
  // What the first leaves to finalisers, the second takes.
  for (let i = 0; i < 2; i++) {
    collect();
    await setImmediate();
  }
  const { rss, heapUsed, external } = process.memoryUsage();
  return {
    residentBytes: rss,
    heapBytes: heapUsed + external,
    tensors: tf.memory().numTensors,
    files: openFiles(),
    handles: process.getActiveResourcesInfo().length,
  };
}

function openFiles(): number {
  try {
    return readdirSync('/proc/self/fd').length;
  } catch {
    return 0;
  }
}

/** So many steps, or batches of generation. */
export interface Window extends Held {
  /** The last step in it. */
  readonly end: number;
  /** Wall time of a step, evaluations and checkpoints not counted. */
  readonly medianMilliseconds: number;
  /** Of all processors, evaluations and checkpoints counted: what else runs on the machine changes it little. */
  readonly cpuSeconds: number;
}

export class Windows {
  readonly all: Window[] = [];
  #times: number[] = [];
  #cpu = process.cpuUsage();

  constructor(private readonly size: number) {}

  /** Forgets what came before, when all is compiled. */
  start(): void {
    [this.#times, this.#cpu] = [[], process.cpuUsage()];
  }

  /** @returns whether a window is full: then call {@link Windows.close} */
  add(milliseconds: number): boolean {
    this.#times.push(milliseconds);
    return this.#times.length === this.size;
  }

  async close(): Promise<void> {
    const times = this.#times.sort((a, b) => a - b);
    const { user, system } = process.cpuUsage(this.#cpu);
    this.all.push({
      end: this.size * (this.all.length + 1),
      medianMilliseconds: times[times.length >> 1]!,
      cpuSeconds: (user + system) / 1e6,
      ...(await held()),
    });
    this.start();
  }
}

/** A table in Markdown. */
export function tableOf(windows: readonly Window[]): string {
  const mb = (bytes: number) => (bytes / 2 ** 20).toFixed(1);
  return [
    '| up to | median ms | processor seconds | resident MB | heap and buffers MB | tensors | open files | handles |',
    '|---|---|---|---|---|---|---|---|',
    ...windows.map(
      ({ end, medianMilliseconds, cpuSeconds, residentBytes, heapBytes, tensors, files, handles }) =>
        `| ${[end.toLocaleString('en'), medianMilliseconds.toFixed(2), cpuSeconds.toFixed(2), mb(residentBytes), mb(heapBytes), tensors, files, handles].join(' | ')} |`,
    ),
  ].join('\n');
}

/** The last window against the first. */
export function ratios(windows: readonly Window[]): { readonly median: number; readonly cpu: number } {
  const [first, last] = [windows[0]!, windows.at(-1)!];
  return {
    median: last.medianMilliseconds / first.medianMilliseconds,
    cpu: last.cpuSeconds / first.cpuSeconds,
  };
}
