/** What the user sees of a job while it runs. */
import { createProgress } from '@psoft/training/progress';
import {
  type RunEvents,
  type RunRequest,
  type RunSummary,
  type Supervision,
  supervise,
} from '@psoft/training/supervise';

export const STOPPED_BY_SIGNAL = 130;

/** How a job is watched, by whoever wants to know how far it is. */
export interface Watch extends Supervision {
  onStep?(step: number, totalSteps: number): void;
}

export async function runWithProgress(request: RunRequest, watch: Watch = {}): Promise<RunSummary> {
  let progress: ReturnType<typeof createProgress> | undefined;
  let metric: { name: string; value: number } | undefined;
  try {
    const events: RunEvents = {
      ...sourceEvents(),
      onStep: ({ step, totalSteps, loss, tokensPerSecond }) => {
        watch.onStep?.(step, totalSteps);
        progress ??= createProgress({ stream: process.stderr, total: totalSteps, label: 'train' });
        progress.update(step, { loss, speed: tokensPerSecond, ...(metric === undefined ? {} : { metric }) });
      },
      onEpoch: ({ row, isBest }) => {
        const [first] = Object.entries(row.selection);
        if (first) metric = { name: first[0], value: first[1] };
        const selection = first ? `, selection ${formatMetrics(row.selection)}` : '';
        const skipped = row.skippedSteps ? `, ${row.skippedSteps} steps skipped so far (f16 overflow)` : '';
        progress?.log(
          `epoch ${row.epoch}: loss ${row.trainLoss.toFixed(4)}${selection}${isBest ? ' (best)' : ''}${skipped}`,
        );
      },
    };
    return await supervise('train', request, events, watch);
  } finally {
    progress?.done();
  }
}

/** Notes as lines; downloads as a line at their start and end, and their share in between on a terminal. */
export function sourceEvents(): Pick<RunEvents, 'onNote' | 'onDownload'> {
  const started = new Set<string>();
  const isTerminal = process.stderr.isTTY === true;
  return {
    onNote: (text) => void process.stderr.write(`${text}\n`),
    onDownload: ({ file, done, total }) => {
      if (!started.has(file)) {
        started.add(file);
        process.stderr.write(`downloading ${file} (${formatBytes(total)})\n`);
      }
      if (isTerminal) {
        process.stderr.write(
          `\r\x1b[2K${done < total ? `${file}: ${((100 * done) / total).toFixed(0)} %` : ''}`,
        );
      }
    },
  };
}

export function formatMetrics(metrics: Readonly<Record<string, number>>): string {
  return Object.entries(metrics)
    .map(([name, value]) => `${name} ${value.toFixed(2)}`)
    .join(', ');
}

/** "371.1 MB", in powers of ten. */
export function formatBytes(bytes: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB'];
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3));
  return `${(bytes / 1000 ** power).toFixed(power === 0 ? 0 : 1)} ${units[power]}`;
}
