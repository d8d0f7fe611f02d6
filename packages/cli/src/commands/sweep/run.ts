import { readRecordFile } from '@psoft/results';
import { BEAT_MILLISECONDS, takeLock } from '@psoft/training/lock';
import type { Command } from 'commander';
import { sweepLock } from '../../launch/local.ts';
import { openSweep } from '../../sweep/open.ts';
import { type PlannedSweep, planSweep, type SweepOptionValues } from '../../sweep/planned.ts';
import { findRecorded } from '../../sweep/recorded.ts';
import { hashOf, readJob, type SweepState, sweepFolder } from '../../sweep/state.ts';
import { addReportOptions, type ReportOptionValues } from '../planOptions.ts';
import { STOPPED_BY_SIGNAL } from '../progress.ts';
import { runOptionsOf } from '../runOptions.ts';
import type { Outcome } from '../series.ts';
import { addLaunchOptions, addTargetOptions, type LaunchOptionValues, launcherOf } from './options.ts';

export type RunValues = SweepOptionValues &
  ReportOptionValues &
  LaunchOptionValues & { readonly chart?: string; readonly retryFailed?: boolean; readonly probe?: boolean };

export function addRunCommand(sweep: Command, done: (code: number) => void): void {
  const command = sweep
    .command('run')
    .description(
      'Run a sweep, print its table and draw score against trained values. What is recorded is not run again; what ' +
        'was broken off goes on from its checkpoint.',
    );
  addReportOptions(addLaunchOptions(addTargetOptions(command)))
    .option('--chart <file>', 'where the chart goes (default: charts/ below the records)')
    .option('--retry-failed', 'run again what failed before')
    .option('--probe', 'time a few steps of what no record tells about')
    .action(async (target: string, options: RunValues) => {
      const planned = planSweep(target, options);
      const { runsFolder, resultsFolder } = runOptionsOf(options);
      const folder = sweepFolder(runsFolder, {
        name: planned.name,
        hash: hashOf(planned.runs, resultsFolder),
      });
      // Settings that no method takes must not show after an hour, and are to leave nothing behind.
      const recorded = await findRecorded(planned.runs, resultsFolder);
      const lock = await takeLock(sweepLock(folder));
      const beats = setInterval(() => lock.beat(), BEAT_MILLISECONDS);
      try {
        const { launcher, threads } = await launcherOf(options);
        const opening = { target, planned, folder, recorded, options, threads };
        const { state, open } = await openSweep(opening);
        const launched = open.length === 0 ? 'ended' : await launcher.launch({ folder, state, jobs: open });
        if (launched === 'stopped') {
          process.stdout.write('stopped; run it again to go on\n');
          return done(STOPPED_BY_SIGNAL);
        }
        if (launched === 'submitted') return;
        const { files } = open.length === 0 ? recorded : await findRecorded(planned.runs, resultsFolder);
        const outcomes = await outcomesOf(planned, state, folder, files);
        await planned.report(outcomes, options);
        if (outcomes.some((outcome) => 'failure' in outcome && !outcome.isKnown)) done(1);
      } finally {
        clearInterval(beats);
        lock.release();
      }
    });
}

/** A record a run, or why there is none. */
async function outcomesOf(
  { runs }: PlannedSweep,
  { jobs }: SweepState,
  folder: string,
  recorded: readonly (string | undefined)[],
): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const [at, { config, label }] of runs.entries()) {
    const file = recorded[at];
    if ('unavailable' in config) outcomes.push({ failure: config.unavailable, isKnown: true });
    else if (file !== undefined) outcomes.push({ record: await readRecordFile(file) });
    else {
      const job = jobs.find((one) => one.runs.includes(at));
      const { failures = {}, deaths = [], status } = job ? readJob(folder, job.id) : { status: 'waiting' };
      outcomes.push({
        failure:
          failures[label] ??
          Object.values(failures)[0] ??
          (status === 'died' ? deaths.at(-1) : undefined) ??
          'not run',
      });
    }
  }
  return outcomes;
}
