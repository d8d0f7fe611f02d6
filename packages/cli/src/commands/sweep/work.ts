import path from 'node:path';
import { ConfigError } from '@psoft/training/config';
import type { Command } from 'commander';
import { readSweepState } from '../../sweep/state.ts';
import { work } from '../../sweep/work.ts';
import { seedList, wholeNumber } from '../numbers.ts';

interface Options {
  readonly job: number;
  readonly among?: readonly number[];
  readonly state?: string;
  readonly yields?: boolean;
  readonly schedulerId?: string;
}

export function addWorkCommand(sweep: Command, done: (code: number) => void): void {
  sweep
    .command('work')
    .description('Do one job of a sweep that was planned: what launchers start.')
    .argument('<folder>', 'of the sweep, below runs/sweeps')
    .requiredOption('--job <n>', 'its number', wholeNumber)
    .option('--among <list>', 'jobs of an array: then --job is a place in it', seedList)
    .option('--state <file>', 'what is to be run (default: sweep.json in the folder)')
    .option(
      '--yields',
      'end with exit code 75 where another process is at the run, instead of waiting for it',
    )
    .option('--scheduler-id <id>', 'what a scheduler calls this job')
    .action(async (folder: string, { job, among, state, yields = false, schedulerId }: Options) => {
      const whole = path.resolve(folder);
      const id = among === undefined ? job : among[job];
      if (id === undefined)
        throw new ConfigError(`--job=${job}: --among names ${among?.length} jobs, from 0`);
      done(
        await work({
          folder: whole,
          state: readSweepState(state ?? whole),
          job: id,
          yields,
          ...(schedulerId === undefined ? {} : { schedulerId }),
        }),
      );
    });
}
