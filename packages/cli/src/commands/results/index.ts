/** `psoft results`: what the paper shows, from what is recorded. */
import type { Command } from 'commander';
import { addAnglesCommand } from './angles.ts';
import { addFiguresCommand } from './figures.ts';
import { addReportCommand } from './report.ts';
import { addTablesCommand } from './tables.ts';

export function addResultsCommand(program: Command): void {
  const results = program
    .command('results')
    .description(
      'Make the tables and figures of the paper, and a page of all results, from the records of runs.',
    )
    .showHelpAfterError('(psoft results --help lists the commands)');
  addTablesCommand(results);
  addFiguresCommand(results);
  addAnglesCommand(results);
  addReportCommand(results);
}
