import type { Command } from 'commander';
import { type EstimatedJob, estimateJobs } from '../../sweep/open.ts';
import { planSweep, type SweepOptionValues } from '../../sweep/planned.ts';
import { findRecorded } from '../../sweep/recorded.ts';
import { formatTime } from '../planReport.ts';
import { formatBytes } from '../progress.ts';
import { runOptionsOf } from '../runOptions.ts';
import { addTargetOptions } from './options.ts';

interface Options extends SweepOptionValues {
  readonly probe?: boolean;
}

export function addPlanCommand(sweep: Command): void {
  addTargetOptions(
    sweep
      .command('plan')
      .description(
        'Say what a sweep runs, what of it is recorded already, and about how long and how much memory the rest takes.',
      ),
  )
    .option('--probe', 'time a few steps of what no record tells about')
    .action(async (target: string, options: Options) => {
      const planned = planSweep(target, options);
      const { runs, title, settings, seeds } = planned;
      const recorded = await findRecorded(runs, runOptionsOf(options).resultsFolder);
      let open = 0;
      for (const [i, { label, config }] of runs.entries()) {
        const isOpen = !('unavailable' in config) && recorded.files[i] === undefined;
        if (isOpen) open++;
        const word = 'unavailable' in config ? config.unavailable : isOpen ? 'to run  ' : 'recorded';
        process.stdout.write(`${word}  ${label}\n`);
      }
      process.stdout.write(
        `${title}: ${settings} settings, seeds ${seeds.join(', ')}, ${runs.length} runs, ${open} of them to run\n`,
      );
      if (open === 0) return;
      const jobs = await estimateJobs(planned, recorded, options, options.probe === true);
      process.stdout.write(`${costOf(jobs.filter(({ isOpen }) => isOpen)).join('\n')}\n`);
    });
}

/** Time and memory of what is to be run, and from what they are known. */
export function costOf(jobs: readonly EstimatedJob[]): string[] {
  const timed = jobs.filter(({ seconds }) => seconds !== undefined);
  const seconds = timed.map((job) => job.seconds!);
  const memories = jobs.flatMap(({ memoryBytes }) => memoryBytes ?? []);
  const sources = new Map<string, number>();
  for (const { from = 'nothing: no record is like them, --probe times a few steps' } of jobs)
    sources.set(from, (sources.get(from) ?? 0) + 1);
  const total = seconds.reduce((sum, one) => sum + one, 0);
  const missing = jobs.length - timed.length;
  return [
    timed.length === 0
      ? 'time: not known'
      : `time: about ${formatTime(total)} one after the other, the longest job ${formatTime(Math.max(...seconds))}` +
        (missing === 0 ? '' : `; without ${missing} of ${jobs.length} jobs, of which nothing is known`),
    memories.length === 0 ? 'memory: not known' : `memory: up to ${formatBytes(Math.max(...memories))} a run`,
    ...[...sources].map(([from, count]) => `  ${count} ${count === 1 ? 'job' : 'jobs'} from ${from}`),
  ];
}
