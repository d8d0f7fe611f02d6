import type { Command } from 'commander';
import { tableRuns } from '../sweep/tableRuns.ts';
import { findExperiments } from '../workspace.ts';
import {
  addPlanOptions,
  addReportOptions,
  addTableOptions,
  type PlanOptionValues,
  type ReportOptionValues,
  type TableOptionValues,
} from './planOptions.ts';
import { STOPPED_BY_SIGNAL } from './progress.ts';
import { printTable } from './reportTable.ts';
import { runOptionsOf } from './runOptions.ts';
import { runSearch } from './search.ts';

type Options = PlanOptionValues & TableOptionValues & ReportOptionValues;

export function addTableCommand(program: Command, done: (code: number) => void): void {
  const command = program
    .command('table')
    .description(
      'Make a table of the paper: train every method on every task over several seeds, then print it. Runs that are ' +
        'recorded already are not done again, so that it can be interrupted, killed and continued. psoft sweep run ' +
        'makes the same table with several runs at once, or on a cluster.',
    )
    .argument('<table>', 'EXPERIMENT/TABLE, for example nlu/table2');
  addReportOptions(addPlanOptions(addTableOptions(command))).action(
    async (target: string, options: Options) => {
      const { title, seeds, runs, table } = tableRuns(target, findExperiments(), options);
      const outcomes = await runSearch(runs, runOptionsOf(options));
      if (outcomes === undefined) {
        process.stdout.write('stopped; run it again to go on\n');
        return done(STOPPED_BY_SIGNAL);
      }
      await printTable(`${title}, seeds ${seeds.join(', ')}`, table(outcomes), options);
      if (outcomes.some((outcome) => 'failure' in outcome && !outcome.isKnown)) done(1);
    },
  );
}
