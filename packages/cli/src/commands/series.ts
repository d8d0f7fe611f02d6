/** Many runs, one after the other: what is recorded is not done again, what fails does not stop the rest. */
import { readFile } from 'node:fs/promises';
import { checkRecord, type RunRecord } from '@psoft/results';
import type { RunConfig } from '@psoft/training/config';
import type { RunRequest } from '@psoft/training/supervise';
import { runWithProgress, sourceEvents } from './progress.ts';

export interface SeriesRun {
  /** For messages: "rte, psoft, seed 2". */
  readonly label: string;
  readonly config: RunConfig;
}

/** A record, or why there is none. */
export type Outcome = { readonly record: RunRecord } | { readonly failure: string };

/** @returns an outcome a run in order; undefined when a signal stopped the series */
export async function runSeries(
  runs: readonly SeriesRun[],
  options: RunRequest['options'],
): Promise<Outcome[] | undefined> {
  // Loads the data package, which a command that only prints help need not.
  const { RecordFinder } = await import('@psoft/training/identity');
  const { onNote, onDownload } = sourceEvents();
  const finder = new RecordFinder(options.resultsFolder, {
    onNote: (line) => onNote?.(line),
    onProgress: (progress) => onDownload?.({ type: 'download', ...progress }),
  });
  const outcomes: Outcome[] = [];
  for (const [at, { label, config }] of runs.entries()) {
    const place = `[${at + 1}/${runs.length}] ${label}`;
    try {
      const found = await finder.find(config);
      if (found !== undefined) {
        process.stderr.write(`${place}: recorded already\n`);
        outcomes.push({ record: await readRecord(found) });
        continue;
      }
      process.stderr.write(`${place}\n`);
      const summary = await runWithProgress({ config, options });
      if (summary.status === 'cancelled') return undefined;
      outcomes.push({ record: await readRecord(summary.recordFile) });
    } catch (error) {
      process.stderr.write(`${label}: ${(error as Error).message}\n`);
      outcomes.push({ failure: (error as Error).message });
    }
  }
  return outcomes;
}

async function readRecord(file: string): Promise<RunRecord> {
  return checkRecord(JSON.parse(await readFile(file, 'utf8')));
}
