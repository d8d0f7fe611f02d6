/** `psoft results`: what the paper shows, from what is recorded. */
import type { Command } from 'commander';
import { addAnglesCommand } from './angles.ts';
import { addFiguresCommand } from './figures.ts';
import { addTablesCommand } from './tables.ts';

export function addResultsCommand(program: Command): void {
  const results = program
    .command('results')
    .description('Make the tables and figures of the paper from the records of runs.')
    .showHelpAfterError('(psoft results --help lists the commands)');
  addTablesCommand(results);
  addFiguresCommand(results);
  addAnglesCommand(results);
}
