/** `psoft runs`: the records of runs, and results brought in from elsewhere. */
import type { Command } from 'commander';
import { addDiffCommand } from './diff.ts';
import { addExportCommand } from './export.ts';
import { addImportCommand } from './import.ts';
import { addListCommand } from './list.ts';
import { addPruneCommand } from './prune.ts';
import { addShowCommand } from './show.ts';

export function addRunsCommand(program: Command): void {
  const runs = program
    .command('runs')
    .description(
      'List, show, compare, export and prune the records of runs; import results of other programs.',
    )
    .showHelpAfterError('(psoft runs --help lists the commands)');
  addListCommand(runs);
  addShowCommand(runs);
  addDiffCommand(runs);
  addExportCommand(runs);
  addImportCommand(runs);
  addPruneCommand(runs);
}
