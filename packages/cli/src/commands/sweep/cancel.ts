import type { Command } from 'commander';
import { localLauncher } from '../../launch/local.ts';
import { slurmLauncher } from '../../launch/slurm.ts';
import { readSubmissions } from '../../launch/submissions.ts';
import { readSweepState } from '../../sweep/state.ts';
import { addFindOptions, type FindValues, findOne } from './find.ts';

export function addCancelCommand(sweep: Command): void {
  addFindOptions(
    sweep
      .command('cancel')
      .description(
        'Stop a sweep wherever it runs. Every run under way saves its state; sweep run goes on from it.',
      )
      .argument('<sweep>', 'as it was run, EXPERIMENT/NAME, or its folder'),
  ).action(async (target: string, options: FindValues) => {
    const folder = findOne(target, options);
    const state = readSweepState(folder);
    // First whoever hands out jobs, so that nothing new is begun.
    process.stdout.write(`${await localLauncher({ jobs: 1, memoryBytes: 0 }).cancel(folder, state)}\n`);
    const launchers = new Set(readSubmissions(folder).map(({ launcher }) => launcher));
    if (launchers.has('slurm'))
      process.stdout.write(
        `${await slurmLauncher({ threads: 1, executor: 'cpu', sbatch: [] }).cancel(folder, state)}\n`,
      );
  });
}
