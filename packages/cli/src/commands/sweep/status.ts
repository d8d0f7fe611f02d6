import path from 'node:path';
import { readHolder } from '@psoft/training/lock';
import type { Command } from 'commander';
import type { Word } from '../../launch/launcher.ts';
import { localLauncher, sweepLock } from '../../launch/local.ts';
import { slurmLauncher } from '../../launch/slurm.ts';
import { readSubmissions } from '../../launch/submissions.ts';
import { readSweepState, type SweepState } from '../../sweep/state.ts';
import { countsOf, statusOf } from '../../sweep/status.ts';
import { layOut } from '../textTable.ts';
import { addFindOptions, type FindValues, findOne, sweepsBelow } from './find.ts';

interface Options extends FindValues {
  readonly all?: boolean;
}

export function addStatusCommand(sweep: Command): void {
  addFindOptions(
    sweep
      .command('status')
      .description('How far sweeps are: what runs, what failed and why. Any shell may ask.')
      .argument('[sweep]', 'as it was run, EXPERIMENT/NAME, or its folder (default: all, in short)'),
  )
    .option('--all', 'every job, those that wait or are done too')
    .action(async (target: string | undefined, options: Options) => {
      if (target === undefined) {
        const folders = sweepsBelow(options);
        if (folders.length === 0) process.stdout.write(`no sweeps below ${options.runsDir}\n`);
        for (const folder of folders) {
          const state = readSweepState(folder);
          const jobs = statusOf(folder, state, await wordsOf(folder, state));
          process.stdout.write(`${path.basename(folder)}: ${state.title}: ${countsOf(jobs)}\n`);
        }
        return;
      }
      const folder = findOne(target, options);
      const state = readSweepState(folder);
      const jobs = statusOf(folder, state, await wordsOf(folder, state));
      const shown = jobs.filter(({ status }) => options.all || (status !== 'done' && status !== 'waiting'));
      const holder = readHolder(sweepLock(folder));
      const lines = [
        `${state.title}: ${jobs.length} jobs, ${state.runs.length} runs: ${countsOf(jobs)}`,
        ...(holder === undefined ? [] : [`handed out by process ${holder.pid} on ${holder.host}`]),
        `folder: ${path.relative(process.cwd(), folder) || folder}`,
        ...(shown.length === 0
          ? []
          : [
              '',
              ...layOut(
                ['job', 'status', ''],
                shown.map(({ name, status, detail }) => [name, status, detail]),
                false,
              ),
            ]),
      ];
      process.stdout.write(`${lines.join('\n')}\n`);
    });
}

/** What Slurm says where it was given jobs, else what this machine says. */
async function wordsOf(folder: string, state: SweepState): Promise<ReadonlyMap<number, Word>> {
  const local = await localLauncher({ jobs: 1, memoryBytes: 0 }).words(folder, state);
  if (!readSubmissions(folder).some(({ launcher }) => launcher === 'slurm')) return local;
  const slurm = await slurmLauncher({ threads: 1, executor: 'cpu', sbatch: [] }).words(folder, state);
  return new Map([...local, ...slurm]);
}
