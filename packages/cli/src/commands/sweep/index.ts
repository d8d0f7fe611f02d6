import type { Command } from 'commander';
import { addCancelCommand } from './cancel.ts';
import { addPlanCommand } from './plan.ts';
import { addRunCommand } from './run.ts';
import { addStatusCommand } from './status.ts';
import { addWorkCommand } from './work.ts';

export function addSweepCommand(program: Command, done: (code: number) => void): void {
  const sweep = program
    .command('sweep')
    .description(
      'Run what a file of settings asks for - ranks, modules, rates, methods, in all combinations or as a list - or a ' +
        'table of the paper: here, several at once, or on a cluster.',
    );
  addPlanCommand(sweep);
  addRunCommand(sweep, done);
  addStatusCommand(sweep);
  addCancelCommand(sweep);
  addWorkCommand(sweep, done);
}
